//! What the four numbers of a `bndbox` mean.
//!
//! VOC counts pixels from 1 and its boxes include the pixel at either end: a box of the whole of an
//! image of 640x480 is `1 1 640 480`. Continuous coordinates from 0 follow as `xmin - 1`,
//! `ymin - 1`, `xmax`, `ymax`, as detectron2 and hotcoco take them; VOC's own evaluation gives such a
//! box the same area. Some tools write coordinates from 0 instead: a set in which any is 0 is read
//! without the shift.
//!
//! Difference from both: corners that coincide in the file are no box of one pixel but a box without
//! extent, since annotators leave such ones by mistake, a click without a drag.

use crate::ObjectBox;

/// How many pixels the box of a mark that is no box is widened by, so that its corners differ.
const APART_PX: f64 = 0.01;

/// `xmin ymin xmax ymax` as in the file.
pub type Corners = [f64; 4];

/// Which number a set gives to the first pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As in VOC.
    One,
    /// As in most other formats, the far end excluded.
    Zero,
}

impl Origin {
    /// The origin of a set with these boxes.
    pub fn of(corners: impl IntoIterator<Item = Corners>) -> Self {
        let has_zero = corners.into_iter().any(|corners| corners.contains(&0.0));
        if has_zero { Self::Zero } else { Self::One }
    }

    /// The box in continuous pixels from 0.
    pub fn to_box(self, [xmin, ymin, xmax, ymax]: Corners) -> ObjectBox {
        let first = match self {
            Self::One => 1.0,
            Self::Zero => 0.0,
        };
        let length = |low: f64, high: f64| if low == high { 0.0 } else { high - (low - first) };
        ObjectBox {
            x: xmin - first,
            y: ymin - first,
            width: length(xmin, xmax),
            height: length(ymin, ymax),
        }
    }
}

/// The corners to write for a box, which are VOC's: whole pixels from 1. Read again the box has
/// moved by at most half a pixel.
pub fn corners(bbox: &ObjectBox) -> Corners {
    let (xmin, xmax) = ends(bbox.x, bbox.width);
    let (ymin, ymax) = ends(bbox.y, bbox.height);
    [xmin, ymin, xmax, ymax]
}

/// Whole numbers, but for an extent below about a pixel: its ends would coincide, which says it has
/// none, or change places, which other tools refuse. It is written with fractions around its middle.
fn ends(start: f64, length: f64) -> (f64, f64) {
    let (low, high) = (start + 1.0, start + length);
    if low.round() < high.round() {
        return (low.round(), high.round());
    }
    if length <= 0.0 {
        return (low.round(), low.round());
    }
    let middle = (low + high) / 2.0;
    let half = ((high - low) / 2.0).max((length / 2.0).min(APART_PX));
    (middle - half, middle + half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_image_is_from_one_to_its_size() {
        let whole = ObjectBox { x: 0.0, y: 0.0, width: 640.0, height: 480.0 };
        assert_eq!(corners(&whole), [1.0, 1.0, 640.0, 480.0]);
        assert_eq!(Origin::One.to_box([1.0, 1.0, 640.0, 480.0]), whole);
        assert_eq!(Origin::Zero.to_box([0.0, 0.0, 640.0, 480.0]), whole);
    }

    #[test]
    fn a_zero_anywhere_tells_the_origin() {
        assert_eq!(Origin::of([]), Origin::One);
        assert_eq!(Origin::of([[1.0, 1.0, 2.0, 2.0]]), Origin::One);
        assert_eq!(Origin::of([[1.0; 4], [3.0, 0.0, 5.0, 9.0]]), Origin::Zero);
    }

    #[test]
    fn corners_that_coincide_have_no_extent() {
        for origin in [Origin::One, Origin::Zero] {
            let bbox = origin.to_box([504.0, 337.0, 504.0, 340.0]);
            assert_eq!(bbox.width, 0.0);
            assert!(bbox.height > 0.0);
        }
        let empty = ObjectBox { x: 3.0, y: 3.0, width: 0.0, height: 0.0 };
        assert_eq!(Origin::One.to_box(corners(&empty)), empty);
    }

    proptest! {
        #[test]
        fn written_boxes_stay_within_half_a_pixel(start in 0.0..2000.0f64, length in 1e-3..40.0f64) {
            let (low, high) = ends(start, length);
            // The ends are exact to the rounding of numbers below 2^11.
            let tolerance = 0.5 + 1e-9;
            prop_assert!((low - 1.0 - start).abs() <= tolerance);
            prop_assert!((high - start - length).abs() <= tolerance);
            prop_assert!(low < high, "{low} {high}");
        }
    }
}
