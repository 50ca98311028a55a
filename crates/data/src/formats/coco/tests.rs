//! COCO files made here.

use super::*;
use crate::{CategoryId, Collection, ObjectBox, Outline, read_collection, write_coco};
use kestrel_core::ImageSize;
use std::fs;
use tempfile::TempDir;

const RECORDS: &str = r#"{
 "images": [
  {"id": 7, "file_name": "a.jpg", "height": 4, "width": 6},
  {"id": 3.0, "file_name": "deep\\b.jpg", "height": 4.0, "width": 6.0},
  {"id": 9, "file_name": "empty.jpg"}
 ],
 "annotations": [
  {"id": 11, "image_id": 7, "category_id": 90, "bbox": [0.1, 1e-3, 2.7182818284590455, 3],
   "area": 5.000000000000001, "iscrowd": 0, "segmentation": [[0, 0, 3, 0, 3, 3]]},
  {"id": 12, "image_id": 3, "category_id": 2, "iscrowd": 1,
   "segmentation": {"size": [4, 6], "counts": [5, 2, 17]}},
  {"id": 13.0, "image_id": 3, "category_id": 2, "segmentation": [[1, 1.5, 4, 1.5, 4, 3]]},
  {"id": 14, "image_id": 7, "category_id": 5, "bbox": [1, 1, 0, 2], "segmentation": []},
  {"id": 15, "image_id": 7, "category_id": 2, "bbox": [1, 1, 1, 2], "difficult": 1,
   "segmentation": {"size": [4, 6], "counts": "52a0"}}
 ],
 "categories": [{"id": 90, "name": "tooth brush", "supercategory": "indoor"}, {"id": 2, "name": "cat"}]
}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn read_text_as_coco(content: &str) -> Split {
    let folder = folder(&[("instances.json", content)]);
    let Collection { splits, .. } = read_collection(folder.path()).unwrap();
    let [split] = <[Split; 1]>::try_from(splits).unwrap();
    split
}

/// An image and these annotations.
fn with_annotations(annotations: &str) -> Split {
    read_text_as_coco(&format!(
        "{{\"images\": [{{\"id\": 1, \"file_name\": \"a.png\"}}],\n\"annotations\": [\n{annotations}]}}"
    ))
}

#[test]
fn every_kind_of_record_is_read() {
    let Split { name, dataset, findings } = read_text_as_coco(RECORDS);
    assert_eq!((name.as_str(), findings), ("all", vec![]));
    let ids: Vec<u64> = dataset.categories.iter().map(|category| category.id.0).collect();
    assert_eq!(ids, [2, 90]);
    assert_eq!(dataset.categories[1].supercategory.as_deref(), Some("indoor"));
    let [a, b, empty] = &dataset.images[..] else { panic!("three images") };
    assert_eq!((a.id, b.id, empty.id), (7, 3, 9));
    assert_eq!((a.stated_size, empty.stated_size), (Some(ImageSize::new(4, 6)), None));
    assert_eq!((b.name.as_str(), b.stated_size), ("deep/b.jpg", a.stated_size));
    assert_eq!((a.objects.len(), b.objects.len(), empty.objects.len()), (3, 2, 0));
    assert_eq!((a.objects[1].category, &a.objects[1].outline), (CategoryId(5), &None));
    assert!(a.objects[2].difficult && !a.objects[0].difficult && b.objects[0].crowd);
}

#[test]
fn numbers_are_those_of_the_file() {
    let dataset = read_text_as_coco(RECORDS).dataset;
    let object = &dataset.images[0].objects[0];
    let expected = ObjectBox { x: 0.1, y: 1e-3, width: 2.7182818284590455, height: 3.0 };
    assert_eq!((object.bbox, object.area), (expected, Some(5.000000000000001)));
    let coco = dataset.to_coco();
    assert_eq!(coco.annotations[0].bbox, Some([0.1, 1e-3, 2.7182818284590455, 3.0]));
    assert_eq!(coco.annotations[0].area, Some(5.000000000000001));
    // Unstated: two pixels drawn, and the box where there is no shape.
    let area = |id| coco.annotations.iter().find(|a| a.id == id).unwrap().area;
    assert_eq!((area(12), area(14)), (Some(2.0), Some(0.0)));
}

#[test]
fn a_missing_box_is_drawn_around_the_shape() {
    let dataset = read_text_as_coco(RECORDS).dataset;
    let [crowd, polygon] = &dataset.images[1].objects[..] else { panic!("two objects") };
    assert_eq!(crowd.bbox, ObjectBox { x: 1.0, y: 1.0, width: 1.0, height: 2.0 });
    assert_eq!(polygon.bbox, ObjectBox { x: 1.0, y: 1.5, width: 3.0, height: 1.5 });
    assert!(matches!(&crowd.outline, Some(Outline::Mask(mask)) if mask.area() == 2));
}

#[test]
fn a_written_file_reads_as_the_same_set() {
    let dataset = read_text_as_coco(RECORDS).dataset;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.json");
    write_coco(&dataset, &path).unwrap();
    let Collection { splits, .. } = read_collection(&path).unwrap();
    assert_eq!((splits[0].name.as_str(), &splits[0].findings), ("train", &vec![]));
    assert_eq!(splits[0].dataset.to_coco().categories.len(), 2);
    let json = |dataset: &Dataset| serde_json::to_value(dataset.to_coco()).unwrap();
    assert_eq!(json(&splits[0].dataset), json(&dataset));
}

#[test]
fn bad_records_are_findings_and_the_rest_is_read() {
    let good = r#"{"id": 50, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}"#;
    for (bad, id, word) in [
        (r#"{"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, 0, "a", 1]}"#, Some(5), "bbox"),
        (
            r#"{"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1e400, 1]}"#,
            Some(5),
            "1e400",
        ),
        (r#"{"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, null, 1, 1]}"#, Some(5), "null"),
        (r#"{"id": 5, "image_id": 1, "category_id": 1}"#, Some(5), "missing"),
        (
            r#"{"id": 5, "image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1]}"#,
            Some(5),
            "image_id",
        ),
        (r#"{"id": 5, "image_id": 1, "category_id": -1, "bbox": [0, 0, 1, 1]}"#, Some(5), "-1"),
        (r#"{"id": 5, "image_id": 1, "category_id": 1e30, "bbox": [0, 0, 1, 1]}"#, Some(5), "1e30"),
        (r#"{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}"#, None, "number 2: `id`"),
        (r#"{"id": 5, "id": 6, "image_id": 1}"#, None, "duplicate"),
        ("[1, [2, [3]]]", None, "number 2"),
        ("null", None, "null"),
    ] {
        let split = with_annotations(&format!("{good},\n{bad},\n{good}"));
        assert_eq!(split.dataset.num_objects(), 2, "{bad}");
        let [finding] = &split.findings[..] else { panic!("{bad}: {:?}", split.findings) };
        assert_eq!(finding.kind, FindingKind::MalformedAnnotation);
        assert_eq!((finding.place.line, finding.place.annotation), (Some(4), id), "{finding}");
        assert!(finding.detail.contains(word), "{finding}");
    }
}

#[test]
fn a_part_that_cannot_be_read_is_left_out() {
    let record = |part: &str| format!(r#"{{"id": 5, "image_id": 1, "category_id": 1, {part}}}"#);
    for (part, kind) in [
        (r#""segmentation": {"size": [2, 2], "counts": [9]}"#, FindingKind::InvalidMask),
        (r#""segmentation": {"size": [2, 2], "counts": "zzzz"}"#, FindingKind::InvalidMask),
        (r#""segmentation": {"size": [2, 2]}"#, FindingKind::MalformedAnnotation),
        (r#""segmentation": [[0, "b"]]"#, FindingKind::MalformedAnnotation),
        (r#""area": "large""#, FindingKind::MalformedAnnotation),
    ] {
        let with_box = format!("{part}, \"bbox\": [1, 2, 3, 4]");
        let split = with_annotations(&record(&with_box));
        let kinds: Vec<_> = split.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!((split.dataset.num_objects(), &kinds[..]), (1, &[kind][..]), "{part}");
        assert_eq!(
            with_annotations(&record(part)).dataset.num_objects(),
            0,
            "{part} without a box"
        );
    }
}

#[test]
fn a_file_that_is_no_json_has_a_line() {
    for (content, line) in [
        ("{\"images\": [],\n \"annotations\": [{\"id\": NaN}]}", 2),
        ("{\"images\": [],\n\n \"annotations\": [", 3),
        ("{\"images\": 5}", 1),
        ("", 1),
    ] {
        let folder = folder(&[("instances_val.json", content)]);
        let path = folder.path().join("instances_val.json");
        for root in [folder.path(), &path] {
            let error = read_collection(root).unwrap_err().to_string();
            let place = format!("instances_val.json:{}", line.max(1));
            assert!(error.contains(&place) || content.is_empty(), "{error}");
            assert!(error.contains("expected COCO json"), "{error}");
        }
    }
}

#[test]
fn json_of_another_kind_is_not_coco() {
    for content in [r#"{"figures": [], "picture": "a.png"}"#, "[]", "{}"] {
        let folder = folder(&[("train.json", content)]);
        let error = read_collection(folder.path()).unwrap_err();
        assert!(matches!(error, FormatError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains("0 folders and 1 file (1 .json)"), "{error}");
    }
}

#[test]
fn an_empty_set_is_a_set() {
    let split = read_text_as_coco(r#"{"images": [], "annotations": []}"#);
    assert_eq!((split.dataset, split.findings.len()), (Dataset::default(), 0));
}

#[test]
fn layouts_give_splits_and_pictures() {
    const ONE: &str = r#"{"images": [{"id": 1, "file_name": "a.png"}], "annotations": []}"#;
    let layouts: [(&[&str], &[&str]); 5] = [
        (
            &[
                "annotations/instances_val2017.json",
                "annotations/captions_val2017.json",
                "annotations/instances_train2017.json",
                "val2017/a.png",
                "train2017/a.png",
            ],
            &["train:train2017/a.png", "val:val2017/a.png"],
        ),
        (
            &[
                "valid/_annotations.coco.json",
                "train/_annotations.coco.json",
                "test/_annotations.coco.json",
                "valid/a.png",
                "train/a.png",
                "test/a.png",
            ],
            &["train:train/a.png", "val:valid/a.png", "test:test/a.png"],
        ),
        (
            &["train.json", "val.json", "images/train/a.png", "images/val/a.png"],
            &["train:images/train/a.png", "val:images/val/a.png"],
        ),
        (&["whatever.json", "images/a.png"], &["whatever:images/a.png"]),
        (
            &["train2014.json", "train2017.json", "train2014/a.png", "train2017/a.png"],
            &["train2014:train2014/a.png", "train2017:train2017/a.png"],
        ),
    ];
    for (files, expected) in layouts {
        let files: Vec<(&str, &str)> = files.iter().map(|file| (*file, ONE)).collect();
        let folder = folder(&files);
        let root = folder.path().canonicalize().unwrap();
        let found = read_collection(&root).unwrap().splits.into_iter().map(|split| {
            let path = split.dataset.images[0].path.canonicalize().unwrap();
            format!("{}:{}", split.name, path.strip_prefix(&root).unwrap().display())
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
