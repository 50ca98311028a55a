//! Brightness, contrast, saturation and hue.
//!
//! Source: torchvision's `RandomPhotometricDistort` on 8-bit tensors, itself after SSD: the same
//! ranges, order and rounding, the contrast before or after the colours by a coin, and at the end
//! the channels exchanged. No known difference but float32 rounding, a level now and then.

use super::colour::{average_grey, hue_turned, map_levels, map_pixels, saturated};
use super::error::{AugmentError, Check};
use super::{Chance, Sample};
use kestrel_core::RgbImage;
use serde::{Deserialize, Serialize};

/// Changes colours, each quantity by chance and on its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Photometric {
    /// Share of the pictures each change is done to; 0 to 1. The default is 0.5.
    pub probability: f64,
    /// All levels are multiplied by a number between these; 0 to 10. The default is 0.875 to 1.125.
    pub brightness: Span,
    /// Levels move away from the picture's mean grey by a factor; 0 to 10, where 0 makes all grey.
    /// The default is 0.5 to 1.5.
    pub contrast: Span,
    /// Levels move away from the pixel's own grey by a factor; 0 to 10. The default is 0.5 to 1.5.
    pub saturation: Span,
    /// Turn of the circle of colours; -0.5 to 0.5 turns. The default is -0.05 to 0.05.
    pub hue: Span,
    /// Whether red, green and blue may change places. The default is yes.
    pub permute_channels: bool,
}

/// Numbers a factor is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
}

impl Default for Photometric {
    fn default() -> Self {
        Self {
            probability: 0.5,
            brightness: Span { min: 0.875, max: 1.125 },
            contrast: Span { min: 0.5, max: 1.5 },
            saturation: Span { min: 0.5, max: 1.5 },
            hue: Span { min: -0.05, max: 0.05 },
            permute_channels: true,
        }
    }
}

impl Photometric {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        let factors = [
            (self.brightness, "brightness.min", "brightness.max"),
            (self.contrast, "contrast.min", "contrast.max"),
            (self.saturation, "saturation.min", "saturation.max"),
        ];
        for (span, min, max) in factors {
            check.range(max, span.max, 0.0..=10.0)?;
            check.range(min, span.min, 0.0..=span.max)?;
        }
        check.range("hue.max", self.hue.max, -0.5..=0.5)?;
        check.range("hue.min", self.hue.min, -0.5..=self.hue.max)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        let mut image = sample.image;
        let drawn = Drawn::new(self, chance);
        drawn.change(&mut image);
        Sample { image, ..sample }
    }
}

/// What is done to one picture.
struct Drawn {
    brightness: Option<f32>,
    contrast: Option<f32>,
    contrast_first: bool,
    saturation: Option<f32>,
    hue: Option<f32>,
    channels: Option<[usize; 3]>,
}

impl Drawn {
    fn new(config: &Photometric, chance: &mut Chance) -> Self {
        let probability = config.probability;
        let mut draw = |span: Span| {
            let happens = chance.happens(probability);
            happens.then(|| chance.between(span.min, span.max) as f32)
        };
        let [brightness, contrast] = [draw(config.brightness), draw(config.contrast)];
        let [saturation, hue] = [draw(config.saturation), draw(config.hue)];
        let contrast_first = chance.happens(0.5);
        let permuted = config.permute_channels && chance.happens(probability);
        let channels = permuted.then(|| {
            let mut channels = [0, 1, 2];
            chance.shuffle(&mut channels);
            channels
        });
        Self { brightness, contrast, contrast_first, saturation, hue, channels }
    }

    fn change(&self, image: &mut RgbImage) {
        if let Some(factor) = self.brightness {
            map_levels(image, |level| level * factor);
        }
        if self.contrast_first {
            self.change_contrast(image);
        }
        if let Some(factor) = self.saturation {
            map_pixels(image, |pixel| saturated(pixel, factor));
        }
        if let Some(turns) = self.hue {
            map_pixels(image, |pixel| hue_turned(pixel, turns));
        }
        if !self.contrast_first {
            self.change_contrast(image);
        }
        if let Some(channels) = self.channels {
            map_pixels(image, |pixel| channels.map(|channel| pixel[channel]));
        }
    }

    fn change_contrast(&self, image: &mut RgbImage) {
        if let Some(factor) = self.contrast {
            let mean = average_grey(image);
            map_levels(image, |level| level * factor + mean * (1.0 - factor));
        }
    }
}
