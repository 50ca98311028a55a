//! From the light of a scene to what a camera writes: blur, haze, uneven light, noise, 8 bits.

use super::MicrographConfig;
use super::chance::{Chance, smooth_noise};
use super::nucleus::Place;
use kestrel_core::{ImageSize, RgbImage};

/// Standard deviation of the scattered light, in pixels.
const HAZE_SIGMA_PX: f64 = 14.0;
/// Distance over which the background changes, in pixels.
const BACKGROUND_SCALE_PX: f64 = 70.0;
/// How far the background leaves its mean, over it.
const BACKGROUND_UNEVENNESS: f64 = 0.25;

/// Light at each pixel, in levels, rows from the top.
pub struct Light {
    pub size: ImageSize,
    pub levels: Vec<f64>,
}

impl Light {
    pub fn none(size: ImageSize) -> Self {
        Self { size, levels: vec![0.0; size.area()] }
    }

    /// Blurred by a Gaussian; beyond the border the light goes on as at it.
    fn blurred(&self, sigma_px: f64) -> Self {
        let weights = gaussian(sigma_px);
        let columns = self.rows_blurred(&weights).transposed();
        columns.rows_blurred(&weights).transposed()
    }

    fn rows_blurred(&self, weights: &[f64]) -> Self {
        let rows = self.levels.chunks_exact(self.size.width);
        let blurred = |row| (0..self.size.width).map(move |x| weighted_sum(row, x, weights));
        Self { size: self.size, levels: rows.flat_map(blurred).collect() }
    }

    fn transposed(&self) -> Self {
        let ImageSize { height, width } = self.size;
        let column = |x| (0..height).map(move |y| self.levels[y * width + x]);
        Self { size: ImageSize::new(width, height), levels: (0..width).flat_map(column).collect() }
    }
}

/// `weights` around `at`; beyond its ends, `row` goes on as at them.
fn weighted_sum(row: &[f64], at: usize, weights: &[f64]) -> f64 {
    let last = row.len() - 1;
    let both_sides = |(by, weight): (usize, &f64)| {
        weight * (row[at.saturating_sub(by)] + row[(at + by).min(last)])
    };
    weights[0] * row[at] + weights.iter().enumerate().skip(1).map(both_sides).sum::<f64>()
}

/// Weights of a Gaussian at 0, 1, 2, ... pixels, which sum to 1 with those at -1, -2, ...
fn gaussian(sigma_px: f64) -> Vec<f64> {
    if sigma_px == 0.0 {
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
    weights.iter().map(|weight| weight / sum).collect()
}

/// A microscope and its camera.
pub struct Optics<'a> {
    config: &'a MicrographConfig,
    /// Share of the light that arrives at each pixel.
    shading: Vec<f64>,
    /// Light where there is no nucleus, in levels.
    background: Vec<f64>,
}

impl<'a> Optics<'a> {
    pub fn new(config: &'a MicrographConfig, chance: &mut Chance) -> Self {
        let shading = shading(config, chance);
        Self { config, shading, background: background(config, chance) }
    }

    /// The picture of a scene; each exposure has its own noise.
    pub fn expose(&self, scene: &Light, chance: &mut Chance) -> RgbImage {
        let sharp = scene.blurred(self.config.blur_sigma_px);
        let haze = scene.blurred(HAZE_SIGMA_PX);
        let mut image = RgbImage::filled(scene.size, [0; 3]);
        for (pixel, rgb) in image.pixels_mut().chunks_exact_mut(3).enumerate() {
            let arriving = self.background[pixel]
                + sharp.levels[pixel]
                + self.config.haze_ratio * haze.levels[pixel];
            rgb.fill(self.recorded(arriving * self.shading[pixel], chance));
        }
        image
    }

    /// Shot noise grows with the root of the light, the camera's own does not.
    fn recorded(&self, levels: f64, chance: &mut Chance) -> u8 {
        let shot_variance = levels / self.config.photons_per_level;
        let read_variance = self.config.read_noise_levels * self.config.read_noise_levels;
        let noise = (shot_variance + read_variance).sqrt() * chance.normal();
        (levels + noise).round().clamp(0.0, 255.0) as u8
    }
}

/// Light falls with the square of the distance from the best-lit place.
fn shading(config: &MicrographConfig, chance: &mut Chance) -> Vec<f64> {
    let (height, width) = (config.size.height as f64, config.size.width as f64);
    let best_lit =
        Place { x: chance.between(0.25, 0.75) * width, y: chance.between(0.25, 0.75) * height };
    // The corner furthest from a place a quarter off is three quarters of both sides away.
    let furthest = 0.75 * Place { x: 0.0, y: 0.0 }.distance(Place { x: width, y: height });
    let arriving = |at: Place| {
        let away = at.distance(best_lit) / furthest;
        1.0 - config.shading_ratio * away * away
    };
    pixel_middles(config.size).map(arriving).collect()
}

fn background(config: &MicrographConfig, chance: &mut Chance) -> Vec<f64> {
    let seed = chance.bits();
    let levels = |at: Place| {
        let unevenness = smooth_noise(seed, at.x / BACKGROUND_SCALE_PX, at.y / BACKGROUND_SCALE_PX);
        config.background_levels * (1.0 + BACKGROUND_UNEVENNESS * unevenness)
    };
    pixel_middles(config.size).map(levels).collect()
}

fn pixel_middles(size: ImageSize) -> impl Iterator<Item = Place> {
    (0..size.area()).map(move |pixel| Place::of_pixel(pixel / size.width, pixel % size.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_the_light_and_spreads_it() {
        let mut scene = Light::none(ImageSize::new(21, 31));
        scene.levels[10 * 31 + 15] = 100.0;
        for sigma in [0.0, 0.7, 2.0] {
            let blurred = scene.blurred(sigma);
            let sum: f64 = blurred.levels.iter().sum();
            assert!((sum - 100.0).abs() < 1e-9, "f64 sums: {sum}");
            let variance: f64 = blurred
                .levels
                .iter()
                .enumerate()
                .map(|(pixel, level)| {
                    let dx = (pixel % 31) as f64 - 15.0;
                    level / 100.0 * dx * dx
                })
                .sum();
            // Cut off at three sigma and sampled at whole pixels.
            assert!((variance - sigma * sigma).abs() <= 0.03 * sigma * sigma, "{variance}");
        }
    }

    #[test]
    fn an_even_scene_stays_even() {
        let scene = Light { size: ImageSize::new(3, 2), levels: vec![7.0; 6] };
        assert!(scene.blurred(5.0).levels.iter().all(|level| (level - 7.0).abs() < 1e-12));
    }

    #[test]
    fn noise_has_the_variance_of_the_light() {
        let config = MicrographConfig {
            photons_per_level: 0.5,
            read_noise_levels: 3.0,
            ..MicrographConfig::default()
        };
        let mut chance = Chance::new(5, 0);
        let optics = Optics::new(&config, &mut chance);
        let draws: Vec<f64> =
            (0..20_000).map(|_| f64::from(optics.recorded(100.0, &mut chance))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>()
            / draws.len() as f64;
        // 100 / 0.5 and 3 * 3, and 1 / 12 of rounding; four standard errors of 1 %.
        assert!((mean - 100.0).abs() < 0.5 && (variance / 209.1 - 1.0).abs() < 0.04, "{variance}");
    }
}
