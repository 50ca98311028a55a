//! A random part of the picture that shows an object well.
//!
//! Source: Liu et al., "SSD: Single Shot MultiBox Detector" (2016), section 2.2, as torchvision's
//! `RandomIoUCrop`. Differences: an object stays by the share of it that is left, not by where its
//! middle lies; a picture without objects is cut anywhere, where torchvision draws until it draws
//! "leave it"; and a picture in which no crop is found soon stays as it is.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::objects::{KeepRule, moved};
use super::resample::placed;
use super::{Chance, MEAN_COLOUR, Sample};
use kestrel_core::{BBox, ImageSize, Target};
use serde::{Deserialize, Serialize};

/// Crops tried for a drawn overlap, and overlaps drawn, before the picture is left as it is.
const TRIALS: usize = 40;
const MAX_OPTIONS: usize = 50;

/// Cuts out a part that an object overlaps enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCrop {
    /// Share of the pictures it is tried on; 0 to 1. The default is 1.
    pub probability: f64,
    /// Shortest side of the part, over that of the picture; above 0, to 1. The default is 0.3.
    pub min_scale: f64,
    /// Longest side of the part, over that of the picture; to 1. The default is 1.
    pub max_scale: f64,
    /// Narrowest part: width over height. The default is 0.5.
    pub min_aspect_ratio: f64,
    /// Widest part: width over height. The default is 2.
    pub max_aspect_ratio: f64,
    /// One of these is drawn; the IoU of the part with some object whose middle lies in it must be
    /// as high. 1 means: leave the picture. The default is 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.
    pub min_overlaps: Vec<f64>,
    /// Which objects that are cut at the new border are kept.
    pub keep: KeepRule,
}

impl Default for RandomCrop {
    fn default() -> Self {
        Self {
            probability: 1.0,
            min_scale: 0.3,
            max_scale: 1.0,
            min_aspect_ratio: 0.5,
            max_aspect_ratio: 2.0,
            min_overlaps: vec![0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
            keep: KeepRule::default(),
        }
    }
}

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug)]
struct Part {
    left: usize,
    top: usize,
    size: ImageSize,
}

impl RandomCrop {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("max_scale", self.max_scale, 0.01..=1.0)?;
        check.range("min_scale", self.min_scale, 0.01..=self.max_scale)?;
        check.range("max_aspect_ratio", self.max_aspect_ratio, 0.01..=100.0)?;
        check.range("min_aspect_ratio", self.min_aspect_ratio, 0.01..=self.max_aspect_ratio)?;
        check.not_empty("min_overlaps", &self.min_overlaps)?;
        let overlaps = self.min_overlaps.iter();
        overlaps.copied().try_for_each(|at| check.range("min_overlaps", at, 0.0..=1.0))?;
        self.keep.validate(check)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let from = sample.image.size();
        let Some(part) = self.draw(from, &sample.target, chance) else { return sample };
        let columns = Axis::same(from.width).window(part.left, part.size.width);
        let rows = Axis::same(from.height).window(part.top, part.size.height);
        let placement = Placement { columns, rows };
        let target = moved(&sample.target, &placement, &self.keep);
        Sample { image: placed(&sample.image, &placement, MEAN_COLOUR), target, ..sample }
    }

    fn draw(&self, from: ImageSize, target: &Target, chance: &mut Chance) -> Option<Part> {
        for _ in 0..MAX_OPTIONS {
            let min_overlap = self.min_overlaps[chance.below(self.min_overlaps.len())];
            if min_overlap >= 1.0 {
                return None;
            }
            let mut parts = (0..TRIALS).filter_map(|_| self.any_part(from, chance));
            if let Some(part) = parts.find(|part| part.shows_one(target, min_overlap)) {
                return Some(part);
            }
        }
        None
    }

    /// A part within the limits of size and shape, if luck has it.
    fn any_part(&self, from: ImageSize, chance: &mut Chance) -> Option<Part> {
        let mut side =
            |px: usize| (px as f64 * chance.between(self.min_scale, self.max_scale)) as usize;
        let (width, height) = (side(from.width), side(from.height));
        let left = chance.below((from.width - width).max(1));
        let top = chance.below((from.height - height).max(1));
        let allowed = self.min_aspect_ratio..=self.max_aspect_ratio;
        let is_allowed = height > 0 && allowed.contains(&(width as f64 / height as f64));
        is_allowed.then_some(Part { left, top, size: ImageSize::new(height, width) })
    }
}

impl Part {
    fn bbox(&self) -> BBox {
        let (right, bottom) = (self.left + self.size.width, self.top + self.size.height);
        BBox::from([self.left, self.top, right, bottom].map(|edge| edge as f32))
    }

    fn shows_one(&self, target: &Target, min_overlap: f64) -> bool {
        let part = self.bbox();
        let is_shown = |bbox: &BBox| {
            let (x, y) = (0.5 * (bbox.x1 + bbox.x2), 0.5 * (bbox.y1 + bbox.y2));
            let has_middle = part.x1 < x && x < part.x2 && part.y1 < y && y < part.y2;
            has_middle && f64::from(part.iou(bbox)) >= min_overlap
        };
        target.is_empty() || target.boxes().iter().any(is_shown)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{Label, RgbImage};

    fn sample(boxes: Vec<BBox>) -> Sample {
        let size = ImageSize::new(100, 150);
        let labels = vec![Label(1); boxes.len()];
        let target = Target::new(size, boxes, labels, None).unwrap();
        Sample { image_id: 1, image: RgbImage::filled(size, [9; 3]), target }
    }

    #[test]
    fn a_part_keeps_the_overlap_it_was_drawn_for() {
        let config = RandomCrop { min_overlaps: vec![0.5], ..RandomCrop::default() };
        let objects = [BBox::new(10.0, 10.0, 90.0, 80.0), BBox::new(100.0, 50.0, 140.0, 95.0)];
        let sample = sample(objects.to_vec());
        let mut chance = Chance::of_sample(1, 0, 0, 0);
        for _ in 0..50 {
            let part = config.draw(sample.image.size(), &sample.target, &mut chance).unwrap();
            assert!(objects.iter().any(|object| part.bbox().iou(object) >= 0.5), "{part:?}");
            let ratio = part.size.width as f64 / part.size.height as f64;
            assert!((0.5..=2.0).contains(&ratio) && part.size.height >= 30, "{part:?}");
            assert!(part.left + part.size.width <= 150 && part.top + part.size.height <= 100);
        }
    }

    #[test]
    fn what_cannot_be_cut_stays() {
        let config = RandomCrop { min_overlaps: vec![0.9], ..RandomCrop::default() };
        // A part of 0.3 of each side has a hundred times the area.
        let sample = sample(vec![BBox::new(3.0, 3.0, 6.0, 7.0)]);
        let mut chance = Chance::of_sample(1, 0, 0, 0);
        assert_eq!(config.apply(sample.clone(), &mut chance), sample);
    }

    #[test]
    fn a_picture_without_objects_is_cut_too() {
        let config = RandomCrop { min_overlaps: vec![0.9], ..RandomCrop::default() };
        let cut = config.apply(sample(Vec::new()), &mut Chance::of_sample(1, 0, 0, 0));
        assert!(cut.image.size().area() < 100 * 150 && cut.target.is_empty());
    }
}
