//! Mirroring, as torchvision's `RandomHorizontalFlip` and `RandomVerticalFlip`. Difference: the box
//! of an object with a mask is its mask's bounds.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::objects::{KeepRule, moved};
use super::{Chance, Sample};
use kestrel_core::{ImageSize, RgbImage};
use serde::{Deserialize, Serialize};

/// Left becomes right, or top becomes bottom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flip {
    /// Share of the pictures it is done to; 0 to 1. The default is 0.5.
    pub probability: f64,
}

impl Default for Flip {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl Flip {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)
    }

    pub(super) fn left_to_right(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let ImageSize { height, width } = sample.image.size();
        let placement = Placement { columns: Axis::mirrored(width), rows: Axis::same(height) };
        let target = moved(&sample.target, &placement, &KeepRule::ANY);
        Sample { image: mirrored(sample.image), target, ..sample }
    }

    pub(super) fn top_to_bottom(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let ImageSize { height, width } = sample.image.size();
        let placement = Placement { columns: Axis::same(width), rows: Axis::mirrored(height) };
        let target = moved(&sample.target, &placement, &KeepRule::ANY);
        Sample { image: upside_down(sample.image), target, ..sample }
    }
}

/// Left becomes right.
pub(super) fn mirrored(mut image: RgbImage) -> RgbImage {
    let row_bytes = image.size().width * 3;
    for row in image.pixels_mut().chunks_exact_mut(row_bytes) {
        row.as_chunks_mut::<3>().0.reverse();
    }
    image
}

/// Top becomes bottom.
pub(super) fn upside_down(mut image: RgbImage) -> RgbImage {
    let ImageSize { height, width } = image.size();
    let row_bytes = width * 3;
    let (upper, lower) = image.pixels_mut().split_at_mut(height / 2 * row_bytes);
    let upper_rows = upper.chunks_exact_mut(row_bytes);
    for (above, below) in upper_rows.zip(lower.chunks_exact_mut(row_bytes).rev()) {
        above.swap_with_slice(below);
    }
    image
}
