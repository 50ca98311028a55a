//! Gaussian blur, for a detector that must stand what lenses and hands do.
//!
//! Source: as torchvision's `GaussianBlur`. Differences: the kernel is as wide as the blur asks for
//! (three standard deviations), and beyond the border the picture goes on as at it, where
//! torchvision mirrors it.

use super::error::{AugmentError, Check};
use super::{Chance, Sample};
use kestrel_core::{ImageSize, RgbImage};
use serde::{Deserialize, Serialize};

/// Blurs by a random amount; boxes and masks stay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blur {
    /// Share of the pictures that are blurred; 0 to 1. The default is 0.5.
    pub probability: f64,
    /// The standard deviation is drawn between 0 and this, in pixels; 0 to 32. The default is 2.
    pub max_sigma_px: f64,
}

impl Default for Blur {
    fn default() -> Self {
        Self { probability: 0.5, max_sigma_px: 2.0 }
    }
}

impl Blur {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("max_sigma_px", self.max_sigma_px, 0.0..=32.0)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let weights = gaussian(chance.between(0.0, self.max_sigma_px));
        Sample { image: blurred(&sample.image, &weights), ..sample }
    }
}

/// Weights of a Gaussian at 0, 1, 2, ... pixels, which sum to 1 with those at -1, -2, ...
fn gaussian(sigma_px: f64) -> Vec<f32> {
    if sigma_px <= 0.0 {
        return vec![1.0];
    }
    let reach = (3.0 * sigma_px).ceil() as u32;
    // Rounded to 20 bits, since the last bit of an exponential differs between platforms.
    let weight = |by: u32| {
        let away = f64::from(by) / sigma_px;
        ((-0.5 * away * away).exp() * f64::from(1 << 20)).round()
    };
    let weights: Vec<f64> = (0..=reach).map(weight).collect();
    let sum = 2.0 * weights.iter().sum::<f64>() - weights[0];
    weights.iter().map(|weight| (weight / sum) as f32).collect()
}

/// Across and then down, rounded to 8 bits after each.
fn blurred(image: &RgbImage, weights: &[f32]) -> RgbImage {
    let across = blurred_across(image, weights);
    let ImageSize { height, width } = image.size();
    let row_bytes = width * 3;
    let row = |y: usize| &across.pixels()[y * row_bytes..][..row_bytes];
    let mut picture = RgbImage::filled(image.size(), [0; 3]);
    let mut sums = vec![0.0f32; row_bytes];
    for (y, place) in picture.pixels_mut().chunks_exact_mut(row_bytes).enumerate() {
        start(&mut sums, row(y), weights[0]);
        for (by, &weight) in weights.iter().enumerate().skip(1) {
            add(&mut sums, row(y.saturating_sub(by)), row((y + by).min(height - 1)), weight);
        }
        finish(&sums, place);
    }
    picture
}

fn blurred_across(image: &RgbImage, weights: &[f32]) -> RgbImage {
    let row_bytes = image.size().width * 3;
    let margin = (weights.len() - 1) * 3;
    let mut picture = RgbImage::filled(image.size(), [0; 3]);
    let mut sums = vec![0.0f32; row_bytes];
    let mut padded = vec![0u8; row_bytes + 2 * margin];
    let places = picture.pixels_mut().chunks_exact_mut(row_bytes);
    for (place, row) in places.zip(image.pixels().chunks_exact(row_bytes)) {
        pad(row, margin, &mut padded);
        start(&mut sums, row, weights[0]);
        for (by, &weight) in weights.iter().enumerate().skip(1) {
            add(&mut sums, &padded[margin - 3 * by..], &padded[margin + 3 * by..], weight);
        }
        finish(&sums, place);
    }
    picture
}

/// The row with its first and last pixel repeated over `margin` bytes on both sides.
fn pad(row: &[u8], margin: usize, padded: &mut [u8]) {
    let end = margin + row.len();
    padded[margin..end].copy_from_slice(row);
    for (place, byte) in (0..margin).enumerate() {
        padded[byte] = row[place % 3];
        padded[end + byte] = row[row.len() - 3 + place % 3];
    }
}

/// Begins with the middle; a half, so that cutting off the fraction rounds.
fn start(sums: &mut [f32], middle: &[u8], weight: f32) {
    for (sum, &level) in sums.iter_mut().zip(middle) {
        *sum = 0.5 + weight * f32::from(level);
    }
}

fn add(sums: &mut [f32], one_side: &[u8], other_side: &[u8], weight: f32) {
    for ((sum, &a), &b) in sums.iter_mut().zip(one_side).zip(other_side) {
        *sum += weight * f32::from(u16::from(a) + u16::from(b));
    }
}

fn finish(sums: &[f32], place: &mut [u8]) {
    for (level, &sum) in place.iter_mut().zip(sums) {
        *level = sum as u8;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_even_picture_stays() {
        for size in [ImageSize::new(1, 1), ImageSize::new(7, 3), ImageSize::new(2, 40)] {
            let image = RgbImage::filled(size, [255, 7, 0]);
            assert_eq!(blurred(&image, &gaussian(5.0)), image, "{size}");
        }
    }

    #[test]
    fn a_point_becomes_the_kernel() {
        let size = ImageSize::new(11, 13);
        let mut image = RgbImage::filled(size, [0; 3]);
        image.pixels_mut()[(5 * 13 + 6) * 3 + 1] = 255;
        let blurred = blurred(&image, &gaussian(1.0));
        for y in 0..11usize {
            for x in 0..13usize {
                let away = y.abs_diff(5).pow(2) + x.abs_diff(6).pow(2);
                let expected = 255.0 / std::f64::consts::TAU * (-0.5 * away as f64).exp();
                let [red, found, blue] =
                    blurred.pixels()[(y * 13 + x) * 3..][..3].try_into().unwrap();
                // Rounded twice, and the tails beyond three deviations hold 0.4 % of the light.
                assert!((f64::from(found) - expected).abs() <= 1.2, "{y} {x}: {found} {expected}");
                assert_eq!((red, blue), (0, 0));
            }
        }
    }

    #[test]
    fn no_deviation_is_no_blur() {
        let image = RgbImage::new(ImageSize::new(2, 3), (0..18).collect()).unwrap();
        assert_eq!(blurred(&image, &gaussian(0.0)), image);
        assert_eq!(blurred(&image, &gaussian(0.05)), image);
    }
}
