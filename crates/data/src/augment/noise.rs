//! Noise of a camera: each level moved on its own, by a nearly normal amount.

use super::error::{AugmentError, Check};
use super::{Chance, Sample};
use kestrel_core::RgbImage;
use serde::{Deserialize, Serialize};

/// Adds noise; boxes and masks stay. A picture in which all pixels are grey stays grey.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Noise {
    /// Share of the pictures that get noise; 0 to 1. The default is 0.5.
    pub probability: f64,
    /// The standard deviation is drawn between 0 and this, in levels of 255; 0 to 100. The default
    /// is 10.
    pub max_levels: f64,
}

impl Default for Noise {
    fn default() -> Self {
        Self { probability: 0.5, max_levels: 10.0 }
    }
}

impl Noise {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("max_levels", self.max_levels, 0.0..=100.0)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let offsets = Offsets::new(chance.between(0.0, self.max_levels));
        let mut image = sample.image;
        add_noise(&mut image, &offsets, chance);
        Sample { image, ..sample }
    }
}

/// Largest sum of four bytes.
const MAX_SUM: usize = 4 * 255;

/// What is added to a level, by the sum of four random bytes: near enough to a Gaussian, which it
/// follows to 3.4 standard deviations.
struct Offsets([i16; MAX_SUM + 1]);

impl Offsets {
    fn new(sigma_levels: f64) -> Self {
        // The variance of a random byte is (256^2 - 1) / 12.
        let deviation = (4.0 * f64::from(256 * 256 - 1) / 12.0).sqrt();
        let middle = MAX_SUM as f64 / 2.0;
        Self(std::array::from_fn(|sum| {
            ((sum as f64 - middle) / deviation * sigma_levels).round() as i16
        }))
    }

    fn draw(&self, chance: &mut Chance) -> i16 {
        let bits = chance.bits();
        let pairs = (bits & 0x00ff_00ff) + (bits >> 8 & 0x00ff_00ff);
        self.0[((pairs & 0xffff) + (pairs >> 16)) as usize]
    }
}

fn add_noise(image: &mut RgbImage, offsets: &Offsets, chance: &mut Chance) {
    let (pixels, _) = image.pixels_mut().as_chunks_mut::<3>();
    let is_grey = pixels.iter().all(|[red, green, blue]| red == green && green == blue);
    for pixel in pixels {
        if is_grey {
            *pixel = [moved(pixel[0], offsets.draw(chance)); 3];
        } else {
            *pixel = pixel.map(|level| moved(level, offsets.draw(chance)));
        }
    }
}

fn moved(level: u8, by: i16) -> u8 {
    (i16::from(level) + by).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;

    #[test]
    fn the_noise_has_the_moments_it_says() {
        let mut image = RgbImage::filled(ImageSize::new(100, 100), [120, 121, 122]);
        add_noise(&mut image, &Offsets::new(10.0), &mut Chance::of_sample(1, 0, 0, 0));
        let (pixels, _) = image.pixels().as_chunks::<3>();
        let offsets: Vec<f64> = pixels.iter().map(|pixel| f64::from(pixel[1]) - 121.0).collect();
        let mean = offsets.iter().sum::<f64>() / 1e4;
        let variance = offsets.iter().map(|offset| offset * offset).sum::<f64>() / 1e4;
        // Standard errors of 10,000 draws: 0.1 and, for the variance, 1.4; four of them.
        assert!(mean.abs() < 0.4 && (variance - 100.0).abs() < 5.6, "{mean} {variance}");
    }

    #[test]
    fn grey_stays_grey() {
        let mut image = RgbImage::filled(ImageSize::new(20, 20), [50; 3]);
        add_noise(&mut image, &Offsets::new(30.0), &mut Chance::of_sample(1, 0, 0, 0));
        assert!(image.pixels().as_chunks::<3>().0.iter().all(|pixel| *pixel == [pixel[0]; 3]));
        assert!(image.pixels().iter().any(|&level| level != 50));
    }
}
