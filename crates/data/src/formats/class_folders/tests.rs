//! Small folders of tiny pictures.

use super::*;
use crate::{Collection, Format, read_collection, write_picture};
use kestrel_core::{ImageSize, Label, RgbImage};
use std::fs;
use tempfile::TempDir;

const SIZE: ImageSize = ImageSize::new(3, 5);

fn folder(pictures: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for picture in pictures {
        let path = folder.path().join(picture);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_picture(&path, &RgbImage::filled(SIZE, [9; 3])).unwrap();
    }
    folder
}

/// Splits with the names of their pictures and the class of each.
fn shown(collection: &Collection) -> Vec<(String, Vec<(String, u64)>)> {
    let of_split = |split: &Split| {
        let image = |image: &ImageRecord| (image.name.clone(), image.objects[0].category.0);
        (split.name.clone(), split.dataset.images.iter().map(image).collect())
    };
    collection.splits.iter().map(of_split).collect()
}

#[test]
fn splits_share_classes_in_the_order_of_their_names() {
    let folder = folder(&[
        "train/dog/2.png",
        "train/dog/deep/1.png",
        "train/Cat/3.png",
        "valid/dog/4.png",
        "valid/eel/5.png",
    ]);
    let collection = read_collection(folder.path()).unwrap();
    assert_eq!(collection.format, Format::ClassFolders);
    let expected = [
        ("train", vec![("Cat/3.png", 1), ("dog/2.png", 2), ("dog/deep/1.png", 2)]),
        ("val", vec![("dog/4.png", 2), ("eel/5.png", 3)]),
    ];
    let expected = expected.map(|(split, images)| {
        (split.to_owned(), images.into_iter().map(|(name, id)| (name.to_owned(), id)).collect())
    });
    assert_eq!(shown(&collection), expected);
    let names = collection.splits[1].dataset.label_names();
    assert_eq!(names.names(), ["background", "Cat", "dog", "eel"]);
}

#[test]
fn the_object_of_a_picture_is_all_of_it() {
    let folder = folder(&["a/1.png", "b/2.png"]);
    let collection = read_collection(folder.path()).unwrap();
    let dataset = &collection.splits[0].dataset;
    assert_eq!((collection.splits[0].name.as_str(), dataset.num_objects()), ("all", 2));
    let sample = dataset.sample(1, false, &DecodeLimits::default()).unwrap();
    assert_eq!((sample.target.labels(), sample.image.size()), (&[Label(2)][..], SIZE));
    assert_eq!(<[f32; 4]>::from(sample.target.boxes()[0]), [0.0, 0.0, 5.0, 3.0]);
}

#[test]
fn a_class_may_be_called_like_a_split() {
    let folder = folder(&["bus/1.png", "train/2.png", "val/bus/3.png"]);
    fs::remove_dir_all(folder.path().join("val")).unwrap();
    let collection = read_collection(folder.path()).unwrap();
    let expected = vec![("bus/1.png".to_owned(), 1), ("train/2.png".to_owned(), 2)];
    assert_eq!(shown(&collection), [("all".to_owned(), expected)]);
}

#[test]
fn a_picture_without_a_size_is_a_record_without_an_object() {
    let folder = folder(&["a/1.png", "b/2.png"]);
    fs::write(folder.path().join("b/2.png"), "no picture").unwrap();
    let collection = read_collection(folder.path()).unwrap();
    let images = &collection.splits[0].dataset.images;
    assert_eq!((images.len(), images[1].objects.len(), images[1].stated_size), (2, 0, None));
}

#[test]
fn parts_of_other_formats_and_lone_folders_are_no_classes() {
    for pictures in [
        &["images/1.png", "masks/1.png"][..],
        &["JPEGImages/1.png", "cells/2.png"],
        &["train2017/1.png", "val2017/2.png"],
        &["cells/1.png"],
        &["1.png", "a/2.png", "b/3.png"],
        &[],
    ] {
        let folder = folder(pictures);
        assert!(!recognises(folder.path()), "{pictures:?}");
    }
    let nothing = folder(&[]);
    assert!(matches!(read(nothing.path()), Err(FormatError::Unknown { .. })));
}

/// The error asked for "a folder of pictures for each class", which is what there is.
#[test]
fn a_set_of_one_class_is_told_what_it_lacks() {
    for pictures in [&["cells/1.png", "cells/2.png"][..], &["train/cells/1.png", "val/cells/2.png"]]
    {
        let folder = folder(pictures);
        let error = read_collection(folder.path()).unwrap_err().to_string();
        assert!(error.contains("one folder of pictures, `cells`"), "{error}");
        let descriptor = folder.path().join("cells.yaml");
        fs::write(&descriptor, "name: Cells\nformat: class-folders\npath: .\n").unwrap();
        let collection = read_collection(&descriptor).unwrap();
        assert_eq!(collection.splits[0].dataset.label_names().names(), ["background", "cells"]);
    }
    let other = folder(&["images/1.png"]);
    let error = read_collection(other.path()).unwrap_err().to_string();
    assert!(error.contains("a folder with 1 folder and no file"), "{error}");
}
