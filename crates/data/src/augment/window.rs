//! A part of a picture, cut out and brought to a size of its own.

use super::axis::{Axis, Placement};
use super::objects::{KeepRule, moved};
use super::resample::placed;
use super::{MEAN_COLOUR, Sample};
use kestrel_core::{ImageSize, RgbImage};

/// A part of a picture that lies inside it, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub left: usize,
    pub top: usize,
    pub size: ImageSize,
}

impl Window {
    /// The part, resized to `to`; the filter is that of [`super::resample`].
    pub fn of_picture(&self, image: &RgbImage, to: ImageSize) -> RgbImage {
        let [cut, resized] = self.placements(image.size(), to);
        placed(&placed(image, &cut, MEAN_COLOUR), &resized, MEAN_COLOUR)
    }

    /// The part of a sample, resized to `to`; of its objects all that have some area left.
    pub fn of_sample(&self, sample: Sample, to: ImageSize) -> Sample {
        let [cut, resized] = self.placements(sample.image.size(), to);
        let image = placed(&placed(&sample.image, &cut, MEAN_COLOUR), &resized, MEAN_COLOUR);
        let target = moved(&moved(&sample.target, &cut, &KeepRule::ANY), &resized, &KeepRule::ANY);
        Sample { image, target, ..sample }
    }

    /// What lies outside must not be seen by the filter, hence the two steps.
    fn placements(&self, from: ImageSize, to: ImageSize) -> [Placement; 2] {
        let cut = Placement {
            columns: Axis::same(from.width).window(self.left, self.size.width),
            rows: Axis::same(from.height).window(self.top, self.size.height),
        };
        let resized = Placement {
            columns: Axis::resized(self.size.width, to.width),
            rows: Axis::resized(self.size.height, to.height),
        };
        [cut, resized]
    }
}
