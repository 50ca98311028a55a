//! Turns by 90, 180 and 270 degrees, for pictures without an up and a down: micrographs, views from
//! above. torchvision has the operation (`rotate` by 90, `torch.rot90`) but no random transform.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::flip::{mirrored, upside_down};
use super::objects::{KeepRule, Movement, moved};
use super::spans::transposed;
use super::{Chance, Sample};
use kestrel_core::{BBox, ImageSize, Mask, RgbImage};
use serde::{Deserialize, Serialize};

/// Side of the blocks in which rows and columns are exchanged, in pixels: a block's 32 rows of
/// source and target stay in the cache.
const BLOCK_PX: usize = 32;

/// A turn by 90, 180 or 270 degrees, each as often as the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate90 {
    /// Share of the pictures that are turned; 0 to 1. The default, 0.75, makes all four positions
    /// equally frequent.
    pub probability: f64,
}

impl Default for Rotate90 {
    fn default() -> Self {
        Self { probability: 0.75 }
    }
}

impl Rotate90 {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let turn = [Turn::Right, Turn::Half, Turn::Left][chance.below(3)];
        turned(sample, turn)
    }
}

/// A turn as a person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// 90 degrees clockwise: the top becomes the right side.
    Right,
    /// 180 degrees.
    Half,
    /// 90 degrees counter-clockwise.
    Left,
}

pub(super) fn turned(sample: Sample, turn: Turn) -> Sample {
    let movement = TurnOf { from: sample.image.size(), turn };
    let target = moved(&sample.target, &movement, &KeepRule::ANY);
    let image = match turn {
        Turn::Right => mirrored(exchanged(&sample.image)),
        Turn::Half => mirrored(upside_down(sample.image)),
        Turn::Left => upside_down(exchanged(&sample.image)),
    };
    Sample { image, target, ..sample }
}

/// The picture with rows and columns exchanged.
fn exchanged(image: &RgbImage) -> RgbImage {
    let ImageSize { height, width } = image.size();
    let (old, _) = image.pixels().as_chunks::<3>();
    let mut turned = RgbImage::filled(ImageSize::new(width, height), [0; 3]);
    let (new, _) = turned.pixels_mut().as_chunks_mut::<3>();
    for top in (0..height).step_by(BLOCK_PX) {
        let end = (top + BLOCK_PX).min(height);
        for x in 0..width {
            let place = &mut new[x * height..][top..end];
            let column = old[top * width + x..].iter().step_by(width);
            place.iter_mut().zip(column).for_each(|(place, pixel)| *place = *pixel);
        }
    }
    turned
}

struct TurnOf {
    from: ImageSize,
    turn: Turn,
}

impl TurnOf {
    /// What follows after rows and columns are exchanged, or all there is for a half turn.
    fn mirroring(&self) -> Placement {
        let ImageSize { height, width } = self.size();
        let (columns, rows) = match self.turn {
            Turn::Right => (Axis::mirrored(width), Axis::same(height)),
            Turn::Half => (Axis::mirrored(width), Axis::mirrored(height)),
            Turn::Left => (Axis::same(width), Axis::mirrored(height)),
        };
        Placement { columns, rows }
    }
}

impl Movement for TurnOf {
    fn size(&self) -> ImageSize {
        match self.turn {
            Turn::Half => self.from,
            Turn::Right | Turn::Left => ImageSize::new(self.from.width, self.from.height),
        }
    }

    fn bbox(&self, bbox: &BBox) -> BBox {
        let exchanged = match self.turn {
            Turn::Half => *bbox,
            Turn::Right | Turn::Left => BBox::new(bbox.y1, bbox.x1, bbox.y2, bbox.x2),
        };
        self.mirroring().bbox(&exchanged)
    }

    fn mask(&self, mask: &Mask) -> Mask {
        match self.turn {
            Turn::Half => self.mirroring().mask(mask),
            Turn::Right | Turn::Left => self.mirroring().mask(&transposed(mask)),
        }
    }

    fn area_ratio(&self) -> f64 {
        1.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{Label, Target};

    /// The letter L, and how it lies after each turn.
    #[test]
    fn a_letter_turns_as_a_person_would_turn_it() {
        let letter = [[1, 0], [1, 0], [1, 1]].concat();
        for (turn, size, expected) in [
            (Turn::Right, ImageSize::new(2, 3), vec![1, 1, 1, 1, 0, 0]),
            (Turn::Half, ImageSize::new(3, 2), vec![1, 1, 0, 1, 0, 1]),
            (Turn::Left, ImageSize::new(2, 3), vec![0, 0, 1, 1, 1, 1]),
        ] {
            let from = ImageSize::new(3, 2);
            let pixels = letter.iter().flat_map(|&bit| [bit * 200; 3]).collect();
            let mask = Mask::from_bitmap(from, &letter).unwrap();
            let bbox = BBox::new(0.0, 0.0, 2.0, 3.0);
            let sample = Sample {
                image_id: 1,
                image: RgbImage::new(from, pixels).unwrap(),
                target: Target::new(from, vec![bbox], vec![Label(1)], Some(vec![mask])).unwrap(),
            };
            let turned = turned(sample, turn);
            assert_eq!(turned.image.size(), size, "{turn:?}");
            let seen: Vec<u8> = turned.image.pixels().iter().step_by(3).map(|v| v / 200).collect();
            assert_eq!(seen, expected, "{turn:?}");
            let mask = &turned.target.masks().unwrap()[0];
            assert_eq!(mask, &Mask::from_bitmap(size, &expected).unwrap(), "{turn:?}");
        }
    }

    #[test]
    fn a_box_without_a_mask_turns_alike() {
        let from = ImageSize::new(10, 20);
        let bbox = BBox::new(1.0, 2.0, 5.0, 9.0);
        let seen = |turn| TurnOf { from, turn }.bbox(&bbox);
        assert_eq!(seen(Turn::Right), BBox::new(1.0, 1.0, 8.0, 5.0));
        assert_eq!(seen(Turn::Half), BBox::new(15.0, 1.0, 19.0, 8.0));
        assert_eq!(seen(Turn::Left), BBox::new(2.0, 15.0, 9.0, 19.0));
    }
}
