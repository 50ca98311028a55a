//! A random part of the picture brought to one size: how classifiers are trained.
//!
//! Source: Szegedy et al., "Going Deeper with Convolutions" (2015), section 6, as torchvision's
//! `RandomResizedCrop` does it, with antialiasing. Differences: none known, but for the levels that
//! [`super::resample`] names.

use super::error::{AugmentError, Check};
use super::window::Window;
use super::{Chance, Sample};
use kestrel_core::ImageSize;
use serde::{Deserialize, Serialize};

/// Parts tried before the largest one in the middle is taken.
const TRIALS: usize = 10;

/// Cuts out a part of random size and shape, and resizes it to a square.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// Share of the pictures it is done to; 0 to 1. The default is 1.
    pub probability: f64,
    /// Side of the new picture, in pixels. The default is 224.
    pub side: usize,
    /// Smallest part, as a share of the picture's area; above 0, to 1. The default is 0.08.
    pub min_area: f64,
    /// Largest part, as a share of the picture's area; to 1. The default is 1.
    pub max_area: f64,
    /// Narrowest part: width over height. The default is 3/4.
    pub min_aspect_ratio: f64,
    /// Widest part: width over height. The default is 4/3.
    pub max_aspect_ratio: f64,
}

impl Default for RandomResizedCrop {
    fn default() -> Self {
        Self {
            probability: 1.0,
            side: 224,
            min_area: 0.08,
            max_area: 1.0,
            min_aspect_ratio: 3.0 / 4.0,
            max_aspect_ratio: 4.0 / 3.0,
        }
    }
}

impl RandomResizedCrop {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.side("side", self.side)?;
        check.range("max_area", self.max_area, 0.0001..=1.0)?;
        check.range("min_area", self.min_area, 0.0001..=self.max_area)?;
        check.range("max_aspect_ratio", self.max_aspect_ratio, 0.01..=100.0)?;
        check.range("min_aspect_ratio", self.min_aspect_ratio, 0.01..=self.max_aspect_ratio)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let window = self.draw(sample.image.size(), chance);
        window.of_sample(sample, ImageSize::new(self.side, self.side))
    }

    fn draw(&self, from: ImageSize, chance: &mut Chance) -> Window {
        let log_ratios = [self.min_aspect_ratio.ln(), self.max_aspect_ratio.ln()];
        for _ in 0..TRIALS {
            let area = from.area() as f64 * chance.between(self.min_area, self.max_area);
            let ratio = chance.between(log_ratios[0], log_ratios[1]).exp();
            let side = |length: f64| length.sqrt().round_ties_even() as usize;
            let (width, height) = (side(area * ratio), side(area / ratio));
            if (1..=from.width).contains(&width) && (1..=from.height).contains(&height) {
                let top = chance.below(from.height - height + 1);
                let left = chance.below(from.width - width + 1);
                return Window { left, top, size: ImageSize::new(height, width) };
            }
        }
        self.middle(from)
    }

    /// The largest part in the middle whose shape is allowed.
    fn middle(&self, from: ImageSize) -> Window {
        let (whole_width, whole_height) = (from.width as f64, from.height as f64);
        let rounded = |length: f64| (length.round_ties_even() as usize).max(1);
        let ratio = whole_width / whole_height;
        let (width, height) = if ratio < self.min_aspect_ratio {
            (from.width, rounded(whole_width / self.min_aspect_ratio).min(from.height))
        } else if ratio > self.max_aspect_ratio {
            (rounded(whole_height * self.max_aspect_ratio).min(from.width), from.height)
        } else {
            (from.width, from.height)
        };
        let size = ImageSize::new(height, width);
        Window { left: (from.width - width) / 2, top: (from.height - height) / 2, size }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{BBox, Label, RgbImage, Target};

    #[test]
    fn parts_have_the_size_and_shape_asked_for() {
        let config = RandomResizedCrop { min_area: 0.2, max_area: 0.6, ..Default::default() };
        let mut chance = Chance::of_sample(3, 0, 0, 0);
        let from = ImageSize::new(90, 140);
        let mut sums = [0.0; 2];
        for _ in 0..400 {
            let Window { left, top, size } = config.draw(from, &mut chance);
            assert!(left + size.width <= 140 && top + size.height <= 90, "{size}");
            let ratio = size.width as f64 / size.height as f64;
            // Whole pixels move the ratio of a side of 40 by one in 40.
            assert!((0.73..=1.37).contains(&ratio), "{ratio}");
            sums[0] += size.area() as f64 / from.area() as f64 / 400.0;
            sums[1] += ratio.ln() / 400.0;
        }
        // Of 400 draws the mean area strays by 0.006 and the mean of ln(ratio) by 0.008; twice that
        // and a little, since tall parts fit in less often.
        assert!((sums[0] - 0.4).abs() < 0.02 && sums[1].abs() < 0.03, "{sums:?}");
    }

    #[test]
    fn where_no_part_fits_the_middle_is_taken() {
        let config = RandomResizedCrop { min_area: 1.0, side: 8, ..Default::default() };
        let mut chance = Chance::of_sample(3, 0, 0, 0);
        let window = |height, width, chance: &mut Chance| {
            let Window { left, top, size } = config.draw(ImageSize::new(height, width), chance);
            [left, top, size.width, size.height]
        };
        assert_eq!(window(30, 300, &mut chance), [130, 0, 40, 30]);
        assert_eq!(window(300, 30, &mut chance), [0, 130, 30, 40]);
        assert_eq!(window(1, 1, &mut chance), [0, 0, 1, 1]);
    }

    #[test]
    fn the_object_of_a_whole_picture_stays_the_whole_picture() {
        let size = ImageSize::new(40, 60);
        let bbox = BBox::new(0.0, 0.0, 60.0, 40.0);
        let target = Target::new(size, vec![bbox], vec![Label(2)], None).unwrap();
        let sample = Sample { image_id: 1, image: RgbImage::filled(size, [9; 3]), target };
        let config = RandomResizedCrop { side: 16, ..Default::default() };
        let cut = config.apply(sample, &mut Chance::of_sample(1, 0, 0, 0));
        assert_eq!(cut.image, RgbImage::filled(ImageSize::new(16, 16), [9; 3]));
        assert_eq!(<[f32; 4]>::from(cut.target.boxes()[0]), [0.0, 0.0, 16.0, 16.0]);
    }
}
