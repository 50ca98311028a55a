//! Descriptors made here, and those in `datasets/`.

use super::*;
use crate::read_collection;
use std::fs;
use tempfile::TempDir;

const COCO: &str = r#"{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [],
                       "categories": [{"id": 4, "name": "1"}]}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn a_descriptor_names_splits_and_classes() {
    let yaml = "name: Cells\nformat: coco\npath: ../data\nlicense: CC0\nnotes: none\n\
                names: {4: cell, 9: debris}\n\
                splits:\n  test: {annotations: odd.json, images: pictures}\n  night: {annotations: two.json}\n";
    let folder = folder(&[
        ("sets/cells.yaml", yaml),
        ("data/odd.json", COCO),
        ("data/two.json", COCO),
        ("data/pictures/a.png", ""),
    ]);
    let collection = read_collection(&folder.path().join("sets/cells.yaml")).unwrap();
    assert_eq!(collection.format, Format::Coco);
    let [test, night] = &collection.splits[..] else { panic!("two splits") };
    assert_eq!((test.name.as_str(), night.name.as_str()), ("test", "night"));
    assert!(test.dataset.images[0].path.ends_with("data/pictures/a.png"));
    let classes = test.dataset.categories.iter().map(|c| (c.id.0, c.name.as_str()));
    assert_eq!(classes.collect::<Vec<_>>(), [(4, "cell"), (9, "debris")]);
}

#[test]
fn a_class_has_one_number_in_all_splits() {
    let xml = |class: &str| {
        format!(
            "<annotation><object><name>{class}</name><bndbox><xmin>1</xmin><ymin>1</ymin>\
             <xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>"
        )
    };
    let folder = folder(&[
        (
            "voc.yaml",
            "name: a\nformat: voc\npath: .\nsplits:\n  train: {annotations: day}\n  val: {annotations: night}\n",
        ),
        (
            "yolo.yaml",
            "name: a\nformat: yolo\npath: .\nsplits:\n  train: {images: one}\n  val: {images: two}\n",
        ),
        ("day/1.xml", &xml("dog")),
        ("night/1.xml", &xml("cat")),
        ("one/a.txt", "3 .5 .5 .1 .1"),
        ("two/a.txt", "7 .5 .5 .1 .1"),
    ]);
    for place in ["one/a.png", "two/a.png"] {
        let picture = kestrel_core::RgbImage::filled(kestrel_core::ImageSize::new(4, 4), [0; 3]);
        crate::write_picture(&folder.path().join(place), &picture).unwrap();
    }
    for (name, expected, used) in [
        ("voc.yaml", [(1, "cat"), (2, "dog")], [2, 1]),
        ("yolo.yaml", [(3, "class 3"), (7, "class 7")], [3, 7]),
    ] {
        let splits = read_collection(&folder.path().join(name)).unwrap().splits;
        for (split, used) in splits.iter().zip(used) {
            let classes = split.dataset.categories.iter().map(|c| (c.id.0, c.name.as_str()));
            assert_eq!(classes.collect::<Vec<_>>(), expected, "{name}");
            let object = &split.dataset.images[0].objects[0];
            assert_eq!(object.category, CategoryId(used), "{name}");
        }
    }
}

#[test]
fn splits_read_apart_share_their_classes() {
    let split = |names: &[(u64, &str)]| {
        let categories = names.iter().map(|&(id, name)| Category {
            id: CategoryId(id),
            name: name.into(),
            supercategory: None,
        });
        let dataset = Dataset { categories: categories.collect(), images: Vec::new() };
        Split { name: "a".into(), dataset, findings: Vec::new() }
    };
    let mut splits = [split(&[(1, "dog")]), split(&[(1, "cat"), (2, "dog")]), split(&[])];
    share_classes(&mut splits);
    for split in splits {
        let classes = split.dataset.categories.iter().map(|c| (c.id.0, c.name.as_str()));
        assert_eq!(classes.collect::<Vec<_>>(), [(1, "dog"), (2, "cat")]);
    }
}

#[test]
fn the_folder_can_lie_elsewhere() {
    let folder = folder(&[
        ("cells.yaml", "name: Cells\nformat: coco\npath: gone\n"),
        ("here/train.json", COCO),
    ]);
    let path = folder.path().join("cells.yaml");
    let error = read_descriptor(&path, None).unwrap_err();
    assert!(matches!(&error, FormatError::Io { path, .. } if path.ends_with("gone")), "{error}");
    let collection = read_descriptor(&path, Some(&folder.path().join("here"))).unwrap();
    assert_eq!(collection.splits[0].name, "train");
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (yaml, word) in [
        ("format: coco\npath: .\n", "missing field `name`"),
        ("name: a\npath: .\nformat: cocoa\n", "cocoa"),
        ("name: a\nformat: coco\npath: .\npaths: 3\n", "unknown field `paths`"),
        ("name: a\nformat: coco\npath: .\nsplits: {val: {images: .}}\n", "no `annotations`"),
        ("name: a\nformat: yolo\npath: .\nsplits: {val: {annotations: .}}\n", "no `images`"),
        ("name: a\nformat: coco\npath: .\nsplits: {val: {annotations: x.json}}\n", "x.json"),
        ("name: a\nformat: [\n", "a.yaml:"),
    ] {
        let folder = folder(&[("a.yaml", yaml)]);
        let error = read_collection(&folder.path().join("a.yaml")).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(error.contains("a.yaml") || word == "x.json", "{error}");
    }
}

#[test]
fn those_that_come_with_kestrel_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let mut names = Vec::new();
    for path in super::super::locate::files_with(&folder, &["yaml"]) {
        assert!(recognises(&path), "{}", path.display());
        let descriptor: Descriptor = serde_yaml::from_str(&read_text(&path).unwrap()).unwrap();
        assert!(descriptor.license.is_some() && descriptor.path.is_relative());
        names.push(super::super::locate::stem(&path));
    }
    names.sort();
    assert_eq!(names, ["bccd", "coco", "coco-mini", "nuclei256", "penn-fudan"]);
}

#[test]
fn those_whose_data_is_here_give_what_they_describe() {
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    for (name, counts) in [
        ("bccd", &[("train", 205), ("val", 87), ("test", 72)][..]),
        ("coco-mini", &[("all", 216)]),
        ("nuclei256", &[("train", 1245), ("val", 199)]),
    ] {
        let path = datasets.join(name).with_extension("yaml");
        let collection = match read_collection(&path) {
            Err(FormatError::Io { path, .. }) => {
                eprintln!("skipped: no {} here", path.display());
                continue;
            }
            read => read.unwrap(),
        };
        let found = collection.splits.iter().map(|s| (s.name.as_str(), s.dataset.images.len()));
        assert_eq!(found.collect::<Vec<_>>(), counts, "{name}");
    }
}
