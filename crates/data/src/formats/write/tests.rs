//! Sets written and read again, by Kestrel and by hotcoco.

use super::*;
use crate::{
    Category, CategoryId, Dataset, Format, Object, ObjectBox, Outline, Place, Split,
    read_collection, write_picture,
};
use kestrel_core::{Mask, RgbImage};
use std::path::PathBuf;
use tempfile::TempDir;

const SIZE: ImageSize = ImageSize::new(30, 40);

fn object(id: u64, category: u64, sides: [f64; 4], outline: Option<Outline>) -> Object {
    let [x, y, width, height] = sides;
    Object {
        id,
        category: CategoryId(category),
        bbox: ObjectBox { x, y, width, height },
        outline,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::default(),
    }
}

fn polygon(points: &[f64]) -> Option<Outline> {
    Some(Outline::Polygons(vec![points.to_vec()]))
}

fn image(folder: &Path, id: u64, name: &str, objects: Vec<Object>) -> ImageRecord {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_picture(&path, &RgbImage::filled(SIZE, [id as u8; 3])).unwrap();
    ImageRecord {
        id,
        name: name.into(),
        path,
        stated_size: Some(SIZE),
        objects,
        place: Place::default(),
    }
}

fn categories(names: &[(u64, &str)]) -> Vec<Category> {
    let category = |&(id, name): &(u64, &str)| Category {
        id: CategoryId(id),
        name: name.into(),
        supercategory: None,
    };
    names.iter().map(category).collect()
}

/// Two splits with pictures of one name, classes with gaps, boxes that are hard to write.
fn collection(folder: &Path) -> Collection {
    let boxes = vec![
        object(1, 90, [0.0, 0.0, 40.0, 30.0], None),
        object(2, 7, [3.3, 4.7, 10.2, 8.8], None),
        object(3, 7, [5.0, 5.0, 1.0, 1.0], None),
        object(4, 7, [5.2, 6.4, 0.3, 7.0], None),
        object(5, 3, [9.0, 9.0, 0.0, 0.0], None),
    ];
    let categories = categories(&[(3, "salt & \"pepper\""), (7, "zebra"), (90, "a: b")]);
    let train = vec![image(folder, 5, "a/x.png", boxes), image(folder, 9, "b/x.png", Vec::new())];
    let val = vec![image(folder, 1, "y.png", vec![object(1, 3, [1.0, 1.0, 5.5, 5.5], None)])];
    let split = |name: &str, images| Split {
        name: name.into(),
        dataset: Dataset { categories: categories.clone(), images },
        findings: Vec::new(),
    };
    let splits = vec![split("train", train), split("val", val)];
    Collection { format: Format::Coco, root: folder.into(), splits }
}

/// One split of one image.
fn with_objects(folder: &Path, objects: Vec<Object>) -> Collection {
    let mut collection = collection(folder);
    collection.splits.truncate(1);
    collection.splits[0].name = "all".into();
    collection.splits[0].dataset.images = vec![image(folder, 1, "x.png", objects)];
    collection
}

fn written(collection: &Collection, format: WriteFormat) -> (TempDir, WriteSummary) {
    let folder = tempfile::tempdir().unwrap();
    let summary = write_collection(collection, format, folder.path(), ImageFiles::Copy).unwrap();
    (folder, summary)
}

/// Class name and box of each object, image by image.
fn objects(dataset: &Dataset) -> Vec<Vec<(String, ObjectBox)>> {
    let name = |id| dataset.categories.iter().find(|c| c.id == id).unwrap().name.clone();
    let of = |image: &ImageRecord| {
        image.objects.iter().map(|object| (name(object.category), object.bbox)).collect()
    };
    dataset.images.iter().map(of).collect()
}

fn assert_near(before: &Collection, after: &Collection, tolerance_px: f64) {
    assert_eq!(before.splits.len(), after.splits.len());
    for (before, after) in before.splits.iter().zip(&after.splits) {
        assert_eq!((&before.name, &after.findings), (&after.name, &vec![]));
        let names = |dataset: &Dataset| {
            dataset.categories.iter().map(|category| category.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&before.dataset), names(&after.dataset));
        for (before, after) in objects(&before.dataset).iter().zip(objects(&after.dataset)) {
            assert_eq!(before.len(), after.len());
            for ((class, a), (other, b)) in before.iter().zip(after) {
                assert_eq!(*class, other);
                let sides = |bbox: &ObjectBox| [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
                let near =
                    sides(a).iter().zip(sides(&b)).all(|(a, b)| (a - b).abs() <= tolerance_px);
                assert!(near, "{a:?} {b:?}");
            }
        }
        assert!(after.dataset.images.iter().all(|image| image.path.is_file()));
    }
}

#[test]
fn every_format_keeps_boxes_and_classes() {
    let source = tempfile::tempdir().unwrap();
    let before = collection(source.path());
    for (format, tolerance_px) in [
        (WriteFormat::Coco, 0.0),
        // Whole pixels, and the rounding of sums.
        (WriteFormat::Voc, 0.5 + 1e-9),
        // Eight digits of 40 pixels, and half of that again for a side.
        (WriteFormat::Yolo, 40.0 * 1e-8),
    ] {
        let (folder, summary) = written(&before, format);
        assert_eq!((summary.images, summary.objects), (3, 6), "{format:?}");
        let after = read_collection(folder.path()).unwrap();
        assert_near(&before, &after, tolerance_px);
        let (again, _) = written(&after, WriteFormat::Coco);
        assert_near(&before, &read_collection(again.path()).unwrap(), tolerance_px);
    }
}

/// They were written over each other: `site/1` and `site_1` are one name for a file.
#[test]
fn splits_whose_names_differ_in_special_characters_are_both_written() {
    let source = tempfile::tempdir().unwrap();
    let mut before = collection(source.path());
    for (split, name) in before.splits.iter_mut().zip(["site/1", "site_1"]) {
        split.name = name.into();
    }
    for format in [WriteFormat::Coco, WriteFormat::Voc, WriteFormat::Yolo] {
        let (folder, _) = written(&before, format);
        let after = read_collection(folder.path()).unwrap();
        let mut num_images: Vec<usize> =
            after.splits.iter().map(|split| split.dataset.images.len()).collect();
        num_images.sort_unstable();
        assert_eq!(num_images, [1, 2], "{format:?}");
    }
}

#[test]
fn what_a_format_cannot_hold_is_counted() {
    let source = tempfile::tempdir().unwrap();
    let mask = Mask::from_bitmap(SIZE, &[1; 1200]).unwrap();
    let triangle = polygon(&[1.0, 1.0, 9.0, 1.0, 9.0, 9.0]);
    let mut crowd = object(1, 7, [0.0, 0.0, 40.0, 30.0], Some(Outline::Mask(mask.clone())));
    crowd.crowd = true;
    let mut difficult = object(5, 7, [-3.0, 2.0, 50.0, 5.0], None);
    difficult.difficult = true;
    let mut collection = with_objects(
        source.path(),
        vec![
            crowd,
            object(2, 7, [0.0, 0.0, 40.0, 30.0], Some(Outline::Mask(mask))),
            object(3, 7, [1.0, 1.0, 8.0, 8.0], triangle),
            object(4, 55, [1.0, 1.0, 8.0, 8.0], None),
            difficult,
            object(6, 7, [1.0, f64::NAN, 8.0, 8.0], None),
        ],
    );
    collection.splits[0].dataset.categories[0].supercategory = Some("group".into());
    collection.splits[0].dataset.images[0].name = "../x.png".into();
    let lost = |format| {
        let (_, summary) = written(&collection, format);
        let lost = summary.lost.iter().map(ToString::to_string).collect::<Vec<_>>();
        (summary.objects, lost)
    };
    let crowds = "1 crowd left out".to_owned();
    let undeclared = "1 object of undeclared classes left out".to_owned();
    let without_numbers = "1 object without a box of numbers left out".to_owned();
    let shapes = "2 shapes reduced to a box".to_owned();
    let numbers = "3 classes numbered anew".to_owned();
    let groups = "1 group of classes left out".to_owned();
    let names = "1 picture renamed".to_owned();
    let clipped = "1 box cut off at the edge of the picture".to_owned();
    let marks = "1 mark for difficult objects left out".to_owned();
    assert_eq!(lost(WriteFormat::Coco), (5, vec![without_numbers.clone(), names.clone()]));
    let voc =
        [&crowds, &undeclared, &without_numbers, &shapes, &clipped, &numbers, &groups, &names];
    assert_eq!(lost(WriteFormat::Voc), (3, voc.map(String::clone).to_vec()));
    let yolo = [
        &crowds,
        &undeclared,
        &without_numbers,
        &shapes,
        &clipped,
        &marks,
        &numbers,
        &groups,
        &names,
    ];
    assert_eq!(lost(WriteFormat::Yolo), (3, yolo.map(String::clone).to_vec()));
}

#[test]
fn polygons_stay_where_every_object_has_them() {
    let source = tempfile::tempdir().unwrap();
    let two = vec![vec![1.0, 1.0, 5.0, 1.0, 5.0, 5.0], vec![10.0, 10.0, 14.0, 10.0, 14.0, 14.0]];
    let mut collection = with_objects(
        source.path(),
        vec![
            object(1, 7, [1.0, 1.0, 8.0, 8.0], polygon(&[1.0, 1.0, 9.0, 1.0, 9.0, 9.0])),
            object(2, 7, [1.0, 1.0, 13.0, 13.0], Some(Outline::Polygons(two.clone()))),
            // Its polygon says another box.
            object(3, 7, [2.0, 2.0, 8.0, 8.0], polygon(&[1.0, 1.0, 9.0, 1.0, 9.0, 9.0])),
            object(4, 7, [2.0, 2.0, 8.0, 8.0], polygon(&[1.0, 1.0])),
        ],
    );
    let (folder, summary) = written(&collection, WriteFormat::Yolo);
    assert_eq!(summary.num_lost(LossKind::Shapes), 2);
    assert_eq!(summary.num_lost(LossKind::JoinedPolygons), 1);
    let after = read_collection(folder.path()).unwrap();
    collection.splits[0].name = "train".into();
    // Eight digits of 40 pixels.
    assert_near(&collection, &after, 40.0 * 1e-8);
    let outline = after.splits[0].dataset.images[0].objects[1].outline.clone().unwrap();
    let drawn = outline.to_mask(SIZE).unwrap();
    assert_eq!(drawn, Outline::Polygons(two).to_mask(SIZE).unwrap(), "no line between them");
}

#[test]
fn pictures_are_copied_or_linked() {
    let source = tempfile::tempdir().unwrap();
    let mut collection = collection(source.path());
    collection.splits[1].dataset.images[0].path = PathBuf::from("gone.png");
    for images in [ImageFiles::Copy, ImageFiles::Link] {
        for format in [WriteFormat::Coco, WriteFormat::Voc, WriteFormat::Yolo] {
            let folder = tempfile::tempdir().unwrap();
            let summary = write_collection(&collection, format, folder.path(), images).unwrap();
            let pictures = crate::inputs::pictures_below(folder.path()).unwrap();
            assert_eq!(pictures.len(), 2, "{format:?} {images:?}");
            let linked = pictures.iter().filter(|picture| picture.is_symlink()).count();
            assert!(linked == 0 || images == ImageFiles::Link);
            assert_eq!(summary.num_lost(LossKind::MissingPictures), 1);
            // In one folder the two pictures of one name cannot both keep it.
            let has_both = format != WriteFormat::Coco;
            assert!(!has_both || summary.num_lost(LossKind::PictureNames) == 2);
        }
    }
}

/// Two of them have one name, which only the way tells apart.
#[test]
fn pictures_that_stay_are_found_from_where_the_annotations_are() {
    let source = tempfile::tempdir().unwrap();
    let before = collection(source.path());
    for format in [WriteFormat::Coco, WriteFormat::Voc] {
        let there = tempfile::tempdir().unwrap();
        let folder = there.path().join("written");
        let summary = write_collection(&before, format, &folder, ImageFiles::Leave).unwrap();
        assert_eq!(summary.num_lost(LossKind::PictureNames), 0, "{format:?}");
        assert_eq!(crate::inputs::pictures_below(&folder).unwrap(), Vec::<PathBuf>::new());
        let after = read_collection(&folder).unwrap();
        // Whole pixels, in VOC.
        assert_near(&before, &after, 0.5 + 1e-9);
        let of = |collection: &Collection| -> Vec<PathBuf> {
            let images = collection.splits.iter().flat_map(|split| &split.dataset.images);
            images.map(|image| image.path.canonicalize().unwrap()).collect()
        };
        assert_eq!(of(&before), of(&after), "{format:?}");
        let image = &after.splits[0].dataset.images[1];
        assert!(
            image.name.starts_with("../") && image.name.ends_with("/b/x.png"),
            "{}",
            image.name
        );
    }
}

/// Nobody looks for a label anywhere but beside its picture.
#[test]
fn yolo_labels_are_not_written_away_from_their_pictures() {
    let source = tempfile::tempdir().unwrap();
    let folder = source.path().join("written");
    let collection = collection(source.path());
    let error =
        write_collection(&collection, WriteFormat::Yolo, &folder, ImageFiles::Leave).unwrap_err();
    assert!(error.to_string().contains("--images link"), "{error}");
    assert!(!folder.exists());
}

/// The file is read by hand here: PyYAML, which Ultralytics reads it with, knows YAML 1.1.
#[test]
fn a_set_without_splits_is_what_yolo_trains_on() {
    let source = tempfile::tempdir().unwrap();
    let mut collection = with_objects(source.path(), Vec::new());
    collection.splits[0].dataset.categories = categories(&[(0, "no"), (1, " 1e3"), (2, "a: #")]);
    let (folder, _) = written(&collection, WriteFormat::Yolo);
    let yaml = fs::read_to_string(folder.path().join("data.yaml")).unwrap();
    let expected =
        "train: images/all\nval:\nnc: 3\nnames:\n  0: \"no\"\n  1: \" 1e3\"\n  2: \"a: #\"\n";
    assert!(yaml.starts_with("# ") && yaml.ends_with(expected), "{yaml}");
    let after = read_collection(folder.path()).unwrap();
    let [split] = &after.splits[..] else { panic!("{after:?}") };
    assert_eq!((split.name.as_str(), split.dataset.images.len()), ("train", 1));
    assert_eq!(split.dataset.categories, collection.splits[0].dataset.categories);
}

#[test]
fn a_folder_with_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.txt"), "").unwrap();
    let collection = collection(folder.path());
    let error = write_collection(&collection, WriteFormat::Voc, folder.path(), ImageFiles::Leave)
        .unwrap_err();
    assert!(matches!(error, WriteError::NotEmpty { .. }), "{error}");
}

#[test]
fn an_empty_set_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut collection = collection(folder.path());
    collection.splits.truncate(1);
    collection.splits[0].dataset = Dataset::default();
    for format in [WriteFormat::Coco, WriteFormat::Voc, WriteFormat::Yolo] {
        let (_folder, summary) = written(&collection, format);
        assert_eq!(summary, WriteSummary::default());
    }
}

/// Sorted boxes as hotcoco reads them, against our own.
fn assert_hotcoco(theirs: &hotcoco::Dataset, ours: &Dataset) {
    let names: Vec<&str> =
        theirs.categories.iter().map(|category| category.name.as_str()).collect();
    let our_names: Vec<&str> = ours.categories.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, our_names);
    assert_eq!(theirs.images.len(), ours.images.len());
    let mut boxes: Vec<[f64; 4]> = theirs.annotations.iter().filter_map(|a| a.bbox).collect();
    let mut our_boxes: Vec<[f64; 4]> =
        ours.to_coco().annotations.iter().filter_map(|a| a.bbox).collect();
    boxes.sort_by(|a, b| a.partial_cmp(b).unwrap());
    our_boxes.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(boxes.len(), our_boxes.len());
    for (a, b) in boxes.iter().zip(&our_boxes) {
        // The two multiply in different orders.
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
    }
}

#[test]
fn hotcoco_reads_what_is_written() {
    let source = tempfile::tempdir().unwrap();
    let mut collection = collection(source.path());
    collection.splits.truncate(1);
    // hotcoco has no box without extent: it takes coinciding corners for one pixel.
    collection.splits[0].dataset.images[0].objects.pop();

    let (voc, _) = written(&collection, WriteFormat::Voc);
    let ours = read_collection(voc.path()).unwrap().splits.remove(0).dataset;
    assert_hotcoco(&hotcoco::convert::voc_to_coco(voc.path()).unwrap(), &ours);

    let (yolo, _) = written(&collection, WriteFormat::Yolo);
    let ours = read_collection(yolo.path()).unwrap().splits.remove(0).dataset;
    let labels = yolo.path().join("labels/train");
    fs::copy(yolo.path().join("data.yaml"), labels.join("data.yaml")).unwrap();
    let sizes = ["x", "x_2"].map(|name| (name.to_owned(), (SIZE.width as u32, SIZE.height as u32)));
    let theirs = hotcoco::convert::yolo_to_coco(&labels, &sizes.into_iter().collect()).unwrap();
    assert_hotcoco(&theirs, &ours);

    let (coco, _) = written(&collection, WriteFormat::Coco);
    let json = coco.path().join("annotations/instances_train.json");
    let theirs = hotcoco::COCO::new(&json).unwrap().dataset.clone();
    assert_hotcoco(&theirs, &collection.splits[0].dataset);
}
