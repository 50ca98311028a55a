//! Multi-scale training: the short side drawn from a list.
//!
//! Source: torchvision's `RandomShortestSize`. Differences: masks are resized to the pixel under the
//! middle of the new one (see [`super::axis`]), and a side that would round down to nothing becomes
//! one pixel long.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::objects::{KeepRule, moved};
use super::resample::placed;
use super::{Chance, MEAN_COLOUR, Sample};
use kestrel_core::ImageSize;
use serde::{Deserialize, Serialize};

/// Resizes so that the short side has one of several lengths.
///
/// A detector resizes what it is given to its own `min_size`, which would undo this: set that range
/// as wide as this one, or draw the sizes there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShortSide {
    /// Share of the pictures that are resized; 0 to 1. The default is 1.
    pub probability: f64,
    /// Lengths of the short side, in pixels, each as likely as the others. The default is that of
    /// detectron2's COCO recipes: 640, 672, 704, 736, 768, 800.
    pub sizes: Vec<usize>,
    /// The long side never gets longer, in pixels; the short one is then shorter. The default is
    /// 1333.
    pub max_size: usize,
}

impl Default for ShortSide {
    fn default() -> Self {
        Self { probability: 1.0, sizes: vec![640, 672, 704, 736, 768, 800], max_size: 1333 }
    }
}

/// Objects that shrink to nothing go; the others stay whatever they lose.
const KEEP: KeepRule = KeepRule { min_area_ratio: 0.0, min_side_px: 1.0 };

impl ShortSide {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.not_empty("sizes", &self.sizes)?;
        self.sizes.iter().try_for_each(|&size| check.side("sizes", size))?;
        check.side("max_size", self.max_size)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let short_px = self.sizes[chance.below(self.sizes.len())];
        let from = sample.image.size();
        let to = self.resized(from, short_px);
        let columns = Axis::resized(from.width, to.width);
        let placement = Placement { columns, rows: Axis::resized(from.height, to.height) };
        let target = moved(&sample.target, &placement, &KEEP);
        Sample { image: placed(&sample.image, &placement, MEAN_COLOUR), target, ..sample }
    }

    fn resized(&self, from: ImageSize, short_px: usize) -> ImageSize {
        let short = from.height.min(from.width) as f64;
        let long = from.height.max(from.width) as f64;
        scaled(from, (short_px as f64 / short).min(self.max_size as f64 / long))
    }
}

/// A size times a ratio, rounded down, at least a pixel.
pub(super) fn scaled(size: ImageSize, ratio: f64) -> ImageSize {
    let side = |pixels: usize| ((pixels as f64 * ratio) as usize).max(1);
    ImageSize::new(side(size.height), side(size.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes `RandomShortestSize` of torchvision 0.26 gives.
    #[test]
    fn sizes_are_rounded_down() {
        let config = ShortSide::default();
        let resized = |height, width, short| config.resized(ImageSize::new(height, width), short);
        assert_eq!(resized(480, 640, 640), ImageSize::new(640, 853));
        assert_eq!(resized(426, 640, 800), ImageSize::new(800, 1201));
        assert_eq!(resized(1000, 300, 800), ImageSize::new(1333, 399));
        assert_eq!(resized(1, 5000, 800), ImageSize::new(1, 1333));
    }
}
