//! Files as labelme writes them, and damaged ones.

use super::super::damage::{any_damage, survives};
use super::*;
use crate::dataset::Outline;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

const FILE: &str = r#"{"version": "5.2.1", "flags": {}, "shapes": [
    {"label": "dog", "points": [[1, 2], [9, 2], [9.5, 8]], "group_id": 3,
     "shape_type": "polygon", "flags": {}},
    {"label": "cat", "points": [[9, 8], [4, 3]], "group_id": null, "shape_type": "rectangle"},
    {"label": "dog", "points": [[20, 2], [29, 2], [24, 8]], "group_id": 3,
     "shape_type": "polygon"},
    {"label": "cat", "points": [[10, 10], [13, 14]], "group_id": 3, "shape_type": "circle"},
    {"label": "dog", "points": [[1, 1], [2, 2]], "shape_type": "line"},
    {"label": "dog", "points": [[1, 1], [2, 2]]},
    {"label": " ", "points": [[1, 1], [2, 2], [3, 1]]},
    {"label": "dog", "points": [[1, 1], [2], [3, 1]]},
    "shape"],
    "imagePath": "..\\images\\a.jpg", "imageData": null, "imageHeight": 20, "imageWidth": 30}"#;

const EMPTY: &str = r#"{"shapes": [], "imagePath": "b.png", "imageHeight": -1, "imageWidth": 3}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn shapes_become_objects_and_groups_one() {
    let folder = folder(&[("annotations/a.json", FILE), ("images/a.jpg", "")]);
    assert!(recognises(folder.path()));
    let split = read(folder.path()).unwrap().remove(0);
    let names: Vec<_> = split.dataset.categories.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["cat", "dog"]);
    let image = &split.dataset.images[0];
    assert_eq!(image.path, folder.path().join("images/a.jpg"));
    assert_eq!((image.name.as_str(), image.stated_size), ("a.jpg", Some(ImageSize::new(20, 30))));
    let objects: Vec<_> =
        image.objects.iter().map(|it| (it.category.0, it.bbox, it.place.annotation)).collect();
    let expected = [
        (2, ObjectBox { x: 1.0, y: 2.0, width: 28.0, height: 6.0 }, Some(1)),
        (1, ObjectBox { x: 4.0, y: 3.0, width: 5.0, height: 5.0 }, Some(2)),
        (1, ObjectBox { x: 5.0, y: 5.0, width: 10.0, height: 10.0 }, Some(4)),
    ];
    assert_eq!(objects, expected);
    let Some(Outline::Polygons(parts)) = &image.objects[0].outline else { panic!("polygons") };
    assert_eq!(parts.len(), 2);
    let found: Vec<_> = split.findings.iter().map(|it| (it.kind, it.place.annotation)).collect();
    let expected = [
        (FindingKind::MalformedAnnotation, Some(5)),
        (FindingKind::InvalidMask, Some(6)),
        (FindingKind::UnknownClass, Some(7)),
        (FindingKind::MalformedAnnotation, Some(8)),
        (FindingKind::MalformedAnnotation, Some(9)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_renamed_picture_is_found_by_its_file() {
    let files = [("train/x.json", EMPTY), ("train/x.bmp", ""), ("val/y.json", EMPTY)];
    let folder = folder(&files);
    let splits = read(folder.path()).unwrap();
    let images: Vec<_> = splits
        .iter()
        .map(|split| (split.name.as_str(), split.dataset.images[0].name.as_str()))
        .collect();
    assert_eq!(images, [("train", "x.bmp"), ("val", "b.png")]);
    assert_eq!(splits[0].dataset.images[0].stated_size, None, "a negative height is none");
    assert!(splits[0].dataset.categories.is_empty());
}

#[test]
fn one_broken_file_is_a_finding_and_only_broken_files_are_an_error() {
    let both = folder(&[("a.json", "{\n\"shapes\": ["), ("b.json", EMPTY), ("c.json", "[]")]);
    let split = read(both.path()).unwrap().remove(0);
    assert_eq!(split.dataset.images.len(), 1);
    let found: Vec<_> =
        split.findings.iter().map(|it| (name(&it.place.file), it.place.line)).collect();
    assert_eq!(found, [("a.json".into(), Some(2)), ("c.json".into(), None)]);
    let broken = folder(&[("a.json", "{\"shapes\": 3}")]);
    let error = read(broken.path()).unwrap_err();
    assert!(error.to_string().contains("a number as \"shapes\""), "{error}");
}

/// It is COCO, and was a malformed annotation.
#[test]
fn a_repaired_copy_is_no_part_of_the_set() {
    let repaired = r#"{"images": [], "annotations": [], "categories": []}"#;
    let folder = folder(&[("a.json", EMPTY), ("all.repaired.json", repaired)]);
    let split = read(folder.path()).unwrap().remove(0);
    assert_eq!((split.dataset.images.len(), split.findings), (1, Vec::new()));
}

#[test]
fn other_json_is_not_recognised() {
    for text in [r#"{"images": [], "shapes": []}"#, "[1, 2]", "{}", "{", ""] {
        let folder = folder(&[("a.json", text)]);
        assert!(!recognises(folder.path()), "{text}");
        assert!(!recognises(&folder.path().join("a.json")), "{text}");
        assert!(matches!(read(folder.path()), Err(FormatError::Unknown { .. })), "{text}");
    }
}

#[test]
fn a_file_alone_is_a_set() {
    let folder = folder(&[("a.json", EMPTY), ("b.json", EMPTY)]);
    let file = folder.path().join("a.json");
    assert!(recognises(&file));
    assert_eq!(read(&file).unwrap()[0].dataset.images.len(), 1);
}

proptest! {
    #[test]
    fn damage_is_named_or_read_around(bytes in any_damage(&[FILE, EMPTY])) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), bytes).unwrap();
        let _ = recognises(folder.path());
        survives(read(folder.path()))?;
    }
}
