//! Turns by a small angle around the middle; the picture keeps its size, corners get lost and
//! corners appear.
//!
//! Source: torchvision's `rotate` and `RandomRotation`, bilinear for the picture and nearest for the
//! masks, with the same sense: a positive angle turns counter-clockwise. Difference: where a pixel
//! lies half beyond the border, torchvision weighs the picture's part twice; here it is a plain mean
//! with the fill colour.

use super::error::{AugmentError, Check};
use super::objects::{KeepRule, Movement, moved};
use super::spans::Patch;
use super::{Chance, MEAN_COLOUR, Sample};
use kestrel_core::{BBox, ImageSize, Mask, RgbImage, RunWriter};
use serde::{Deserialize, Serialize};

/// A turn by an angle drawn between `-max_degrees` and `max_degrees`.
///
/// The box of an object without a mask becomes the bounds of the turned box, which are loose: at 10
/// degrees a square's are a third larger than the square.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate {
    /// Share of the pictures that are turned; 0 to 1. The default is 0.5.
    pub probability: f64,
    /// Largest angle, in degrees; 0 to 180. The default is 10.
    pub max_degrees: f64,
    /// Colour of the corners that appear, in levels. The default is ImageNet's mean.
    pub fill: [u8; 3],
    /// Which objects that are partly turned out of the picture are kept.
    pub keep: KeepRule,
}

impl Default for Rotate {
    fn default() -> Self {
        let keep = KeepRule::default();
        Self { probability: 0.5, max_degrees: 10.0, fill: MEAN_COLOUR, keep }
    }
}

impl Rotate {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("max_degrees", self.max_degrees, 0.0..=180.0)?;
        self.keep.validate(check)
    }

    pub(super) fn apply(&self, sample: Sample, chance: &mut Chance) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let degrees = chance.between(-self.max_degrees, self.max_degrees);
        let rotation = Rotation::new(sample.image.size(), degrees);
        let target = moved(&sample.target, &rotation, &self.keep);
        Sample { image: rotation.picture(&sample.image, self.fill), target, ..sample }
    }
}

/// Steps of a coordinate within a pixel: as fine as the sine and cosine.
const STEPS: f64 = (1 << STEP_BITS) as f64;
const STEP_BITS: u32 = 20;
const HALF_PIXEL: i64 = 1 << (STEP_BITS - 1);
/// Bits of a bilinear weight: two weights and a level fit 31 bits.
const WEIGHT_BITS: u32 = 10;
/// The whole weight.
const ALL: u32 = 1 << WEIGHT_BITS;

/// A turn around the middle of a picture, counter-clockwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    size: ImageSize,
    cos: f64,
    sin: f64,
}

impl Rotation {
    pub fn new(size: ImageSize, degrees: f64) -> Self {
        // Rounded to 20 bits, since the last bit of a sine differs between platforms.
        let [sin, cos] = <[f64; 2]>::from(degrees.to_radians().sin_cos())
            .map(|value| (value * STEPS).round() / STEPS);
        Self { size, cos, sin }
    }

    fn middle(&self) -> (f64, f64) {
        (self.size.width as f64 / 2.0, self.size.height as f64 / 2.0)
    }

    /// The place in the old picture that a place of the new one shows.
    fn old_from_new(&self, x: f64, y: f64) -> (f64, f64) {
        let (middle_x, middle_y) = self.middle();
        let (dx, dy) = (x - middle_x, y - middle_y);
        (middle_x + self.cos * dx - self.sin * dy, middle_y + self.sin * dx + self.cos * dy)
    }

    /// The same for the middle of a pixel, in steps of `2^-STEP_BITS` pixels.
    fn steps_from_new(&self, x: usize, y: usize) -> (i64, i64) {
        let (x, y) = self.old_from_new(x as f64 + 0.5, y as f64 + 0.5);
        ((x * STEPS).round() as i64, (y * STEPS).round() as i64)
    }

    pub fn picture(&self, image: &RgbImage, fill: [u8; 3]) -> RgbImage {
        let mut picture = RgbImage::filled(self.size, fill);
        let (pixels, _) = image.pixels().as_chunks::<3>();
        let source = Source { pixels, size: self.size, fill };
        let [step_x, step_y] = [self.cos, self.sin].map(|step| (step * STEPS) as i64);
        let rows = picture.pixels_mut().chunks_exact_mut(self.size.width * 3);
        for (y, row) in rows.enumerate() {
            let (mut x, mut y) = self.steps_from_new(0, y);
            for pixel in row.as_chunks_mut::<3>().0 {
                *pixel = source.bilinear(x, y);
                x += step_x;
                y += step_y;
            }
        }
        picture
    }
}

impl Movement for Rotation {
    fn size(&self) -> ImageSize {
        self.size
    }

    fn bbox(&self, bbox: &BBox) -> BBox {
        let (middle_x, middle_y) = self.middle();
        let dx = f64::from(bbox.x1 + bbox.x2) / 2.0 - middle_x;
        let dy = f64::from(bbox.y1 + bbox.y2) / 2.0 - middle_y;
        let x = middle_x + self.cos * dx + self.sin * dy;
        let y = middle_y - self.sin * dx + self.cos * dy;
        let half = |along: f32, other: f32| {
            (self.cos.abs() * f64::from(along) + self.sin.abs() * f64::from(other)) / 2.0
        };
        let half_width = half(bbox.width(), bbox.height());
        let half_height = half(bbox.height(), bbox.width());
        let corners = [x - half_width, y - half_height, x + half_width, y + half_height];
        BBox::from(corners.map(|at| at as f32))
    }

    fn mask(&self, mask: &Mask) -> Mask {
        let mut runs = RunWriter::new(self.size);
        let (Some(patch), Some(bounds)) = (Patch::of(mask), mask.bounds()) else {
            return runs.finish();
        };
        let around = self.bbox(&bounds).clip(self.size);
        let top = around.y1.floor() as usize;
        let mut column = vec![false; around.y2.ceil() as usize - top];
        let [step_x, step_y] = [-self.sin, self.cos].map(|step| (step * STEPS) as i64);
        for x in around.x1.floor() as usize..around.x2.ceil() as usize {
            let (mut old_x, mut old_y) = self.steps_from_new(x, top);
            for inside in &mut column {
                *inside = patch.contains(old_x >> STEP_BITS, old_y >> STEP_BITS);
                old_x += step_x;
                old_y += step_y;
            }
            runs.column(x, top, &column);
        }
        runs.finish()
    }

    fn area_ratio(&self) -> f64 {
        1.0
    }
}

/// A picture to be read between its pixels.
struct Source<'a> {
    pixels: &'a [[u8; 3]],
    size: ImageSize,
    fill: [u8; 3],
}

impl Source<'_> {
    /// The four pixels around a place, in steps of `2^-STEP_BITS` pixels, weighted by nearness.
    fn bilinear(&self, x: i64, y: i64) -> [u8; 3] {
        // From here on a whole number is the middle of a pixel.
        let (x, y) = (x - HALF_PIXEL, y - HALF_PIXEL);
        let [upper, lower] = self.corners(x >> STEP_BITS, y >> STEP_BITS);
        let (right_share, lower_share) = (share(x), share(y));
        let (left_share, upper_share) = (ALL - right_share, ALL - lower_share);
        let mut mean = [0; 3];
        for (channel, level) in mean.iter_mut().enumerate() {
            let across = |[left, right]: [[u8; 3]; 2]| {
                u32::from(left[channel]) * left_share + u32::from(right[channel]) * right_share
            };
            let sum = across(upper) * upper_share + across(lower) * lower_share;
            *level = ((sum + ALL * ALL / 2) >> (2 * WEIGHT_BITS)) as u8;
        }
        mean
    }

    /// Two pixels above two pixels.
    fn corners(&self, left: i64, top: i64) -> [[[u8; 3]; 2]; 2] {
        let ImageSize { height, width } = self.size;
        if left >= 0 && top >= 0 && left + 1 < width as i64 && top + 1 < height as i64 {
            let at = top as usize * width + left as usize;
            let pair = |at: usize| self.pixels[at..].first_chunk().copied();
            if let (Some(upper), Some(lower)) = (pair(at), pair(at + width)) {
                return [upper, lower];
            }
        }
        self.corners_at_border(left, top)
    }

    #[cold]
    fn corners_at_border(&self, left: i64, top: i64) -> [[[u8; 3]; 2]; 2] {
        let pair = |y: i64| [self.pixel(left, y), self.pixel(left + 1, y)];
        [pair(top), pair(top + 1)]
    }

    fn pixel(&self, x: i64, y: i64) -> [u8; 3] {
        let ImageSize { height, width } = self.size;
        match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < width && y < height => self.pixels[y * width + x],
            _ => self.fill,
        }
    }
}

/// Weight of the neighbour on the right or below.
fn share(at: i64) -> u32 {
    (at >> (STEP_BITS - WEIGHT_BITS)) as u32 & (ALL - 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_angle_changes_nothing() {
        let size = ImageSize::new(4, 5);
        let image = RgbImage::new(size, (0..60).collect()).unwrap();
        let mask = Mask::from_bitmap(size, &[1, 0, 0, 1, 1].repeat(4)).unwrap();
        let rotation = Rotation::new(size, 0.0);
        assert_eq!(rotation.picture(&image, [0; 3]), image);
        assert_eq!(rotation.mask(&mask), mask);
        assert_eq!(rotation.bbox(&BBox::new(1.0, 0.5, 3.0, 4.0)), BBox::new(1.0, 0.5, 3.0, 4.0));
    }

    /// The sense of the angle, where nothing needs to be interpolated.
    #[test]
    fn a_quarter_of_a_square_turns_counter_clockwise() {
        let size = ImageSize::new(2, 2);
        let image = RgbImage::new(size, [1, 2, 3, 4].map(|level| [level; 3]).concat()).unwrap();
        let mask = Mask::from_bitmap(size, &[0, 1, 0, 0]).unwrap();
        let rotation = Rotation::new(size, 90.0);
        let turned = rotation.picture(&image, [0; 3]);
        assert_eq!(turned.pixels(), [2, 4, 1, 3].map(|level| [level; 3]).as_flattened());
        assert_eq!(rotation.mask(&mask), Mask::from_bitmap(size, &[1, 0, 0, 0]).unwrap());
        let bbox = rotation.bbox(&BBox::new(1.0, 0.0, 2.0, 1.0));
        assert_eq!(bbox, BBox::new(0.0, 0.0, 1.0, 1.0));
    }

    #[test]
    fn a_turned_square_has_loose_bounds() {
        let rotation = Rotation::new(ImageSize::new(200, 200), 45.0);
        let bbox = rotation.bbox(&BBox::new(90.0, 90.0, 110.0, 110.0));
        // Twenty times the root of two, with a sine of 20 bits.
        assert!((bbox.width() - 800f32.sqrt()).abs() < 1e-4, "{bbox:?}");
    }

    #[test]
    fn corners_are_filled() {
        let size = ImageSize::new(40, 40);
        let turned =
            Rotation::new(size, 45.0).picture(&RgbImage::filled(size, [200; 3]), [1, 2, 3]);
        assert_eq!(turned.pixels()[..3], [1, 2, 3]);
        assert_eq!(turned.pixels()[20 * 40 * 3 + 60..][..3], [200; 3]);
    }
}
