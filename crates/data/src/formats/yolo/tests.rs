//! YOLO folders made here.

use super::*;
use crate::{Collection, Format, ObjectBox, Severity, read_collection, write_picture};
use kestrel_core::{ImageSize, RgbImage};
use std::fs;
use tempfile::TempDir;

const LINE: &str = "1 0.5 0.5 0.5 0.5\n";
const NAMES: &str = "names: [dog, cat]\n";

/// Files with these texts; pictures, which are of 20 by 10 pixels, where there is none.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if content.is_empty() && name.ends_with(".png") {
            write_picture(&path, &RgbImage::filled(ImageSize::new(10, 20), [9; 3])).unwrap();
        } else {
            fs::write(path, content).unwrap();
        }
    }
    folder
}

/// `split: pictures (objects)` of each split.
fn found(path: &Path) -> Vec<String> {
    let Collection { format, splits, .. } = read_collection(path).unwrap();
    assert_eq!(format, Format::Yolo);
    let of = |split: &Split| {
        assert_eq!(split.findings, vec![]);
        let images = split.dataset.images.iter();
        let images = images.map(|image| format!("{} ({})", image.name, image.objects.len()));
        format!("{}: {}", split.name, images.collect::<Vec<_>>().join(", "))
    };
    splits.iter().map(of).collect()
}

#[test]
fn a_data_yaml_is_read_in_its_usual_variants() {
    let files = [
        ("train/images/a.png", ""),
        ("train/images/deep/b.png", ""),
        ("train/labels/a.txt", LINE),
        ("valid/images/c.png", ""),
        ("lists/train.txt", "./train/images/a.png\n\nvalid\\images\\c.png\n"),
    ];
    let both = ["train: a.png (1), deep/b.png (0)", "val: c.png (0)"];
    for (yaml, expected) in [
        ("train: train/images\nval: valid/images\nnc: 2\n", &both[..]),
        ("train: ../train/images\nval: ../valid/images\ntest: ../test/images\n", &both),
        ("path: ../gone\ntrain: train\nval: valid\n", &both),
        ("path: .\ntrain: [train/images]\nvalid: [valid]\nroboflow: {version: 1}\n", &both),
        ("other: valid/images\ndownload: train.sh\n", &["other: c.png (0)"]),
        ("train: train/images\nval:\ntest: ''\n", &both[..1]),
        ("train: lists/train.txt\n", &["train: a.png (1), c.png (0)"]),
        ("train: [train, valid]\n", &["train: a.png (1), deep/b.png (0), c.png (0)"]),
    ] {
        let yaml = format!("{yaml}{NAMES}");
        let folder = folder(&[&files[..], &[("data.yaml", &yaml)]].concat());
        let by_file = found(&folder.path().join("data.yaml"));
        let shortened = by_file.iter().map(|split| {
            let names = split.replace("train/images/", "").replace("valid/images/", "");
            names.replace("images/", "").replace(&format!("{}/", folder.path().display()), "")
        });
        assert_eq!(shortened.collect::<Vec<_>>(), expected, "{yaml}");
        assert_eq!(found(folder.path()), by_file, "{yaml}");
    }
}

#[test]
fn classes_have_the_names_the_files_give() {
    let picture = [("images/a.png", ""), ("labels/a.txt", LINE)];
    for (file, content, expected) in [
        ("data.yaml", "names: [dog, cat]", &[(0, "dog"), (1, "cat")][..]),
        ("data.yaml", "names:\n  7: 12\n  1: cat", &[(1, "cat"), (7, "12")]),
        ("data.yaml", "nc: 2", &[(0, "class 0"), (1, "class 1")]),
        ("classes.txt", "dog\r\ncat\n\n", &[(0, "dog"), (1, "cat")]),
        ("obj.names", "dog\n\ncat", &[(0, "dog"), (2, "cat")]),
        ("labels/classes.txt", "dog", &[(0, "dog")]),
        ("notes.md", "", &[(1, "class 1")]),
    ] {
        let folder = folder(&[&picture[..], &[(file, content)]].concat());
        let split = read_collection(folder.path()).unwrap().splits.remove(0);
        assert_eq!((split.name.as_str(), &split.findings), ("all", &vec![]), "{content}");
        let classes = split.dataset.categories.iter().map(|c| (c.id.0, c.name.as_str()));
        assert_eq!(classes.collect::<Vec<_>>(), expected, "{content}");
        assert_eq!(split.dataset.images[0].objects[0].category, CategoryId(1));
    }
}

#[test]
fn folders_without_a_file_that_names_them_are_read() {
    for (files, expected) in [
        (
            &["images/train/a.png", "labels/train/a.txt", "images/val/b.png", "labels/val/b.txt"][..],
            &["train: a.png (1)", "val: b.png (1)"][..],
        ),
        (&["test/images/a.png", "test/labels/a.txt"], &["test: a.png (1)"]),
        (&["train/a.png", "train/a.txt"], &["train: a.png (1)"]),
        (&["a.png", "a.txt", "b.png", "readme.txt"], &["all: a.png (1), b.png (0)"]),
        (&["images/deep/a.png", "labels/deep/a.txt"], &["all: deep/a.png (1)"]),
    ] {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|file| (*file, if file.ends_with(".txt") { LINE } else { "" }))
            .collect();
        assert_eq!(found(folder(&files).path()), expected);
    }
}

#[test]
fn boxes_are_in_pixels_of_the_picture() {
    let folder = folder(&[("images/a.png", ""), ("labels/a.txt", LINE)]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    let image = &split.dataset.images[0];
    assert_eq!(image.stated_size, Some(ImageSize::new(10, 20)));
    let object = &image.objects[0];
    assert_eq!(object.bbox, ObjectBox { x: 5.0, y: 2.5, width: 10.0, height: 5.0 });
    assert_eq!((object.id, object.place.line), (1, Some(1)));
    assert!(object.place.file.ends_with("labels/a.txt"));
}

#[test]
fn what_is_wrong_is_a_finding_with_its_line() {
    let bad = format!("{LINE}\n1 0.5 0.5 0.5 0.5 0.9\n{LINE}");
    let folder = folder(&[
        ("images/a.png", ""),
        ("images/broken.png", "no picture"),
        ("labels/a.txt", &bad),
        ("labels/broken.txt", LINE),
        ("labels/gone.txt", LINE),
    ]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    assert_eq!(split.dataset.num_objects(), 2);
    let findings: Vec<String> = split.findings.iter().map(ToString::to_string).collect();
    let [line, picture, label] = &findings[..] else { panic!("{findings:?}") };
    assert!(line.contains("a.txt:3: malformed annotation: 6 values"), "{line}");
    assert!(picture.contains("broken.txt:1") && picture.contains("broken.png"), "{picture}");
    assert!(label.contains("gone.txt: missing image"), "{label}");
}

/// A box that reaches a little over the edge is kept, for a check to name.
#[test]
fn labels_in_pixels_are_findings_with_their_line() {
    let labels = format!("{LINE}1 1.001 0.5 0.5 0.5\n0 50 50 20 20\n");
    let folder = folder(&[("images/a.png", ""), ("labels/a.txt", &labels)]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    assert_eq!(split.dataset.num_objects(), 2);
    let [finding] = &split.findings[..] else { panic!("{:?}", split.findings) };
    assert_eq!((finding.place.line, finding.severity()), (Some(3), Severity::Error));
    assert!(finding.detail.contains("parts of the picture"), "{finding}");
}

#[test]
fn a_file_that_names_what_is_not_there_is_an_error() {
    for (yaml, word) in [
        ("train: train/images\nnames: [a]", "train/images"),
        ("names: [a\ntrain: x", "data.yaml:"),
        ("names: 5", "data.yaml with"),
    ] {
        let folder = folder(&[("data.yaml", yaml)]);
        let error = read_collection(folder.path()).unwrap_err().to_string();
        assert!(error.contains("data.yaml") && error.contains(word), "{error}");
    }
}

#[test]
fn a_list_with_a_missing_picture_says_where() {
    let folder = folder(&[
        ("a.png", ""),
        ("train.txt", "a.png\nb.png\n"),
        ("data.yaml", "train: train.txt\nnames: [a]"),
    ]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    assert_eq!((split.dataset.images.len(), split.findings.len()), (1, 1));
    assert!(split.findings[0].to_string().contains("train.txt:2"), "{}", split.findings[0]);
}
