//! `kestrel data check`, `convert`, `crops`, `split` and `preview`.

use crate::support::{PROGRAM, Workplace, answer, names_in, shared};
use serde_json::{Value, json};

/// Four pictures of shapes, 96 pixels a side, in `drawn/`.
fn with_shapes() -> Workplace {
    let work = Workplace::new();
    work.run("data synth shapes -o drawn --side 96 --count 4 --seed 3").done();
    work
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Every box with its class, in an order that does not depend on ids.
fn boxes(coco: &Value) -> Vec<(String, String, [f64; 4])> {
    let name = |list: &str, id: &Value, key: &str| {
        let entries = coco[list].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["id"] == *id).unwrap();
        entry[key].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    let mut boxes: Vec<(String, String, [f64; 4])> = coco["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| {
            let corners = serde_json::from_value(object["bbox"].clone()).unwrap();
            let image = name("images", &object["image_id"], "file_name");
            (image, name("categories", &object["category_id"], "name"), corners)
        })
        .collect();
    boxes.sort_by_key(|(image, class, corners)| {
        (image.clone(), class.clone(), corners.map(|corner| corner.round() as i64))
    });
    boxes
}

#[test]
fn a_sound_set_passes() {
    let work = with_shapes();
    let answer = work.run("data check drawn --json findings.json").done();
    assert!(answer.stdout.contains("drawn: COCO, 1 split"), "{}", answer.stdout);
    let report = parsed(&work.read("findings.json"));
    assert_eq!(report["splits"][0]["images"], 4);
    assert_eq!(report["splits"][0]["classes"].as_array().unwrap().len(), 5);
}

#[test]
fn faults_are_named_and_mended() {
    let work = with_shapes();
    let mut truth = parsed(&work.read("drawn/truth.json"));
    truth["annotations"][0]["bbox"] = json!([5, 5, 0, 7]);
    truth["annotations"][0].as_object_mut().unwrap().remove("segmentation");
    truth["annotations"][1]["category_id"] = json!(77);
    truth["images"][3]["file_name"] = json!("lost.png");
    work.write("drawn/truth.json", truth.to_string());
    let before = work.read("drawn/truth.json");

    let answer = work.run("data check drawn/truth.json --fix").ended(1);
    for finding in [
        "box of zero size (error)\n  drawn/truth.json, annotation 1: 0.0 x 7.0 pixels",
        "unknown class (error)\n  drawn/truth.json, annotation 2",
        "missing image (error)",
    ] {
        assert!(answer.stdout.contains(finding), "{finding}: {}", answer.stdout);
    }
    assert_eq!(work.read("drawn/truth.json"), before);
    work.run("data check drawn/truth.repaired.json").done();
    // The copy does not become a second split of the folder.
    let answer = work.run("data check drawn").ended(1);
    assert!(answer.stdout.contains("1 split"), "{}", answer.stdout);
    let repaired = parsed(&work.read("drawn/truth.repaired.json"));
    assert_eq!(repaired["images"].as_array().unwrap().len(), 3);
}

/// The copy lay among LabelMe's files, was read as one of them, and found malformed.
#[test]
fn the_repaired_copy_of_a_folder_is_not_read_with_it() {
    let work = with_shapes();
    std::fs::create_dir(work.path("marked")).unwrap();
    std::fs::copy(work.path("drawn/shapes-0001.png"), work.path("marked/a.png")).unwrap();
    let rectangle =
        json!({"label": "disc", "points": [[5, 5], [20, 25]], "shape_type": "rectangle"});
    let marking = json!({"shapes": [rectangle], "imagePath": "a.png"});
    work.write("marked/a.json", marking.to_string());
    work.run("data check marked --fix").done();
    assert!(work.path("marked/all.repaired.json").is_file());
    let answer = work.run("data check marked").done();
    assert!(!answer.stdout.contains("malformed"), "{}", answer.stdout);
}

/// The second one took the place of the first.
#[test]
fn splits_of_like_names_are_repaired_into_two_files() {
    let work = with_shapes();
    work.run("data split drawn -o parts --parts train=0.5,val=0.5").done();
    let splits = "site/1: {annotations: train.json}, site_1: {annotations: val.json}";
    let descriptor = format!("name: Set\nformat: coco\npath: parts\nsplits: {{{splits}}}\n");
    work.write("set.yaml", descriptor);
    work.run("data check set.yaml --fix").done();
    for name in ["set.site_1.repaired.json", "set.site_1_2.repaired.json"] {
        assert_eq!(parsed(&work.read(name))["images"].as_array().unwrap().len(), 2, "{name}");
    }
}

/// They were open to everyone, whatever the umask said.
#[cfg(unix)]
#[test]
fn crops_are_as_private_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let work = with_shapes();
    let mut command = std::process::Command::new("sh");
    command.current_dir(work.path("drawn"));
    command.args(["-c", "umask 077 && exec \"$0\" data crops . -o ../crops", PROGRAM]);
    answer(command).done();
    let mode = std::fs::metadata(work.path("crops")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{mode:o}");
}

#[test]
fn boxes_and_classes_survive_the_way_there_and_back() {
    let work = with_shapes();
    let original = boxes(&parsed(&work.read("drawn/truth.json")));
    for format in ["voc", "yolo"] {
        work.run(&format!("data convert drawn --to {format} -o {format}")).done();
        work.run(&format!("data convert {format} --to coco -o {format}-back --images leave"))
            .done();
        let name = names_in(&work.path(&format!("{format}-back/annotations")));
        let name = name.first().unwrap();
        let back = boxes(&parsed(&work.read(&format!("{format}-back/annotations/{name}"))));
        assert_eq!(back.len(), original.len(), "{format}");
        for (found, expected) in back.iter().zip(&original) {
            assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{format}");
            let off = found.2.iter().zip(&expected.2).map(|(a, b)| (a - b).abs());
            // Half a pixel is asked for; drawn boxes are whole pixels, YOLO's digits are rounded.
            assert!(off.clone().all(|off| off <= 1e-3), "{format}: {found:?} {expected:?}");
        }
    }
    let error = work.run("data convert drawn --to coco -o voc").refused();
    assert!(error.contains("voc"), "{error}");
}

#[test]
fn a_set_whose_pictures_stay_can_be_used_again() {
    let work = with_shapes();
    for format in ["coco", "voc"] {
        work.run(&format!("data convert drawn --to {format} -o sets/{format} --images leave"))
            .done();
        let answer = work.run(&format!("data check sets/{format}")).done();
        assert!(!answer.stdout.contains("missing image"), "{}", answer.stdout);
    }
    let error = work.run("data convert drawn --to yolo -o sets/yolo --images leave").refused();
    assert!(error.contains("--images link"), "{error}");
    assert!(!work.path("sets/yolo").exists());
}

#[test]
fn yolo_labels_in_pixels_are_faults() {
    let work = with_shapes();
    work.run("data convert drawn --to yolo -o yolo").done();
    assert!(work.read("yolo/data.yaml").contains("train: images/truth\nval:\n"));
    work.write("yolo/labels/truth/shapes-0001.txt", "0 0.5 0.5 0.2 0.2\n0 50 50 20 20\n");
    let answer = work.run("data check yolo").ended(1);
    let finding = "shapes-0001.txt:2: found the coordinate 50.0, expected parts";
    assert!(answer.stdout.contains(finding), "{}", answer.stdout);
}

#[test]
fn parts_hold_every_picture_once() {
    let work = Workplace::new();
    work.run("data synth shapes -o drawn --side 48 --count 10").done();
    work.run("data split drawn -o parts --parts train=0.7,val=0.3 --seed 4").done();
    work.run("data split drawn -o again --parts train=0.7,val=0.3 --seed 4").done();
    assert_eq!(work.read("parts/val.json"), work.read("again/val.json"));
    let count = |name: &str| parsed(&work.read(name))["images"].as_array().unwrap().len();
    assert_eq!((count("parts/train.json"), count("parts/val.json")), (7, 3));
    // The pictures are found from where the parts lie.
    work.run("data check parts").done();
    let error = work.run("data split drawn -o parts").refused();
    assert!(error.contains("is there already"), "{error}");
    work.run("data split drawn -o p --parts ../evil=0.5,val=0.5").ended(2);
    assert!(!work.path("evil.json").exists() && !work.path("p").exists());
    let error = work.run("data split drawn -o p --parts train=0.7,val=0.7").refused();
    assert!(error.contains("1.4"), "{error}");
    let error = work.run("data split drawn -o p --group ^(.*)-frame").refused();
    assert!(error.contains("^(.*)-frame") && error.contains("shapes-0001.png"), "{error}");
    let answer = work.run("data split drawn -o groups --group ^(shapes-000)[1-4]").done();
    let note = "6 of 10 images not matched by --group, such as shapes-0005.png";
    assert!(answer.stderr.contains(note), "{}", answer.stderr);
}

#[test]
fn a_sheet_shows_pictures_and_what_training_makes_of_them() {
    let work = with_shapes();
    work.run("data preview drawn -o sheet.png --count 2 --side 64").done();
    work.write(
        "augment.yaml",
        "loader:\n  augment: [horizontal_flip: {probability: 1.0}, blur: {}]\n",
    );
    let with = "data preview drawn -o with.png --count 2 --side 64 --augment augment.yaml";
    work.run(with).done();
    let size = |name: &str| image::image_dimensions(work.path(name)).unwrap();
    assert!(size("with.png").1 > size("sheet.png").1, "four tiles against two");
    work.write("wrong.yaml", "loader:\n  augment: [horizontal_flop: {}]\n");
    let error = work.run("data preview drawn -o no.png --augment wrong.yaml").refused();
    assert!(error.contains("wrong.yaml") && error.contains("horizontal_flip"), "{error}");
    assert!(!work.path("no.png").exists());
    let error = work.run("data preview drawn -o nodir/sheet.png").refused();
    assert!(error.contains("nodir/sheet.png") && error.contains("make the folder"), "{error}");
    assert!(!error.contains(".kestrel-"), "{error}");
}

#[test]
fn drawing_leaves_no_picture_without_truth() {
    let work = with_shapes();
    work.run("data synth shapes -o drawn --side 96 --count 5 --seed 3").done();
    for drawing in ["shapes -o drawn --count 4", "micrograph -o drawn --count 9"] {
        let error = work.run(&format!("data synth {drawing} --side 96")).refused();
        assert!(error.contains("drawn holds") && error.contains("--output"), "{error}");
    }
    let truth = parsed(&work.read("drawn/truth.json"));
    assert_eq!(truth["images"].as_array().unwrap().len(), 5);
}

#[test]
fn what_is_no_data_set_is_refused() {
    let work = with_shapes();
    std::fs::create_dir(work.path("notes")).unwrap();
    for arguments in ["data check nowhere", "data check notes", "data check drawn --split val"] {
        let error = work.run(arguments).refused();
        assert!(error.starts_with("error: "), "{error}");
    }
}

#[test]
fn known_faults_of_real_sets_are_found() {
    let Some(bccd) = shared("data/bccd") else { return };
    let work = Workplace::new();
    let bccd = bccd.display().to_string();
    let answer = work.run_with(["data", "check", &bccd, "--json", "bccd.json"]).ended(1);
    assert!(answer.stdout.contains("BloodImage_00338.xml"), "{}", answer.stdout);
    let report = parsed(&work.read("bccd.json"));
    assert_eq!(report["counts"]["box of zero size"], 2, "{}", report["counts"]);
    let images: Vec<&Value> =
        report["splits"].as_array().unwrap().iter().map(|split| &split["images"]).collect();
    assert_eq!(images, [205, 87, 72]);
}
