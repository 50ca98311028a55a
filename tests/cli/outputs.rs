//! Each format, the pictures, and the options that choose what is in them.

use crate::results::{Found, pictures};
use crate::support::{Workplace, names_in, root};
use crate::weights::Tensors;
use serde_json::Value;
use std::fs;

fn found(work: &Workplace, options: &str) -> Vec<Vec<Found>> {
    let answer = work.run(&format!("detect drawn --model nuclei {options}")).done();
    pictures(&answer.stdout).into_iter().map(|picture| picture.detections).collect()
}

/// A file's lines, each split at its commas.
fn cells(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split(',').collect()).collect()
}

#[test]
fn json_has_a_line_for_every_picture() {
    let work = Workplace::with_micrographs(2);
    let answer = work.run("detect drawn -o found.json").done();
    let text = work.read("found.json");
    let found = pictures(&text);
    let names: Vec<&str> = found.iter().map(|picture| picture.image.as_str()).collect();
    assert_eq!(names, ["drawn/micrograph-0001.png", "drawn/micrograph-0002.png"]);
    for picture in &found {
        assert_eq!((picture.width, picture.height), (128, 128));
        // The model finds drawn nuclei as it does real ones: each picture has 7.
        let sure = picture.detections.iter().filter(|found| found.score > 0.5);
        assert!((4..=10).contains(&sure.count()), "{:?}", picture.detections);
        let scores = picture.detections.iter().map(|found| found.score);
        assert!(scores.is_sorted_by(|a, b| a >= b), "not by falling score");
        for found in &picture.detections {
            assert_eq!((found.label, found.category.as_deref()), (1, Some("nucleus")));
            assert_eq!(found.mask.as_ref().unwrap().decoded().size(), picture.size());
        }
    }
    assert!(answer.stderr.contains(" objects in 2 pictures, "), "{}", answer.stderr);
    assert_eq!(work.run("detect drawn").done().stdout, text, "a pipe gets what the file has");
    assert_eq!(work.run("detect drawn -o -").done().stdout, text);
}

#[test]
fn coco_is_a_list_of_the_same_numbers() {
    let work = Workplace::with_micrographs(2);
    let expected = found(&work, "");
    work.run("detect drawn --format coco -o found.json").done();
    let list: Vec<Value> = serde_json::from_str(&work.read("found.json")).unwrap();
    let numbered = (1..).zip(&expected).flat_map(|(id, all)| all.iter().map(move |one| (id, one)));
    let numbered: Vec<(i64, &Found)> = numbered.collect();
    assert_eq!(list.len(), numbered.len());
    for (entry, (id, found)) in list.iter().zip(numbered) {
        assert_eq!((&entry["image_id"], &entry["category_id"]), (&id.into(), &1.into()));
        let bbox: [f32; 4] = serde_json::from_value(entry["bbox"].clone()).unwrap();
        let corners = found.bbox;
        assert_eq!(bbox, [corners.x1, corners.y1, corners.width(), corners.height()]);
        assert_eq!(entry["segmentation"]["counts"], found.mask.as_ref().unwrap().counts.as_str());
    }
}

#[test]
fn csv_has_a_header_and_a_line_for_every_detection() {
    let work = Workplace::with_micrographs(2);
    let expected: Vec<Found> = found(&work, "").concat();
    work.run("detect drawn --format csv -o found.csv").done();
    let text = work.read("found.csv");
    let cells = cells(&text);
    assert_eq!(cells[0].join(","), "image,width,height,label,category,score,x1,y1,x2,y2,mask_area");
    assert_eq!(cells.len(), 1 + expected.len());
    for (cells, found) in cells[1..].iter().zip(&expected) {
        assert_eq!(cells[5].parse::<f32>(), Ok(found.score));
        assert_eq!(cells[8].parse::<f32>(), Ok(found.bbox.x2));
        let area = found.mask.as_ref().unwrap().decoded().area();
        assert_eq!(cells[10].parse::<u64>(), Ok(area));
    }
}

#[test]
fn yolo_is_a_folder_of_text_files() {
    let work = Workplace::with_micrographs(2);
    let expected = found(&work, "");
    work.run("detect drawn --format yolo -o labels").done();
    let names = ["classes.txt", "micrograph-0001.txt", "micrograph-0002.txt"];
    assert_eq!(names_in(&work.path("labels")), names.map(str::to_owned).into());
    assert_eq!(work.read("labels/classes.txt"), "nucleus\n");
    for (name, expected) in names[1..].iter().zip(&expected) {
        let text = work.read(&format!("labels/{name}"));
        assert_eq!(text.lines().count(), expected.len());
        let first: Vec<f32> =
            text.lines().next().unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
        let bbox = expected[0].bbox;
        // Class, centre, size, score; parts of 128 pixels, a power of two, so nothing is rounded
        // but the sums.
        let [cx, cy] = [(bbox.x1 + bbox.x2) / 256.0, (bbox.y1 + bbox.y2) / 256.0];
        let [w, h] = [bbox.width() / 128.0, bbox.height() / 128.0];
        assert_eq!(first, [0.0, cx, cy, w, h, expected[0].score]);
    }
}

#[test]
fn a_file_leaves_standard_output_to_the_table() {
    let work = Workplace::with_micrographs(2);
    let answer = work.run("detect drawn -o found.json").done();
    for text in ["image", "best score", "drawn/micrograph-0002.png"] {
        assert!(answer.stdout.contains(text), "{}", answer.stdout);
    }
    let one = work.run("detect drawn/micrograph-0001.png -o one.json").done();
    assert!(one.stdout.starts_with("drawn/micrograph-0001.png, 128x128: "), "{}", one.stdout);
    assert!(one.stdout.contains("mask pixels"));
    assert!(one.stderr.contains(" in 1 picture, "), "{}", one.stderr);
}

#[test]
fn drawn_pictures_have_the_size_of_the_originals() {
    let work = Workplace::with_micrographs(2);
    fs::copy(work.path("drawn/micrograph-0001.png"), work.path("again.png")).unwrap();
    work.run("detect drawn again.png --save-images new/pictures -o found.json").done();
    let names = ["again.png", "micrograph-0001.png", "micrograph-0002.png"];
    assert_eq!(names_in(&work.path("new/pictures")), names.map(str::to_owned).into());
    let original = image::open(work.path("again.png")).unwrap().into_rgb8();
    let drawn = image::open(work.path("new/pictures/again.png")).unwrap().into_rgb8();
    assert_eq!(drawn.dimensions(), original.dimensions());
    let changed = drawn.pixels().zip(original.pixels()).filter(|(a, b)| a != b).count();
    // The outlines of seven nuclei at the least, and not every pixel.
    assert!((200..128 * 128 * 9 / 10).contains(&changed), "{changed} pixels differ");
}

#[test]
fn a_higher_score_keeps_the_first() {
    let work = Workplace::with_micrographs(2);
    let (all, sure) = (found(&work, "--score 0"), found(&work, "--score 0.9"));
    assert!(all.concat().len() > sure.concat().len() && !sure.concat().is_empty());
    for (all, sure) in all.iter().zip(&sure) {
        assert!(sure.iter().all(|found| found.score > 0.9));
        assert_eq!(sure[..], all[..sure.len()]);
        assert!(all[sure.len()..].iter().all(|found| found.score <= 0.9));
    }
    assert!(found(&work, "--score 1").concat().is_empty());
}

#[test]
fn the_best_are_kept() {
    let work = Workplace::with_micrographs(1);
    let (all, best) = (found(&work, ""), found(&work, "--max-detections 3"));
    assert!(all[0].len() > 3);
    assert_eq!(best[0], all[0][..3]);
    // Also more than the model's own number.
    let yaml = fs::read_to_string(root().join("models/nuclei.yaml")).unwrap();
    work.write("few.yaml", yaml.replace("max_detections: 300", "max_detections: 2"));
    let few = found(&work, "--architecture few.yaml");
    assert_eq!(few[0], all[0][..2]);
    assert_eq!(found(&work, "--architecture few.yaml --max-detections 3"), best);
}

#[test]
fn classes_are_chosen_by_name() {
    let work = Workplace::with_micrographs(1);
    work.write("bare.safetensors", Tensors::bundled().with_the_class_twice().to_bytes());
    let yaml = fs::read_to_string(root().join("models/nuclei.yaml")).unwrap();
    work.write("three.yaml", yaml.replace("num_classes: 2", "num_classes: 3"));
    let convert = "model convert bare.safetensors --architecture three.yaml";
    work.run(&format!("{convert} --classes cat,dog -o two.safetensors")).done();
    let labels = |options: &str| -> Vec<usize> {
        let command = format!("detect drawn --model two.safetensors --score 0.2 {options}");
        let pictures = pictures(&work.run(&command).done().stdout);
        pictures[0].detections.iter().map(|found| found.label).collect()
    };
    // Two classes of the same weights share the score, and each finds everything.
    let all = labels("");
    let of = |label: usize| all.iter().filter(|found| **found == label).count();
    assert!(of(1) >= 4 && of(1) == of(2), "{all:?}");
    assert_eq!(labels("--classes dog"), vec![2; of(2)]);
    assert_eq!(labels("--classes dog,cat").len(), all.len());
    assert_eq!(labels("--classes cat --max-detections 3"), [1; 3]);
    let error = work.run("detect drawn --model two.safetensors --classes cow,cat").refused();
    assert!(error.contains("no class `cow` among its 2"), "{error}");
}

#[test]
fn a_picture_without_objects_is_a_result_too() {
    let work = Workplace::new();
    work.run("data synth micrograph -o drawn --side 64 --nuclei 0").done();
    let dark = work.run("detect drawn --score 0.9").done();
    assert_eq!(pictures(&dark.stdout)[0].detections, []);
    let list = work.run("detect drawn --score 0.9 --format coco").done().stdout;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap(), Value::from(Vec::<Value>::new()));
    work.run("detect drawn --score 0.9 --format yolo -o labels").done();
    assert_eq!(work.read("labels/micrograph-0001.txt"), "");
}
