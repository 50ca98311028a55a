//! Whole data sets: what a check of them says, and what a repair leaves.

use super::pictures::PictureFacts;
use super::samples::{collection, dataset, kinds_of, object, picture, pictures, rectangle};
use super::turn::Turn;
use super::*;
use crate::{
    CategoryId, Dataset, FindingKind, ImageRecord, ObjectBox, Outline, Severity, write_picture,
};
use kestrel_core::{ImageSize, Mask, RgbImage};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

const SIZE: ImageSize = ImageSize::new(40, 60);
const TURNED: ImageSize = ImageSize::new(60, 40);
const BOUNDS: ObjectBox = ObjectBox { x: 10.0, y: 12.0, width: 20.0, height: 16.0 };

/// Classes need no more objects than there are.
fn lenient() -> CheckOptions {
    CheckOptions { min_objects_per_class: 0, ..CheckOptions::default() }
}

fn judged(dataset: &Dataset, pictures: Vec<PictureState>) -> CheckReport {
    judge(&collection(vec![dataset.clone()]), vec![pictures], &lenient())
}

fn one_object(object: Object) -> Dataset {
    dataset(SIZE, &["cat"], vec![vec![object]])
}

#[test]
fn a_right_set_has_no_finding_and_its_numbers() {
    let crowd = Object { crowd: true, ..object(BOUNDS) };
    let data = dataset(SIZE, &["cat"], vec![vec![object(BOUNDS), crowd], vec![]]);
    let report = judged(&data, pictures(&data));
    assert_eq!(kinds_of(&report.findings), [FindingKind::NoObjects, FindingKind::Crowd]);
    let split = &report.splits[0];
    assert_eq!((split.images, split.images_without_objects), (2, 1));
    assert_eq!((split.objects, split.crowds, split.classes[0].objects), (2, 1, 1));
    assert_eq!((split.sizes.small, split.anchors.objects), (1, 1));
    assert_eq!(report.worst(), Some(Severity::Note));
}

#[test]
fn a_collection_without_anything_is_fine() {
    for datasets in [vec![], vec![Dataset::default()]] {
        let report = check(&collection(datasets), &CheckOptions::default(), &|_| {});
        assert_eq!((report.worst(), report.counts.len()), (None, 0));
    }
}

#[test]
fn what_the_reader_found_is_in_the_report() {
    let mut collection = collection(vec![Dataset::default()]);
    let malformed =
        Finding::new(FindingKind::MalformedAnnotation, Place::line("a.txt", 3), "4 numbers");
    collection.splits[0].findings.push(malformed.clone());
    let report = check(&collection, &CheckOptions::default(), &|_| {});
    assert_eq!(report.findings, [malformed]);
}

/// Two splits of real files, of which one picture is in both and one is missing.
#[test]
fn files_are_read_and_the_report_becomes_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut train = dataset(SIZE, &["cat"], vec![vec![object(BOUNDS)]; 2]);
    let mut val = train.clone();
    for (image, colour) in train.images.iter_mut().zip(1..) {
        image.path = folder.path().join(format!("train{colour}.png"));
        write_picture(&image.path, &RgbImage::filled(SIZE, [colour; 3])).unwrap();
    }
    val.images[0].path = folder.path().join("copy.png");
    std::fs::copy(&train.images[0].path, &val.images[0].path).unwrap();
    val.images[1].path = folder.path().join("none.png");
    let report = check(&collection(vec![train, val]), &lenient(), &|_| {});
    assert_eq!(
        kinds_of(&report.findings),
        [FindingKind::MissingImage, FindingKind::DuplicateImage]
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["counts"]["missing image"], 1);
    assert_eq!(json["findings"][0]["severity"], "error");
    assert_eq!(json["splits"][1]["classes"][0]["name"], "cat");
}

#[test]
fn the_report_does_not_depend_on_the_number_of_threads() {
    let mut data = dataset(SIZE, &["cat"], vec![vec![object(ObjectBox::default()); 3]; 40]);
    data.images.iter_mut().rev().step_by(3).for_each(|image| image.id = 1);
    let collection = collection(vec![data.clone(), data]);
    let with_threads = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        pool.install(|| check(&collection, &lenient(), &|_| {}))
    };
    let report = with_threads(1);
    assert_eq!(report.count(FindingKind::MissingImage), 80);
    assert_eq!(report, with_threads(4));
}

#[test]
fn repairing_a_right_set_changes_nothing() {
    let data = one_object(Object { outline: Some(rectangle(BOUNDS)), ..object(BOUNDS) });
    let repaired = repair(&data, &pictures(&data));
    assert_eq!((repaired.dataset, repaired.changes), (data, vec![]));
}

/// The only object of a repaired image, if it is kept, and what was done.
fn repaired(object: Object) -> (Option<Object>, Vec<ChangeKind>) {
    let data = one_object(object);
    let mut repaired = repair(&data, &pictures(&data));
    let kinds = repaired.changes.iter().map(|change| change.kind).collect();
    (repaired.dataset.images[0].objects.pop(), kinds)
}

#[test]
fn a_box_is_made_from_the_shape_where_there_is_one() {
    let outline = Some(rectangle(BOUNDS));
    let far = ObjectBox { x: 0.0, ..BOUNDS };
    for bbox in [far, ObjectBox { x: f64::NAN, ..BOUNDS }, ObjectBox { width: 0.0, ..BOUNDS }] {
        let wrong = Object { outline: outline.clone(), area: Some(7.0), ..object(bbox) };
        let (found, changes) = repaired(wrong);
        let found = found.unwrap();
        assert_eq!((found.bbox, found.area), (BOUNDS, Some(320.0)));
        assert_eq!(changes, [ChangeKind::BoxFromOutline]);
        assert_eq!(repaired(object(bbox)).0.is_some(), bbox == far, "nothing to tell it by");
    }
}

#[test]
fn a_box_over_the_edge_is_clipped_and_one_outside_left_out() {
    let over = ObjectBox { x: -5.0, y: 30.0, width: 15.0, height: 30.0 };
    let (found, changes) = repaired(Object { area: Some(450.0), ..object(over) });
    let inside = ObjectBox { x: 0.0, y: 30.0, width: 10.0, height: 10.0 };
    assert_eq!(found.map(|object| (object.bbox, object.area)), Some((inside, Some(100.0))));
    assert_eq!(changes, [ChangeKind::BoxClipped]);
    let outside = repaired(object(ObjectBox { x: 70.0, ..BOUNDS }));
    assert_eq!(outside, (None, vec![ChangeKind::ObjectDropped]));
}

#[test]
fn useless_shapes_and_undeclared_classes_are_left_out() {
    let of_another_size = Mask::from_bitmap(ImageSize::new(2, 2), &[1; 4]).unwrap();
    for outline in [Outline::Polygons(vec![]), Outline::Mask(of_another_size)] {
        let (found, changes) = repaired(Object { outline: Some(outline), ..object(BOUNDS) });
        assert_eq!(found, Some(object(BOUNDS)));
        assert_eq!(changes, [ChangeKind::OutlineDropped]);
    }
    let undeclared = Object { category: CategoryId(9), ..object(BOUNDS) };
    assert_eq!(repaired(undeclared), (None, vec![ChangeKind::ObjectDropped]));
}

#[test]
fn only_what_is_the_same_in_every_way_is_a_repeat() {
    let crowd = Object { crowd: true, ..object(BOUNDS) };
    let shaped = Object { outline: Some(rectangle(BOUNDS)), ..object(BOUNDS) };
    let objects = vec![object(BOUNDS), shaped, object(BOUNDS), crowd.clone(), crowd];
    let data = dataset(SIZE, &["cat"], vec![objects]);
    let repaired = repair(&data, &pictures(&data));
    let ids: Vec<u64> = repaired.dataset.images[0].objects.iter().map(|object| object.id).collect();
    assert_eq!(ids, [1, 2, 4, 5]);
}

#[test]
fn objects_annotated_as_stored_are_turned_and_fit_the_picture_again() {
    let mut data = one_object(Object { outline: Some(rectangle(BOUNDS)), ..object(BOUNDS) });
    let turned = PictureFacts { seen_size: TURNED, turn: Turn::from_exif(6), ..picture(SIZE) };
    let mut pictures = vec![PictureState::Readable(turned.clone())];
    assert_eq!(judged(&data, pictures.clone()).worst(), Some(Severity::Error));
    let mended = repair(&data, &pictures).dataset;
    assert_eq!(mended.images[0].stated_size, Some(TURNED));
    // A quarter turn clockwise: right edge = height - top = 40 - 12, top = left = 10.
    let expected = ObjectBox::from_corners(12.0, 10.0, 28.0, 30.0);
    assert_eq!(mended.images[0].objects[0].bbox, expected);
    assert_eq!(judged(&mended, pictures.clone()).worst(), None);

    data.images[0].stated_size = Some(TURNED);
    assert_eq!(repair(&data, &pictures).changes, [], "annotated as seen");
    data.images[0].stated_size = Some(SIZE);
    pictures[0] = PictureState::Readable(PictureFacts { turn: Turn::NONE, ..turned });
    assert_eq!(repair(&data, &pictures).dataset.images, [], "turned nobody knows how");
}

#[test]
fn boxes_that_count_from_one_are_moved_where_most_do() {
    let late = ObjectBox::from_corners(11.0, 13.0, 30.0, 28.0);
    let shaped = |bbox| Object { outline: Some(rectangle(BOUNDS)), ..object(bbox) };
    let boxes_after = |late_ones: usize| {
        let objects: Vec<_> =
            (0..10).map(|n| vec![shaped(if n < late_ones { late } else { BOUNDS })]).collect();
        let data = dataset(SIZE, &["cat"], objects);
        let images = repair(&data, &pictures(&data)).dataset.images;
        images.iter().filter(|image| image.objects[0].bbox == BOUNDS).count()
    };
    assert_eq!(boxes_after(6), 10);
    assert_eq!(boxes_after(4), 6);
}

/// Numbers that are often right and often not.
fn any_number() -> impl Strategy<Value = f64> {
    let odd =
        prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-17, 1e300, f64::MAX]);
    prop_oneof![8 => (-10i32..70).prop_map(f64::from), 4 => -10.0..70.0, 1 => odd]
}

fn any_outline() -> impl Strategy<Value = Option<Outline>> {
    let polygon = prop::collection::vec(any_number(), 0..10);
    let polygons = prop::collection::vec(polygon, 0..3).prop_map(Outline::Polygons);
    let bits = prop::collection::vec(0u8..2, SIZE.area());
    let mask = (bits, any::<bool>()).prop_map(|(bits, is_wide)| {
        let size = if is_wide { SIZE } else { TURNED };
        Outline::Mask(Mask::from_bitmap(size, &bits).unwrap())
    });
    prop_oneof![2 => Just(None), 4 => polygons.prop_map(Some), 1 => mask.prop_map(Some)]
}

fn any_object() -> impl Strategy<Value = Object> {
    let bbox = (any_number(), any_number(), any_number(), any_number());
    let flags = (any::<bool>(), any::<bool>());
    (0u64..4, 0u64..4, bbox, any_outline(), prop::option::of(any_number()), flags).prop_map(
        |(id, class, (x, y, width, height), outline, area, (crowd, difficult))| Object {
            id,
            category: CategoryId(class),
            outline,
            area,
            crowd,
            difficult,
            ..object(ObjectBox { x, y, width, height })
        },
    )
}

fn any_picture() -> impl Strategy<Value = PictureState> {
    let readable =
        (1u8..9, any::<bool>(), any::<bool>()).prop_map(|(orientation, is_wide, known)| {
            let stored_size = if is_wide { SIZE } else { TURNED };
            let turn = Turn::from_exif(orientation);
            let seen_size = turn.size(stored_size);
            let turn = if known { turn } else { Turn::NONE };
            PictureState::Readable(PictureFacts { seen_size, turn, ..picture(stored_size) })
        });
    let reason = String::new();
    prop_oneof![8 => readable, 1 => Just(PictureState::Missing), 1 => Just(PictureState::Truncated { reason })]
}

fn any_image() -> impl Strategy<Value = (ImageRecord, PictureState)> {
    let stated = prop::sample::select(vec![
        None,
        Some(SIZE),
        Some(TURNED),
        Some(ImageSize::new(0, 0)),
        Some(ImageSize::new(usize::MAX, 9)),
    ]);
    (0u64..3, stated, prop::collection::vec(any_object(), 0..5), any_picture()).prop_map(
        |(id, stated_size, objects, picture)| {
            let record = ImageRecord { id, stated_size, ..samples::image(SIZE, objects) };
            (record, picture)
        },
    )
}

fn any_dataset() -> impl Strategy<Value = (Dataset, BTreeMap<PathBuf, PictureState>)> {
    let names = prop::sample::select(vec!["cat", "dog"]);
    let category = (0u64..3, names).prop_map(|(id, name)| samples::category(id, name));
    let categories = prop::collection::vec(category, 0..4);
    let images = prop::collection::vec(any_image(), 0..5);
    (categories, images).prop_map(|(categories, images)| {
        let mut by_path = BTreeMap::new();
        let named = images.into_iter().enumerate().map(|(index, (record, picture))| {
            let path = PathBuf::from(format!("{index}.png"));
            by_path.insert(path.clone(), picture);
            ImageRecord { path, ..record }
        });
        (Dataset { categories, images: named.collect() }, by_path)
    })
}

fn pictures_of(dataset: &Dataset, by_path: &BTreeMap<PathBuf, PictureState>) -> Vec<PictureState> {
    dataset.images.iter().map(|image| by_path[&image.path].clone()).collect()
}

proptest! {
    #[test]
    fn a_repaired_set_has_no_error_and_needs_no_other_repair((data, by_path) in any_dataset()) {
        let before = judged(&data, pictures_of(&data, &by_path));
        let once = repair(&data, &pictures_of(&data, &by_path));
        let pictures = pictures_of(&once.dataset, &by_path);
        let after = judged(&once.dataset, pictures.clone());
        prop_assert!(after.worst() < Some(Severity::Error), "{:?}", after.findings.first());
        prop_assert!(before.worst() < Some(Severity::Error) || !once.changes.is_empty());
        for kind in [FindingKind::OutOfFrame, FindingKind::BoxMaskMismatch] {
            prop_assert_eq!(after.of_kind(kind).next(), None);
        }
        let again = repair(&once.dataset, &pictures);
        prop_assert_eq!(again.changes, vec![]);
    }

    #[test]
    fn what_is_left_is_what_a_detector_is_trained_on((data, by_path) in any_dataset()) {
        let mended = repair(&data, &pictures_of(&data, &by_path)).dataset;
        for record in &mended.images {
            let size = record.stated_size.unwrap();
            let target = mended.target(record, size, false).unwrap();
            // A side below the resolution of f32 is a warning, and lost in the target.
            let is_large = |o: &&Object| !o.crowd && o.bbox.width > 1e-4 && o.bbox.height > 1e-4;
            prop_assert!(target.len() >= record.objects.iter().filter(is_large).count());
        }
    }
}
