//! The COCO set of the shared folder, converted and converted back.

use super::*;
use crate::{Dataset, read_collection};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Boxes may move by as much; the sums of their sides are rounded as well.
const MAX_MOVE_PX: f64 = 0.5 + 1e-9;

fn class_names(dataset: &Dataset) -> BTreeMap<u64, &str> {
    dataset.categories.iter().map(|category| (category.id.0, category.name.as_str())).collect()
}

/// Asserts that all objects but crowds are the same, image by image.
fn assert_kept(before: &Dataset, after: &Dataset) {
    let (names, names_after) = (class_names(before), class_names(after));
    assert!(names.values().eq(names_after.values()), "all classes in their order");
    let by_stem: BTreeMap<String, &ImageRecord> = after
        .images
        .iter()
        .map(|image| (crate::formats::locate::stem(&image.path), image))
        .collect();
    assert_eq!(by_stem.len(), before.images.len());
    for image in &before.images {
        let other = by_stem[&crate::formats::locate::stem(&image.path)];
        let kept: Vec<_> = image.objects.iter().filter(|object| !object.crowd).collect();
        assert_eq!(kept.len(), other.objects.len(), "{}", image.name);
        for (a, b) in kept.into_iter().zip(&other.objects) {
            assert_eq!(names[&a.category.0], names_after[&b.category.0]);
            let sides = |bbox: &crate::ObjectBox| [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
            let (a, b) = (sides(&a.bbox), sides(&b.bbox));
            let is_near = a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= MAX_MOVE_PX);
            assert!(is_near, "{}: {a:?} {b:?}", image.name);
        }
    }
}

#[test]
fn coco_mini_keeps_boxes_and_classes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/coco-mini");
    if !path.exists() {
        eprintln!("skipped: no {} here", path.display());
        return;
    }
    let before = read_collection(&path).unwrap();
    for format in [WriteFormat::Voc, WriteFormat::Yolo] {
        let there = tempfile::tempdir().unwrap();
        let summary = write_collection(&before, format, there.path(), ImageFiles::Link).unwrap();
        assert_eq!((summary.images, summary.objects), (216, 1872 - 18), "{format:?}");
        assert_eq!(summary.num_lost(LossKind::Crowds), 18);
        assert_eq!(summary.num_lost(LossKind::PictureNames), 0);
        let between = read_collection(there.path()).unwrap();
        assert_eq!(between.splits[0].findings, vec![]);
        let back = tempfile::tempdir().unwrap();
        write_collection(&between, WriteFormat::Coco, back.path(), ImageFiles::Link).unwrap();
        let after = read_collection(back.path()).unwrap();
        // Ultralytics knows no split that is everything.
        let expected = if format == WriteFormat::Yolo { "train" } else { "all" };
        assert_eq!(after.splits[0].name, expected);
        assert_kept(&before.splits[0].dataset, &after.splits[0].dataset);
    }
}
