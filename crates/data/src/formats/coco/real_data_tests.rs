//! The COCO sets of the shared folder, against what their description says of them.

use crate::{Dataset, Format, Outline, read_collection};
use std::path::PathBuf;

fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {} here", path.display());
        return None;
    }
    Some(path)
}

fn num_missing(dataset: &Dataset) -> usize {
    dataset.images.iter().filter(|image| !image.path.is_file()).count()
}

#[test]
fn coco_mini() {
    let Some(path) = shared("coco-mini") else { return };
    let collection = read_collection(&path).unwrap();
    let [split] = &collection.splits[..] else { panic!("one split") };
    let dataset = &split.dataset;
    assert_eq!((collection.format, split.name.as_str()), (Format::Coco, "all"));
    assert_eq!((split.findings.len(), num_missing(dataset)), (0, 0));
    assert_eq!((dataset.images.len(), dataset.num_objects()), (216, 1872));
    assert_eq!(dataset.categories.len(), 80);
    let objects = dataset.images.iter().flat_map(|image| &image.objects);
    let crowds: Vec<_> = objects.filter(|object| object.crowd).collect();
    assert_eq!(crowds.len(), 18);
    assert!(crowds.iter().all(|crowd| matches!(crowd.outline, Some(Outline::Mask(_)))));
    let empty = dataset.images.iter().filter(|image| image.objects.is_empty());
    assert_eq!(empty.map(|image| image.id).collect::<Vec<_>>(), [250, 508]);
}

#[test]
fn nuclei256() {
    let Some(path) = shared("nuclei256") else { return };
    let collection = read_collection(&path).unwrap();
    let counts = collection.splits.iter().map(|split| {
        assert_eq!((split.findings.len(), num_missing(&split.dataset)), (0, 0));
        assert_eq!(split.dataset.categories.len(), 1);
        (split.name.as_str(), split.dataset.images.len(), split.dataset.num_objects())
    });
    assert_eq!(counts.collect::<Vec<_>>(), [("train", 1245, 24912), ("val", 199, 4123)]);
}

/// hotcoco reads every number as pycocotools does.
#[test]
fn every_number_is_what_hotcoco_reads() {
    let Some(path) = shared("coco-eval-oracle/instances_val2014_100.json") else { return };
    let ours = read_collection(&path).unwrap().splits.remove(0).dataset.to_coco();
    let theirs = hotcoco::COCO::new(&path).unwrap().dataset.clone();
    assert_eq!(ours.annotations.len(), theirs.annotations.len());
    let mut expected = theirs.annotations;
    let order: Vec<u64> = ours.annotations.iter().map(|annotation| annotation.id).collect();
    expected.sort_by_key(|annotation| order.iter().position(|&id| id == annotation.id));
    for (ours, theirs) in ours.annotations.iter().zip(&expected) {
        assert_eq!((ours.id, ours.bbox, ours.area), (theirs.id, theirs.bbox, theirs.area));
        assert_eq!((ours.image_id, ours.iscrowd), (theirs.image_id, theirs.iscrowd));
        assert_eq!(ours.category_id, theirs.category_id);
    }
}
