//! Sets made here, and Penn-Fudan where it is.

use super::super::index_png::tests::write_grey;
use super::*;
use crate::dataset::ObjectBox;
use kestrel_core::ImageSize;
use std::fs;
use tempfile::TempDir;

const SIZE: ImageSize = ImageSize::new(2, 4);

/// Pictures are only looked for by name, so these are empty.
fn folder(pictures: &[&str], masks: &[(&str, [u8; 8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in pictures.iter().chain(masks.iter().map(|(path, _)| path)) {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
    }
    for path in pictures {
        fs::write(folder.path().join(path), "").unwrap();
    }
    for (path, values) in masks {
        write_grey(&folder.path().join(path), SIZE, values);
    }
    folder
}

fn only_split(folder: &TempDir) -> Split {
    assert!(recognises(folder.path()));
    let mut splits = read(folder.path()).unwrap();
    assert_eq!(splits.len(), 1);
    splits.remove(0)
}

#[test]
fn each_value_is_an_object() {
    let masks = [("masks/b.png", [0, 1, 1, 0, 0, 1, 200, 200]), ("masks/a_mask.png", [0; 8])];
    let split = only_split(&folder(&["images/a.jpg", "images/b.png"], &masks));
    assert_eq!((split.name.as_str(), &split.findings), ("all", &vec![]));
    assert_eq!(split.dataset.categories[0].name, "object");
    let [a, b] = split.dataset.images.as_slice() else { panic!("two images") };
    assert_eq!((a.id, a.name.as_str(), a.objects.len()), (1, "a.jpg", 0));
    assert_eq!((b.id, b.name.as_str(), b.stated_size), (2, "b.png", Some(SIZE)));
    let boxes: Vec<_> = b.objects.iter().map(|object| (object.id, object.bbox)).collect();
    let expected = [
        (1, ObjectBox { x: 1.0, y: 0.0, width: 2.0, height: 2.0 }),
        (2, ObjectBox { x: 2.0, y: 1.0, width: 2.0, height: 1.0 }),
    ];
    assert_eq!(boxes, expected);
    let Some(Outline::Mask(mask)) = &b.objects[1].outline else { panic!("a mask") };
    assert_eq!(mask, &Mask::from_bitmap(SIZE, &[0, 0, 0, 0, 0, 0, 1, 1]).unwrap());
    assert_eq!(b.objects[1].place.annotation, Some(200));
}

#[test]
fn masks_and_pictures_without_each_other_are_not_lost() {
    let masks = [("masks/b.png", [1; 8]), ("masks/lonely.png", [1; 8])];
    let split = only_split(&folder(&["images/a.jpg", "images/b.png"], &masks));
    let images: Vec<_> = split
        .dataset
        .images
        .iter()
        .map(|image| (image.name.as_str(), image.objects.len()))
        .collect();
    assert_eq!(images, [("a.jpg", 0), ("b.png", 1), ("lonely.png", 1)]);
    let kinds: Vec<_> = split.findings.iter().map(|it| (it.kind, name(&it.place.file))).collect();
    assert_eq!(kinds, [(FindingKind::MalformedAnnotation, "a.jpg".into())]);
}

#[test]
fn a_mask_that_cannot_be_read_is_a_finding() {
    let folder = folder(&["images/a.jpg", "images/b.jpg"], &[("masks/a.png", [1; 8])]);
    fs::write(folder.path().join("masks/b.png"), "no PNG").unwrap();
    let split = only_split(&folder);
    assert_eq!(split.dataset.num_objects(), 1);
    assert_eq!(split.findings.len(), 1);
    assert_eq!(split.findings[0].kind, FindingKind::InvalidMask);
    assert_eq!(name(&split.findings[0].place.file), "b.png");
}

#[test]
fn stated_boxes_win_over_the_mask_and_name_the_class() {
    let folder = folder(&["images/a.jpg", "Annotation/a.txt"], &[("masks/a.png", [1; 8])]);
    let text = "Original label for object 1 \"x\" : \"cell\"\n\
        Bounding box for object 1 : (1, 1) - (3, 2)\n\
        Bounding box for object 2 : (1, 1) - (1, 1)\n";
    fs::write(folder.path().join("Annotation/a.txt"), text).unwrap();
    let split = only_split(&folder);
    assert_eq!(split.dataset.categories[0].name, "cell");
    let [first, second] = split.dataset.images[0].objects.as_slice() else { panic!("two") };
    assert_eq!(first.bbox, ObjectBox { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
    assert_eq!((first.place.line, second.place.line), (Some(2), Some(3)));
    assert!(first.outline.is_some() && second.outline.is_none());
    let kinds: Vec<_> = split.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::EmptyMask]);
}

#[test]
fn splits_share_their_class() {
    let masks = [("train/PedMasks/a_mask.png", [1; 8]), ("val/PedMasks/b_mask.png", [2; 8])];
    let folder = folder(&["train/PNGImages/a.png", "val/PNGImages/b.png"], &masks);
    let splits = read(folder.path()).unwrap();
    let names: Vec<_> = splits
        .iter()
        .map(|split| (split.name.as_str(), split.dataset.categories[0].name.as_str()))
        .collect();
    assert_eq!(names, [("train", "pedestrian"), ("val", "pedestrian")]);
}

#[test]
fn other_folders_are_not_recognised() {
    for pictures in [&["images/a.jpg", "masks/b.png"][..], &["images/a.jpg"], &[]] {
        let folder = folder(pictures, &[]);
        assert!(!recognises(folder.path()));
        assert!(matches!(read(folder.path()), Err(FormatError::Unknown { .. })));
    }
}

/// Counts, and the boxes that miss their mask, as Pillow and NumPy find them too.
#[test]
fn penn_fudan_is_read_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/penn-fudan");
    if !root.is_dir() {
        eprintln!("skipped: ../shared/data/penn-fudan is not there");
        return;
    }
    assert!(recognises(&root));
    let splits = read(&root).unwrap();
    let [Split { dataset, findings, .. }] = splits.as_slice() else { panic!("one split") };
    assert_eq!((dataset.images.len(), dataset.num_objects()), (170, 423));
    assert_eq!(dataset.categories[0].name, "pedestrian");
    assert_eq!(findings, &[]);
    let misses = |object: &&Object| {
        let Some(Outline::Mask(mask)) = &object.outline else { panic!("a mask for each") };
        let around = box_around(mask).unwrap();
        let edges = |it: ObjectBox| [it.x, it.y, it.right(), it.bottom()];
        let away = edges(object.bbox).into_iter().zip(edges(around));
        away.map(|(stated, drawn)| (stated - drawn).abs()).fold(0.0, f64::max) > 2.0
    };
    let objects = dataset.images.iter().flat_map(|image| &image.objects);
    let missing: Vec<_> = objects
        .filter(misses)
        .map(|object| (name(&object.place.file), object.place.annotation.unwrap()))
        .collect();
    assert_eq!(missing, [("PennPed00019.txt".into(), 6), ("PennPed00027.txt".into(), 1)]);
    assert!(dataset.images.iter().all(|image| image.path.is_file()));
}
