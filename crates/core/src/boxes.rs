//! Axis-aligned boxes and their overlap.

use crate::ImageSize;
use serde::{Deserialize, Serialize};

/// A box by its corners, in continuous pixels: `x1 <= x2` and `y1 <= y2` for a real box, but
/// nothing here relies on it, since a network may predict anything, NaN included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct BBox {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

// Called for millions of pairs from other crates: without the attribute each is a call there.
impl BBox {
    /// A box from its corners.
    #[inline]
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Right edge minus left edge.
    #[inline]
    pub fn width(&self) -> f32 {
        self.x2 - self.x1
    }

    /// Bottom edge minus top edge.
    #[inline]
    pub fn height(&self) -> f32 {
        self.y2 - self.y1
    }

    /// Width times height; negative or NaN where the box is no real one.
    #[inline]
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Area shared with `other`; zero where they do not meet.
    #[inline]
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0);
        let height = (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0);
        width * height
    }

    /// Intersection over union, in `[0, 1]` for real boxes; NaN for two boxes of no area, as in
    /// `torchvision.ops.box_iou`.
    #[inline]
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other);
        shared / (self.area() + other.area() - shared)
    }

    /// The part inside an image whose pixels span `[0, width] x [0, height]`.
    #[inline]
    pub fn clip(&self, size: ImageSize) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        Self {
            x1: self.x1.clamp(0.0, width),
            y1: self.y1.clamp(0.0, height),
            x2: self.x2.clamp(0.0, width),
            y2: self.y2.clamp(0.0, height),
        }
    }

    /// The box with its horizontal and vertical coordinates multiplied.
    #[inline]
    pub fn scale(&self, x_ratio: f32, y_ratio: f32) -> Self {
        Self::new(self.x1 * x_ratio, self.y1 * y_ratio, self.x2 * x_ratio, self.y2 * y_ratio)
    }

    /// Whether both sides are at least `min_side` long; false where a coordinate is NaN.
    #[inline]
    pub fn sides_at_least(&self, min_side: f32) -> bool {
        self.width() >= min_side && self.height() >= min_side
    }
}

impl From<[f32; 4]> for BBox {
    #[inline]
    fn from([x1, y1, x2, y2]: [f32; 4]) -> Self {
        Self { x1, y1, x2, y2 }
    }
}

impl From<BBox> for [f32; 4] {
    #[inline]
    fn from(BBox { x1, y1, x2, y2 }: BBox) -> Self {
        [x1, y1, x2, y2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn iou_of_a_half_is_a_half() {
        let whole = BBox::new(0.0, 0.0, 10.0, 10.0);
        assert_eq!(whole.iou(&BBox::new(0.0, 0.0, 10.0, 5.0)), 0.5);
        assert_eq!(whole.iou(&BBox::new(20.0, 0.0, 30.0, 5.0)), 0.0);
    }

    #[test]
    fn two_boxes_of_no_area_have_no_overlap_number() {
        let point = BBox::new(3.0, 3.0, 3.0, 3.0);
        assert!(point.iou(&point).is_nan());
    }

    #[test]
    fn nan_is_never_large_enough() {
        assert!(!BBox::new(f32::NAN, 0.0, 5.0, 5.0).sides_at_least(0.0));
    }

    pub(crate) fn any_box() -> impl Strategy<Value = BBox> {
        (-50.0f32..50.0, -50.0f32..50.0, 0.5f32..40.0, 0.5f32..40.0)
            .prop_map(|(x, y, width, height)| BBox::new(x, y, x + width, y + height))
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_a_ratio(a in any_box(), b in any_box()) {
            let iou = a.iou(&b);
            // Both orders add the same three areas, but not in the same order: one float32 step.
            prop_assert!((iou - b.iou(&a)).abs() <= f32::EPSILON);
            prop_assert!((0.0..=1.0 + f32::EPSILON).contains(&iou));
        }

        #[test]
        fn a_clipped_box_lies_inside(a in any_box()) {
            let size = ImageSize::new(20, 30);
            let inside = a.clip(size);
            prop_assert!(inside.x1 >= 0.0 && inside.x2 <= 30.0 && inside.y1 >= 0.0 && inside.y2 <= 20.0);
            prop_assert!(inside.width() >= 0.0 && inside.height() >= 0.0);
        }
    }
}
