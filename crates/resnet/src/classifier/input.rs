//! From pictures to the network's input.
//!
//! Source: `ImageClassification` in `torchvision/transforms/_presets.py`, for PIL pictures: resized so
//! that the short side has one length, cut in the middle, normalised. Differences: none known.

use super::resample::{self, Part};
use crate::ClassifierError;
use kestrel_core::{ImageSize, RgbImage};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

/// How a picture becomes input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputConfig {
    /// What the short side is resized to, in pixels; at least `crop_side`.
    pub resized_side: usize,
    /// Side of the square that is cut out of the middle, in pixels.
    pub crop_side: usize,
    /// Mean of red, green and blue, as parts of 255, subtracted first.
    pub mean: [f32; 3],
    /// What is left is divided by this.
    pub std: [f32; 3],
}

impl Default for InputConfig {
    /// That of torchvision's first ImageNet weights: 224 out of 256 pixels.
    fn default() -> Self {
        Self {
            resized_side: 256,
            crop_side: 224,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        }
    }
}

impl InputConfig {
    /// A square of this side, out of pictures whose short side is an eighth longer, as 224 of 256 is
    /// about.
    pub fn square(side: usize) -> Self {
        Self { resized_side: side + side / 8, crop_side: side, ..Self::default() }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the first key whose value makes no input.
    pub fn validate(&self) -> Result<(), ClassifierError> {
        let bad = |field, found: &dyn std::fmt::Debug, expected| {
            Err(ClassifierError::Setting { field, found: format!("{found:?}"), expected })
        };
        if !(1..=MAX_SIDE).contains(&self.crop_side) {
            return bad("input.crop_side", &self.crop_side, "1 to 8192");
        }
        if !(self.crop_side..=MAX_SIDE).contains(&self.resized_side) {
            return bad("input.resized_side", &self.resized_side, "`crop_side` to 8192");
        }
        if !self.mean.iter().all(|mean| mean.is_finite()) {
            return bad("input.mean", &self.mean, "three numbers");
        }
        if !self.std.iter().all(|&std| std > 0.0 && std.is_finite()) {
            return bad("input.std", &self.std, "three numbers above 0");
        }
        Ok(())
    }

    /// The size a picture is resized to before the middle is cut out.
    fn resized(&self, original: ImageSize) -> ImageSize {
        let (short, long) =
            (original.height.min(original.width), original.height.max(original.width));
        let new_long = ((self.resized_side * long) as f64 / short as f64) as usize;
        match original.width <= original.height {
            true => ImageSize::new(new_long, self.resized_side),
            false => ImageSize::new(self.resized_side, new_long),
        }
    }

    /// The square the network sees of a picture; black for one without pixels.
    pub fn square_of(&self, image: &RgbImage) -> RgbImage {
        let side = self.crop_side;
        if image.size().area() == 0 {
            return RgbImage::filled(ImageSize::new(side, side), [0; 3]);
        }
        let to = self.resized(image.size());
        let middle = |length: usize| {
            // Half to even, as Python's `round` has it.
            let start = ((length - side) as f64 / 2.0).round_ties_even() as usize;
            start..start + side
        };
        let part = Part { rows: middle(to.height), columns: middle(to.width) };
        resample::resized(image, to, &part)
    }

    /// Squares of one size as `[N, 3, H, W]`, normalised, contiguous.
    ///
    /// # Panics
    /// When they are not all of one size.
    pub fn normalised(&self, squares: &[RgbImage], device: Device) -> Tensor {
        let size = squares.first().map_or(ImageSize::new(1, 1), RgbImage::size);
        assert!(squares.iter().all(|square| square.size() == size), "squares of one size");
        let tables = self.tables();
        let mut values = vec![0.0f32; squares.len() * 3 * size.area()];
        let planes = values.par_chunks_mut((3 * size.area()).max(1));
        planes.zip(squares).for_each(|(planes, square)| {
            for (c, plane) in planes.chunks_exact_mut(size.area().max(1)).enumerate() {
                let levels = square.pixels().iter().skip(c).step_by(3);
                plane.iter_mut().zip(levels).for_each(|(value, &level)| {
                    *value = tables[c][usize::from(level)];
                });
            }
        });
        let shape = [squares.len(), 3, size.height, size.width].map(|length| length as i64);
        Tensor::from_slice(&values).view(shape).to_device(device)
    }

    /// Every value a pixel can have, normalised: one table for each colour.
    fn tables(&self) -> [[f32; 256]; 3] {
        [0, 1, 2].map(|c| {
            std::array::from_fn(|level| (level as f32 / 255.0 - self.mean[c]) / self.std[c])
        })
    }
}

/// Longer sides are a slip of the pen.
const MAX_SIDE: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes `torchvision.transforms.functional.resize` of 0.26 gives.
    #[test]
    fn the_long_side_is_rounded_down() {
        let config = InputConfig::default();
        let resized = |height, width| config.resized(ImageSize::new(height, width));
        assert_eq!(resized(480, 640), ImageSize::new(256, 341));
        assert_eq!(resized(427, 640), ImageSize::new(256, 383));
        assert_eq!(resized(200, 199), ImageSize::new(257, 256));
        assert_eq!(resized(30, 30), ImageSize::new(256, 256));
    }

    #[test]
    fn threads_and_nothing_have_a_square() {
        let config = InputConfig::square(32);
        for (height, width) in [(1, 60_000), (60_000, 1), (1, 1), (0, 5)] {
            let image = RgbImage::filled(ImageSize::new(height, width), [7, 8, 9]);
            let colour = if height == 0 { [0; 3] } else { [7, 8, 9] };
            let expected = RgbImage::filled(ImageSize::new(32, 32), colour);
            assert_eq!(config.square_of(&image), expected, "{height}x{width}");
        }
        assert_eq!(config.normalised(&[], Device::Cpu).size()[0], 0);
    }

    #[test]
    fn values_that_make_no_input_are_named() {
        let message = |config: InputConfig| config.validate().unwrap_err().to_string();
        let text = message(InputConfig { crop_side: 300, ..InputConfig::default() });
        assert!(text.contains("input.resized_side is 256; expected `crop_side`"), "{text}");
        let text = message(InputConfig { std: [1.0, 0.0, 1.0], ..InputConfig::default() });
        assert!(text.contains("input.std"), "{text}");
    }
}
