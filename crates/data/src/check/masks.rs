//! The shapes of objects, and their boxes against them.
//!
//! Shapes are drawn as COCO draws them. A spike of a polygon may be too thin to give a pixel, and most
//! tools, COCO's included, put the box around the points: a box is right when it fits either.

use super::{annotated::AnnotatedImage, boxes, parts};
use crate::{Finding, FindingKind, ObjectBox, Outline, Place};
use kestrel_core::ImageSize;
use std::ops::AddAssign;

/// A box may miss its shape by this much on any side, in pixels: one for a box that includes its last
/// pixel or counts from 1, one for a polygon drawn in whole pixels.
const BOX_MISS_PX: f64 = 2.0;

/// Half of the last digit where a file writes two decimals, as COCO does.
const EXACT_PX: f64 = 0.005;

/// Fewer shapes than this tell nothing of how a data set counts.
const MIN_SHAPES: usize = 10;

/// More separate parts than this are not one object that others hide here and there.
const MAX_PARTS: usize = 4;

/// The pixels of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// No shape is annotated, or none can be drawn since the image's size is not known.
    Absent,
    /// It cannot be drawn; the text says why.
    Invalid(String),
    /// It has no pixel inside the image.
    Empty,
    /// It has some.
    Drawn(Drawn),
}

/// The pixels of an object inside its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
    /// The tightest box around them.
    pub(super) bounds: ObjectBox,
    /// The tightest box around the points of polygons, inside the image; of a mask the same as
    /// `bounds`.
    reach: ObjectBox,
    /// How many there are.
    pub(super) area: u64,
    /// How many parts they are in, without specks.
    num_parts: usize,
}

/// Draws an object's outline in an image of `size`.
pub(super) fn shape(outline: Option<&Outline>, size: Option<ImageSize>) -> Shape {
    let drawn = match (outline, size) {
        (None, _) | (Some(Outline::Polygons(_)), None) => return Shape::Absent,
        (Some(outline), Some(size)) => outline.to_mask(size),
        (Some(Outline::Mask(mask)), None) => Ok(mask.clone()),
    };
    match drawn.map(|mask| (mask.bounds(), mask)) {
        Err(reason) => Shape::Invalid(reason),
        Ok((None, _)) => Shape::Empty,
        Ok((Some(bounds), mask)) => {
            let [x1, y1, x2, y2] = <[f32; 4]>::from(bounds).map(f64::from);
            let bounds = ObjectBox::from_corners(x1, y1, x2, y2);
            let reach = outline.and_then(around_points).and_then(|around| inside(&around, size));
            let reach = reach.unwrap_or(bounds);
            Shape::Drawn(Drawn { bounds, reach, area: mask.area(), num_parts: parts::count(&mask) })
        }
    }
}

/// The tightest box around the points of polygons that can be drawn.
fn around_points(outline: &Outline) -> Option<ObjectBox> {
    let Outline::Polygons(polygons) = outline else { return None };
    let points = || polygons.iter().flat_map(|polygon| polygon.as_chunks::<2>().0);
    let least = points().copied().reduce(|[x1, y1], [x, y]| [x1.min(x), y1.min(y)]);
    let most = points().copied().reduce(|[x2, y2], [x, y]| [x2.max(x), y2.max(y)]);
    let ([x1, y1], [x2, y2]) = (least?, most?);
    Some(ObjectBox::from_corners(x1, y1, x2, y2))
}

fn inside(bbox: &ObjectBox, size: Option<ImageSize>) -> Option<ObjectBox> {
    size.map_or(Some(*bbox), |size| boxes::clipped(bbox, size))
}

impl Drawn {
    /// Whether the part of a box inside the image is not the one around the shape.
    pub(super) fn is_missed_by(&self, bbox: &ObjectBox, size: Option<ImageSize>) -> bool {
        let fits = |bbox: &ObjectBox, bounds| largest_gap_px(bbox, bounds) <= BOX_MISS_PX;
        let inside = inside(bbox, size);
        !inside.is_some_and(|inside| fits(&inside, &self.bounds) || fits(&inside, &self.reach))
    }

    /// Whether left and top of a box are those of the shape when pixels are counted from 1.
    pub(super) fn counts_from_one(&self, bbox: &ObjectBox) -> bool {
        let is_one = |gap: f64| (gap - 1.0).abs() <= EXACT_PX;
        is_one(bbox.x - self.bounds.x) && is_one(bbox.y - self.bounds.y)
    }
}

fn largest_gap_px(bbox: &ObjectBox, bounds: &ObjectBox) -> f64 {
    let gaps = [
        bbox.x - bounds.x,
        bbox.y - bounds.y,
        bbox.right() - bounds.right(),
        bbox.bottom() - bounds.bottom(),
    ];
    gaps.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// What is to be said of the shapes of an image.
pub(super) fn findings(image: &AnnotatedImage) -> Vec<Finding> {
    let found = image.objects().flat_map(|(object, shape)| {
        let of_shape = shape_finding(&object.bbox, shape, image.size);
        // A crowd is many objects by definition.
        let of_parts = Some(shape).filter(|_| !object.crowd).and_then(parts_finding);
        let found = of_shape.into_iter().chain(of_parts);
        found.map(|(kind, detail)| image.finding(kind, object, detail))
    });
    found.collect()
}

fn shape_finding(
    bbox: &ObjectBox,
    shape: &Shape,
    size: Option<ImageSize>,
) -> Option<(FindingKind, String)> {
    match shape {
        Shape::Absent => None,
        Shape::Invalid(reason) => Some((FindingKind::InvalidMask, reason.clone())),
        Shape::Empty => {
            Some((FindingKind::EmptyMask, "the shape has no pixel in the image".to_owned()))
        }
        Shape::Drawn(_) if !boxes::is_finite(bbox) || boxes::is_empty(bbox) => None,
        Shape::Drawn(drawn) => drawn.is_missed_by(bbox, size).then(|| {
            let [found, expected] = [bbox, &drawn.bounds].map(corners);
            let detail = format!("the box is {found}, the one around the shape {expected}");
            (FindingKind::BoxMaskMismatch, detail)
        }),
    }
}

fn parts_finding(shape: &Shape) -> Option<(FindingKind, String)> {
    let Shape::Drawn(Drawn { num_parts, .. }) = *shape else { return None };
    let detail = format!(
        "one object of {num_parts} separate parts (if it is a mask of all that is foreground, make \
         each part an object, in a PNG a value of its own, as skimage.measure.label does)"
    );
    (num_parts > MAX_PARTS).then_some((FindingKind::ManyParts, detail))
}

fn corners(bbox: &ObjectBox) -> String {
    let [left, top, right, bottom] =
        [bbox.x, bbox.y, bbox.right(), bbox.bottom()].map(|edge| (edge * 100.0).round() / 100.0);
    format!("({left:?}, {top:?}) to ({right:?}, {bottom:?})")
}

/// How many boxes of shaped objects there are, and how many of them count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OneBased {
    shaped: usize,
    one_based: usize,
}

impl OneBased {
    pub(super) fn of(image: &AnnotatedImage) -> Self {
        let mut tally = Self::default();
        for (object, shape) in image.objects() {
            if let Shape::Drawn(drawn) = shape {
                tally.shaped += 1;
                tally.one_based += usize::from(drawn.counts_from_one(&object.bbox));
            }
        }
        tally
    }

    /// Whether it is the data set that counts from 1, not the one or other box.
    pub(super) fn is_systematic(self) -> bool {
        self.shaped >= MIN_SHAPES && self.one_based * 2 > self.shaped
    }

    pub(super) fn finding(self, split: &str, place: Place) -> Option<Finding> {
        let Self { shaped, one_based } = self;
        let detail = format!(
            "{one_based} of {shaped} boxes in split {split} begin 1 pixel right of and below their \
             shape: they count pixels from 1"
        );
        self.is_systematic().then(|| Finding::new(FindingKind::OneBasedBoxes, place, detail))
    }
}

impl AddAssign for OneBased {
    fn add_assign(&mut self, other: Self) {
        self.shaped += other.shaped;
        self.one_based += other.one_based;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Object;
    use crate::check::samples::{image, kinds_in, object, rectangle};
    use kestrel_core::Mask;

    const SIZE: ImageSize = ImageSize::new(40, 60);
    const BOUNDS: ObjectBox = ObjectBox { x: 10.0, y: 12.0, width: 20.0, height: 16.0 };

    fn shaped(bbox: ObjectBox, outline: Outline) -> Object {
        Object { outline: Some(outline), ..object(bbox) }
    }

    fn kinds(bbox: ObjectBox, outline: Outline) -> Vec<FindingKind> {
        kinds_in(&image(SIZE, vec![shaped(bbox, outline)]), SIZE, findings)
    }

    #[test]
    fn a_box_may_miss_its_shape_by_two_pixels_on_each_side() {
        let near = ObjectBox::from_corners(8.0, 14.0, 32.0, 26.0);
        assert_eq!(kinds(near, rectangle(BOUNDS)), []);
        for side in 0..4 {
            let mut edges = [10.0, 12.0, 30.0, 28.0];
            edges[side] += 2.1;
            let [x1, y1, x2, y2] = edges;
            let far = ObjectBox::from_corners(x1, y1, x2, y2);
            assert_eq!(kinds(far, rectangle(BOUNDS)), [FindingKind::BoxMaskMismatch], "{side}");
        }
    }

    #[test]
    fn box_and_shape_may_leave_the_image_together() {
        let over_the_edge = ObjectBox { x: 50.0, y: 12.0, width: 20.0, height: 16.0 };
        assert_eq!(kinds(over_the_edge, rectangle(over_the_edge)), []);
        let outside = ObjectBox { x: 70.0, ..BOUNDS };
        assert_eq!(kinds(outside, rectangle(BOUNDS)), [FindingKind::BoxMaskMismatch]);
    }

    /// The second triangle is 20 pixels long and at most a tenth of one wide.
    #[test]
    fn a_box_around_a_spike_that_gives_no_pixel_is_right() {
        let triangle = vec![10.0, 12.0, 30.0, 12.0, 10.0, 28.0];
        let spike = vec![30.0, 12.25, 50.0, 12.3, 30.0, 12.35];
        let outline = Outline::Polygons(vec![triangle, spike]);
        let Shape::Drawn(drawn) = shape(Some(&outline), Some(SIZE)) else {
            panic!("it has pixels")
        };
        assert!(drawn.bounds.right() < 32.0, "the spike has none");
        assert_eq!(kinds(ObjectBox { width: 40.0, ..BOUNDS }, outline.clone()), []);
        assert_eq!(kinds(BOUNDS, outline.clone()), []);
        let between = ObjectBox { width: 30.0, ..BOUNDS };
        assert_eq!(kinds(between, outline), [FindingKind::BoxMaskMismatch]);
    }

    #[test]
    fn shapes_that_cannot_be_drawn_are_told_from_those_without_pixels() {
        let invalid = [
            Outline::Polygons(vec![vec![1.0, 1.0, 5.0, 5.0]]),
            Outline::Polygons(vec![vec![1.0, 1.0, f64::NAN, 5.0, 9.0, 9.0]]),
            Outline::Mask(Mask::from_bitmap(ImageSize::new(60, 40), &[1; 2400]).unwrap()),
        ];
        for outline in invalid {
            assert_eq!(kinds(BOUNDS, outline), [FindingKind::InvalidMask]);
        }
        let empty = [
            Outline::Polygons(vec![]),
            Outline::Polygons(vec![vec![70.0, 1.0, 90.0, 1.0, 90.0, 9.0]]),
            Outline::Mask(Mask::from_bitmap(SIZE, &[0; 2400]).unwrap()),
        ];
        for outline in empty {
            assert_eq!(kinds(BOUNDS, outline), [FindingKind::EmptyMask]);
        }
    }

    #[test]
    fn a_mask_is_checked_where_the_image_is_not_known() {
        let empty = Outline::Mask(Mask::from_bitmap(SIZE, &[0; 2400]).unwrap());
        assert_eq!(shape(Some(&empty), None), Shape::Empty);
        assert_eq!(shape(Some(&rectangle(BOUNDS)), None), Shape::Absent);
    }

    /// A row of squares with a gap between each.
    #[test]
    fn many_parts_are_no_object() {
        let squares = |count: usize| {
            let left = (0..count).map(|number| 6.0 * number as f64);
            let square = |x: f64| vec![x, 0.0, x + 4.0, 0.0, x + 4.0, 4.0, x, 4.0];
            Outline::Polygons(left.map(square).collect())
        };
        let around = |count: usize| ObjectBox {
            x: 0.0,
            y: 0.0,
            width: 6.0 * count as f64 - 2.0,
            height: 4.0,
        };
        assert_eq!(kinds(around(3), squares(3)), []);
        assert_eq!(kinds(around(4), squares(4)), []);
        assert_eq!(kinds(around(5), squares(5)), [FindingKind::ManyParts]);
        let crowd = Object { crowd: true, ..shaped(around(5), squares(5)) };
        assert_eq!(kinds_in(&image(SIZE, vec![crowd]), SIZE, findings), []);
    }

    /// Six of ten boxes begin a pixel late; all are near enough to count as right one by one.
    #[test]
    fn boxes_that_count_from_one_are_one_finding_a_split() {
        let late = ObjectBox::from_corners(11.0, 13.0, 30.0, 28.0);
        let tally = |late_ones: usize, right_ones: usize| {
            let late = vec![shaped(late, rectangle(BOUNDS)); late_ones];
            let right = vec![shaped(BOUNDS, rectangle(BOUNDS)); right_ones];
            let record = image(SIZE, [late, right].concat());
            assert_eq!(kinds_in(&record, SIZE, findings), []);
            OneBased::of(&AnnotatedImage::of_size(&record, Some(SIZE)))
        };
        assert!(tally(6, 4).finding("train", Place::file("set")).is_some());
        assert!(tally(5, 5).finding("train", Place::file("set")).is_none(), "not most");
        assert!(tally(9, 0).finding("train", Place::file("set")).is_none(), "too few");
        let mut all = tally(5, 0);
        all += tally(5, 0);
        assert!(all.is_systematic());
    }
}
