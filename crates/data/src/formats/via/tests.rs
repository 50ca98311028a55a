//! Files as VIA writes them, and damaged ones.

use super::super::damage::{any_damage, survives};
use super::*;
use crate::dataset::{ObjectBox, Outline};
use crate::write_picture;
use kestrel_core::{ImageSize, RgbImage};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

/// Version 1: regions as a map.
const VERSION_1: &str = r#"{
    "b.jpg100": {"fileref": "", "size": 100, "filename": "b.jpg", "base64_img_data": "",
        "file_attributes": {}, "regions": {
        "10": {"shape_attributes": {"name": "circle", "cx": 5, "cy": 6, "r": 2},
               "region_attributes": {"kind": "late"}},
        "9": {"shape_attributes": {"name": "polygon",
                "all_points_x": [1, 9, 9.5], "all_points_y": [2, 2, 8]},
              "region_attributes": {"kind": "early"}}}},
    "a.jpg77": {"filename": "a.jpg", "size": 77, "regions": {}, "file_attributes": {}}
}"#;

/// Version 2: a project, regions as lists, options as maps.
const VERSION_2: &str = r#"{"_via_settings": {"ui": {}}, "_via_img_metadata": {
    "a.jpg1": {"filename": "sub\\a.jpg", "size": 1, "file_attributes": {}, "regions": [
        {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4},
         "region_attributes": {"name": "7", "type": {"cat": true}}},
        {"shape_attributes": {"name": "ellipse", "cx": 9, "cy": 9, "rx": 4, "ry": 2, "theta": 0.5},
         "region_attributes": {"name": "7", "type": {"dog": true}}},
        {"shape_attributes": {"name": "point", "cx": 9, "cy": 9},
         "region_attributes": {"name": "7", "type": {"dog": true}}},
        {"shape_attributes": {"name": "polyline", "all_points_x": [0, 1], "all_points_y": [0, 1]},
         "region_attributes": {"name": "7", "type": {"dog": true}}},
        {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 3, "height": 4},
         "region_attributes": {"name": "7", "type": {}}},
        5]},
    "broken": {"size": 3}},
    "_via_attributes": {"region": {}, "file": {}}}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn class_names(split: &Split) -> Vec<&str> {
    split.dataset.categories.iter().map(|category| category.name.as_str()).collect()
}

#[test]
fn version_1_has_regions_by_number() {
    let folder = folder(&[("via_region_data.json", VERSION_1), ("images/b.jpg", "")]);
    assert!(recognises(folder.path()));
    let splits = read(folder.path()).unwrap();
    assert_eq!((splits.len(), splits[0].name.as_str(), splits[0].findings.len()), (1, "all", 0));
    assert_eq!(class_names(&splits[0]), ["early", "late"]);
    let [a, b] = splits[0].dataset.images.as_slice() else { panic!("two images") };
    assert_eq!((a.name.as_str(), a.objects.len()), ("a.jpg", 0));
    assert_eq!(a.path, folder.path().join("a.jpg"));
    assert_eq!(b.path, folder.path().join("images/b.jpg"));
    let [polygon, circle] = b.objects.as_slice() else { panic!("two objects") };
    assert_eq!(polygon.outline, Some(Outline::Polygons(vec![vec![1., 2., 9., 2., 9.5, 8.]])));
    assert_eq!(polygon.bbox, ObjectBox { x: 1.0, y: 2.0, width: 8.5, height: 6.0 });
    assert_eq!(circle.bbox, ObjectBox { x: 3.0, y: 4.0, width: 4.0, height: 4.0 });
    assert_eq!((circle.id, circle.category.0, circle.place.annotation), (2, 2, Some(2)));
}

#[test]
fn version_2_names_what_it_cannot_read() {
    let folder = folder(&[("train/a.json", VERSION_2), ("val/b.json", VERSION_1)]);
    let splits = read(folder.path()).unwrap();
    let names: Vec<_> = splits.iter().map(|split| split.name.as_str()).collect();
    assert_eq!(names, ["train", "val"]);
    assert_eq!(class_names(&splits[0]), ["cat", "dog"]);
    let image = &splits[0].dataset.images[0];
    assert_eq!((image.name.as_str(), image.objects.len()), ("sub/a.jpg", 2));
    assert!(image.objects.iter().all(|object| object.outline.is_some()), "an ellipse is a shape");
    let found: Vec<_> =
        splits[0].findings.iter().map(|it| (it.kind, it.place.annotation)).collect();
    let expected = [
        (FindingKind::MalformedAnnotation, None),
        (FindingKind::MalformedAnnotation, Some(3)),
        (FindingKind::InvalidMask, Some(4)),
        (FindingKind::UnknownClass, Some(5)),
        (FindingKind::MalformedAnnotation, Some(6)),
    ];
    assert_eq!(found, expected);
    let details: Vec<_> = splits[0].findings.iter().map(|it| it.detail.as_str()).collect();
    assert!(
        details[0].starts_with("image \"broken\": found nothing as \"filename\""),
        "{details:?}"
    );
    assert!(details[1].starts_with("sub/a.jpg: found the shape \"point\""), "{details:?}");
    // "kind" says nothing to "type": the regions of the other file have no class.
    assert_eq!(splits[1].findings.len(), 2);
}

#[test]
fn files_of_one_folder_are_splits() {
    let files = ["via_val.json", "Train.json", "train-2.json", "more.json"];
    let files: Vec<_> = files.iter().map(|&name| (name, VERSION_1)).collect();
    let folder = folder(&files);
    let splits: Vec<_> = sources(folder.path()).into_iter().map(|source| source.split).collect();
    assert_eq!(splits, ["train", "val", "more", "train-2"]);
    let file = folder.path().join("more.json");
    assert_eq!(sources(&file), [Source { split: "all".into(), path: file }]);
}

#[test]
fn other_json_is_not_recognised() {
    for text in
        [r#"{"images": [], "annotations": []}"#, "[1, 2]", "{}", r#"{"a": [1, 2]}"#, "{", ""]
    {
        let folder = folder(&[("a.json", text), ("b.txt", VERSION_1)]);
        assert!(!recognises(folder.path()), "{text}");
        assert!(matches!(read(folder.path()), Err(FormatError::Unknown { .. })), "{text}");
    }
}

#[test]
fn broken_json_is_an_error_with_its_line() {
    let cut = VERSION_1.split_once("\"9\"").unwrap().0;
    let cut = cut.replacen("{\n", "{\"x\": {\"filename\": \"x\", \"regions\": []},\n", 1);
    let folder = folder(&[("a.json", &cut)]);
    assert!(recognises(folder.path()), "the first entry is whole");
    let error = read(folder.path()).unwrap_err();
    assert!(matches!(error, FormatError::Content { line: Some(6), .. }), "{error}");
}

proptest! {
    #[test]
    fn damage_is_named_or_read_around(bytes in any_damage(&[VERSION_1, VERSION_2])) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), bytes).unwrap();
        let _ = recognises(folder.path());
        survives(read(folder.path()))?;
    }
}

/// Without a size no polygon becomes a mask to be scored; a check is still told that none is stated.
#[test]
fn a_picture_gives_its_size_to_what_is_drawn_in_it() {
    let folder = folder(&[("via.json", VERSION_1)]);
    let sides = || {
        let split = read(folder.path()).unwrap().remove(0);
        assert_eq!(split.dataset.images[1].stated_size, None);
        let coco = split.dataset.to_coco();
        assert_eq!((coco.images[0].height, coco.images[0].width), (0, 0), "nothing to draw");
        (coco.images[1].height, coco.images[1].width)
    };
    assert_eq!(sides(), (0, 0), "no picture");
    for name in ["a.jpg", "b.jpg"] {
        let picture = RgbImage::filled(ImageSize::new(10, 20), [9; 3]);
        write_picture(&folder.path().join(name), &picture).unwrap();
    }
    assert_eq!(sides(), (10, 20));
}
