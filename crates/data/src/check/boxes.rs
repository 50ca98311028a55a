//! The boxes of one image: numbers, sides, frame, and boxes that come twice.

use super::annotated::AnnotatedImage;
use crate::{Finding, FindingKind, Object, ObjectBox};
use kestrel_core::ImageSize;

/// A box may reach this far over the edge of its picture, in pixels: an edge that was rounded to
/// whole pixels has moved by at most half of one.
const ROUNDING_PX: f64 = 0.5;

/// Two boxes of one class that overlap more than this are one object annotated twice: moving one side
/// of a 100 pixel box by a single pixel gives 0.99.
const DUPLICATE_IOU: f64 = 0.99;

/// Whether all four edges are numbers; the sum of two large ones may not be.
pub(super) fn is_finite(bbox: &ObjectBox) -> bool {
    [bbox.x, bbox.y, bbox.right(), bbox.bottom()].iter().all(|edge| edge.is_finite())
}

/// Whether a side is zero or negative, be it that the other end of a tiny side rounds to the same
/// number.
pub(super) fn is_empty(bbox: &ObjectBox) -> bool {
    !(bbox.right() > bbox.x && bbox.bottom() > bbox.y)
}

/// How far a box reaches over the frame, in pixels, where that is more than rounding explains or the
/// box has no part inside; `None` where it is neither.
pub(super) fn overhang_px(bbox: &ObjectBox, size: ImageSize) -> Option<f64> {
    let (width, height) = (size.width as f64, size.height as f64);
    let over = [-bbox.x, -bbox.y, bbox.right() - width, bbox.bottom() - height];
    let furthest = over.into_iter().fold(0.0, f64::max);
    (furthest > ROUNDING_PX || clipped(bbox, size).is_none()).then_some(furthest)
}

/// The part inside the picture, if there is one.
pub(super) fn clipped(bbox: &ObjectBox, size: ImageSize) -> Option<ObjectBox> {
    let (width, height) = (size.width as f64, size.height as f64);
    let inside = ObjectBox::from_corners(
        bbox.x.max(0.0),
        bbox.y.max(0.0),
        bbox.right().min(width),
        bbox.bottom().min(height),
    );
    (!is_empty(&inside)).then_some(inside)
}

/// Intersection over union; 0 where either has no area.
pub(super) fn iou(a: &ObjectBox, b: &ObjectBox) -> f64 {
    let shared_width = a.right().min(b.right()) - a.x.max(b.x);
    let shared_height = a.bottom().min(b.bottom()) - a.y.max(b.y);
    if !(shared_width > 0.0 && shared_height > 0.0) {
        return 0.0;
    }
    let shared = shared_width * shared_height;
    shared / (a.width * a.height + b.width * b.height - shared)
}

/// What is to be said of the boxes of an image.
pub(super) fn findings(image: &AnnotatedImage) -> Vec<Finding> {
    let objects = &image.record.objects;
    let single = objects.iter().filter_map(|object| {
        let (kind, detail) = box_finding(&object.bbox, image.size)?;
        Some(image.finding(kind, object, detail))
    });
    let double = duplicates(objects).into_iter().map(|(earlier, later)| {
        let detail = format!("as good as the box of {}", objects[earlier].place);
        image.finding(FindingKind::DuplicateBox, &objects[later], detail)
    });
    single.chain(double).collect()
}

fn box_finding(bbox: &ObjectBox, size: Option<ImageSize>) -> Option<(FindingKind, String)> {
    let ObjectBox { x, y, width, height } = bbox;
    // As the file has it: `{}` would write 1e300 with all its zeros.
    let at = format!("{width:?} x {height:?} pixels at ({x:?}, {y:?})");
    if !is_finite(bbox) {
        return Some((FindingKind::NonFiniteBox, at));
    }
    if is_empty(bbox) {
        return Some((FindingKind::EmptyBox, at));
    }
    if let Some((size, over)) = size.and_then(|size| Some((size, overhang_px(bbox, size)?))) {
        let wholly = if clipped(bbox, size).is_none() { "wholly " } else { "" };
        let over = (over * 100.0).round() / 100.0;
        let detail = format!("{at} {wholly}outside the {size} picture, by {over:?} pixels");
        return Some((FindingKind::OutOfFrame, detail));
    }
    (*width < 1.0 || *height < 1.0).then_some((FindingKind::SubPixelBox, at))
}

/// Pairs `(earlier, later)` of objects of one class with as good as one box, by `later`: each object
/// that is like an earlier one, with the first it is like. Crowds are not counted: several may lie in
/// one place.
fn duplicates(objects: &[Object]) -> Vec<(usize, usize)> {
    let is_usable = |object: &Object| !object.crowd && is_finite(&object.bbox);
    let mut by_left_edge: Vec<usize> =
        (0..objects.len()).filter(|&index| is_usable(&objects[index])).collect();
    by_left_edge.sort_by(|&a, &b| objects[a].bbox.x.total_cmp(&objects[b].bbox.x));
    let mut first_equal = vec![None; objects.len()];
    for (place, &a) in by_left_edge.iter().enumerate() {
        for b in equals_of(a, &by_left_edge[place + 1..], objects) {
            let (earlier, later) = (a.min(b), a.max(b));
            let known = first_equal[later].get_or_insert(earlier);
            *known = earlier.min(*known);
        }
    }
    let pairs = first_equal.into_iter().enumerate();
    pairs.filter_map(|(later, earlier)| Some((earlier?, later))).collect()
}

/// Those of `others`, which lie further right and come by their left edge, that are as good as
/// `first`.
fn equals_of<'a>(
    first: usize,
    others: &'a [usize],
    objects: &'a [Object],
) -> impl Iterator<Item = usize> + 'a {
    let Object { category, bbox, .. } = &objects[first];
    // Boxes that overlap by t share at least t of the wider one, which is at most 1/t as wide.
    let reach = bbox.width * (1.0 - DUPLICATE_IOU) / DUPLICATE_IOU;
    let is_near = move |other: &&usize| objects[**other].bbox.x - bbox.x <= reach;
    let is_equal =
        |other: &Object| other.category == *category && iou(bbox, &other.bbox) > DUPLICATE_IOU;
    others.iter().take_while(is_near).copied().filter(move |&other| is_equal(&objects[other]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::{image, kinds_in, object};
    use proptest::prelude::*;

    const SIZE: ImageSize = ImageSize::new(100, 200);

    /// The kinds found in a picture of 200x100 pixels with these boxes, `x y width height`.
    fn kinds(boxes: &[[f64; 4]]) -> Vec<FindingKind> {
        let objects =
            boxes.iter().map(|&[x, y, width, height]| object(ObjectBox { x, y, width, height }));
        kinds_in(&image(SIZE, objects.collect()), SIZE, findings)
    }

    #[test]
    fn an_image_without_objects_has_no_bad_box() {
        assert_eq!(kinds(&[]), []);
    }

    #[test]
    fn what_is_not_a_number_is_found_and_a_large_number_is_not_that() {
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(kinds(&[[bad, 0.0, 5.0, 5.0]]), [FindingKind::NonFiniteBox]);
            assert_eq!(kinds(&[[0.0, 0.0, 5.0, bad]]), [FindingKind::NonFiniteBox]);
        }
        assert_eq!(kinds(&[[f64::MAX, 0.0, f64::MAX, 5.0]]), [FindingKind::NonFiniteBox], "sum");
        assert_eq!(kinds(&[[0.0, 0.0, 1e300, 5.0]]), [FindingKind::OutOfFrame]);
    }

    #[test]
    fn boxes_without_area_are_told_from_those_below_a_pixel() {
        assert_eq!(kinds(&[[3.0, 3.0, 0.0, 5.0]]), [FindingKind::EmptyBox]);
        assert_eq!(kinds(&[[3.0, 3.0, 5.0, -5.0]]), [FindingKind::EmptyBox]);
        assert_eq!(kinds(&[[3.0, 3.0, 1e-17, 5.0]]), [FindingKind::EmptyBox], "3 + 1e-17 is 3");
        assert_eq!(kinds(&[[3.0, 3.0, 0.99, 5.0]]), [FindingKind::SubPixelBox]);
        assert_eq!(kinds(&[[3.0, 3.0, 1.0, 5.0]]), []);
    }

    #[test]
    fn touching_the_edge_is_fine_and_half_a_pixel_is_rounding() {
        assert_eq!(kinds(&[[0.0, 0.0, 200.0, 100.0]]), []);
        assert_eq!(kinds(&[[-0.5, 0.0, 5.0, 5.0], [190.0, 90.0, 10.5, 10.5]]), []);
        assert_eq!(kinds(&[[-0.75, 0.0, 5.0, 5.0]]), [FindingKind::OutOfFrame]);
        assert_eq!(kinds(&[[190.0, 90.0, 5.0, 11.0]]), [FindingKind::OutOfFrame]);
        assert_eq!(kinds(&[[300.0, 20.0, 5.0, 5.0]]), [FindingKind::OutOfFrame], "wholly");
        assert_eq!(kinds(&[[200.0, 20.0, 0.25, 5.0]]), [FindingKind::OutOfFrame], "wholly");
    }

    #[test]
    fn a_later_object_of_the_same_class_and_box_is_a_duplicate() {
        let bbox = [10.0, 10.0, 50.0, 50.0];
        let same = [10.1, 10.0, 50.0, 50.0];
        let other = [11.0, 10.0, 50.0, 50.0];
        assert_eq!(kinds(&[bbox, same, bbox]), [FindingKind::DuplicateBox; 2]);
        assert_eq!(kinds(&[bbox, other]), [], "IoU 0.96");
        let two = vec![object(ObjectBox { x: 10.0, y: 10.0, width: 50.0, height: 50.0 }); 2];
        let mut record = image(SIZE, two);
        record.objects[1].category.0 += 1;
        assert_eq!(kinds_in(&record, SIZE, findings), [], "another class");
        record.objects[1].category.0 -= 1;
        record.objects[1].crowd = true;
        assert_eq!(kinds_in(&record, SIZE, findings), [], "a crowd");
    }

    fn any_object() -> impl Strategy<Value = Object> {
        (0u32..4, 0u32..3, 100u32..104, 100u32..104).prop_map(|(x, y, width, height)| {
            let [x, y, width, height] = [x, y, width, height].map(|value| f64::from(value) / 4.0);
            object(ObjectBox { x, y, width, height })
        })
    }

    proptest! {
        /// Searching by the left edge must lose nothing against comparing all with all.
        #[test]
        fn each_object_is_paired_with_the_first_it_equals(
            objects in prop::collection::vec(any_object(), 0..12),
        ) {
            let equal = |a: &Object, b: &Object| iou(&a.bbox, &b.bbox) > DUPLICATE_IOU;
            let first = |later: usize| (0..later).find(|&a| equal(&objects[a], &objects[later]));
            let pairs = (0..objects.len()).filter_map(|later| Some((first(later)?, later)));
            prop_assert_eq!(duplicates(&objects), pairs.collect::<Vec<_>>());
        }

        #[test]
        fn a_clipped_box_no_longer_hangs_over(
            x in -300.0..300.0f64, y in -300.0..300.0f64, width in 0.1..400.0f64, height in 0.1..400.0f64,
        ) {
            let inside = clipped(&ObjectBox { x, y, width, height }, SIZE);
            if let Some(inside) = inside {
                prop_assert_eq!(overhang_px(&inside, SIZE), None);
                prop_assert!(!is_empty(&inside));
            }
        }
    }
}
