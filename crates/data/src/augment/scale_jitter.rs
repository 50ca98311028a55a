//! Large scale jitter: the picture shrunk or enlarged at random, then cut or padded to a fixed size.
//!
//! Source: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
//! Segmentation" (2021), section 3, as `ScaleJitter` and `FixedSizeCrop` of torchvision's
//! `references/detection` do it: padded at the right and at the bottom. Differences: only the part
//! that is kept gets resized; masks as in [`super::axis`]; what is cut to a sliver can be dropped.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::objects::{KeepRule, moved};
use super::resample::placed;
use super::short_side::scaled;
use super::{Chance, MEAN_COLOUR, Sample};
use kestrel_core::ImageSize;
use serde::{Deserialize, Serialize};

/// Resizes by a random factor, then cuts out or pads to `size`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleJitter {
    /// Share of the pictures it is done to; 0 to 1. The default is 1.
    pub probability: f64,
    /// Smallest factor, 0.01 to 10; 1 makes the picture just fit into `size`. The default is 0.1.
    pub min: f64,
    /// Largest factor, from `min` to 10. The default is 2.
    pub max: f64,
    /// Height and width of the new picture, in pixels. The default is 1024x1024.
    pub size: ImageSize,
    /// Colour of the padding, in levels. The default is ImageNet's mean.
    pub fill: [u8; 3],
    /// Which objects that are cut at the new border are kept.
    pub keep: KeepRule,
}

impl Default for ScaleJitter {
    fn default() -> Self {
        Self {
            probability: 1.0,
            min: 0.1,
            max: 2.0,
            size: ImageSize::new(1024, 1024),
            fill: MEAN_COLOUR,
            keep: KeepRule::default(),
        }
    }
}

impl ScaleJitter {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("max", self.max, 0.01..=10.0)?;
        check.range("min", self.min, 0.01..=self.max)?;
        check.side("size.height", self.size.height)?;
        check.side("size.width", self.size.width)?;
        self.keep.validate(check)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let from = sample.image.size();
        let fitting = (self.size.height as f64 / from.height as f64)
            .min(self.size.width as f64 / from.width as f64);
        let to = scaled(from, fitting * chance.between(self.min, self.max));
        let rows = window(Axis::resized(from.height, to.height), self.size.height, chance);
        let columns = window(Axis::resized(from.width, to.width), self.size.width, chance);
        let placement = Placement { columns, rows };
        let target = moved(&sample.target, &placement, &self.keep);
        Sample { image: placed(&sample.image, &placement, self.fill), target, ..sample }
    }
}

/// `length` pixels of an axis from a random place on, or all of it and padding.
fn window(axis: Axis, length: usize, chance: &mut Chance) -> Axis {
    let spare = axis.resized.saturating_sub(length);
    axis.window(chance.below(spare + 1), length)
}
