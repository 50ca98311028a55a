//! Where in a picture its crops lie.

use super::CropsConfig;
use crate::augment::Window;
use crate::{Chance, ImageRecord};
use kestrel_core::{BBox, ImageSize, Label, Target};

/// Places tried for a part without objects.
const TRIALS: usize = 50;
/// Share of such a part that each object may cover: a corner of one is background too.
const MAX_COVERED: f32 = 0.05;

/// A part of a picture and what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crop {
    /// The background's where it shows no object.
    pub label: Label,
    pub window: Window,
}

/// All parts of one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crops {
    pub crops: Vec<Crop>,
    pub num_too_small: usize,
}

impl Crops {
    /// Those of the objects of `target`, then `background_ratio` as many that show none, as far as the
    /// picture has room for them beside whatever `record` marks, crowds included.
    pub fn of(
        record: &ImageRecord,
        target: &Target,
        size: ImageSize,
        config: &CropsConfig,
        background_ratio: f64,
        chance: &mut Chance,
    ) -> Self {
        let mut found = Self::default();
        let mut sides = Vec::new();
        for (bbox, &label) in target.boxes().iter().zip(target.labels()) {
            let longer = f64::from(bbox.width().max(bbox.height()));
            if longer < config.min_side_px {
                found.num_too_small += 1;
                continue;
            }
            let side = longer * (1.0 + 2.0 * config.margin);
            sides.push(side);
            found.crops.push(Crop { label, window: around(bbox, side, size) });
        }
        if sides.is_empty() {
            return found;
        }
        let taken = marked(record, size);
        let wanted = background_ratio * sides.len() as f64;
        let num_backgrounds = wanted as usize + usize::from(chance.happens(wanted.fract()));
        for _ in 0..num_backgrounds {
            let side = sides[chance.below(sides.len())];
            let window = (0..TRIALS).map(|_| anywhere(side, size, chance));
            let free = window.into_iter().find(|window| is_free(window, &taken));
            found.crops.extend(free.map(|window| Crop { label: Label::BACKGROUND, window }));
        }
        found
    }
}

/// Every box of the record that has an area, cut at the borders.
fn marked(record: &ImageRecord, size: ImageSize) -> Vec<BBox> {
    let boxes = record.objects.iter().map(|object| {
        let bbox = object.bbox;
        let corners = [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
        BBox::from(corners.map(|corner| corner as f32)).clip(size)
    });
    boxes.filter(|bbox| bbox.width() > 0.0 && bbox.height() > 0.0).collect()
}

/// The side of a part as whole pixels, at most those there are.
fn fitting(side: f64, available: usize) -> usize {
    (side.round() as usize).clamp(1, available)
}

/// A square of this side about the middle of a box, moved into the picture.
fn around(bbox: &BBox, side: f64, size: ImageSize) -> Window {
    let start = |low: f32, high: f32, length: usize, available: usize| {
        let start = (f64::from(low + high) - length as f64) / 2.0;
        (start.round().max(0.0) as usize).min(available - length)
    };
    let (height, width) = (fitting(side, size.height), fitting(side, size.width));
    Window {
        left: start(bbox.x1, bbox.x2, width, size.width),
        top: start(bbox.y1, bbox.y2, height, size.height),
        size: ImageSize::new(height, width),
    }
}

fn anywhere(side: f64, size: ImageSize, chance: &mut Chance) -> Window {
    let (height, width) = (fitting(side, size.height), fitting(side, size.width));
    Window {
        left: chance.below(size.width - width + 1),
        top: chance.below(size.height - height + 1),
        size: ImageSize::new(height, width),
    }
}

fn is_free(window: &Window, taken: &[BBox]) -> bool {
    let (right, bottom) = (window.left + window.size.width, window.top + window.size.height);
    let part = BBox::from([window.left, window.top, right, bottom].map(|edge| edge as f32));
    // An object within the part may be small beside it, but is no background.
    let covers = |bbox: &BBox| {
        let shared = part.intersection(bbox);
        shared > MAX_COVERED * part.area() || shared > 0.5 * bbox.area()
    };
    !taken.iter().any(covers)
}
