//! From a mask crop to the pixels of an image, straight to run lengths.
//!
//! Source: `paste_masks_in_image` in `torchvision/models/detection/roi_heads.py`, including its
//! box of whole pixels with one added. Only the columns inside the box are ever computed, so a
//! hundred masks take the memory of a hundred boxes' columns, not of a hundred images.
//! Differences: none known.

use crate::resample::{Tap, taps};
use kestrel_core::{BBox, ImageSize, Mask, RunWriter};

/// Above this probability a pixel belongs to the instance.
const THRESHOLD: f32 = 0.5;
/// Pixels of zero around the crop, so that its edge can fade.
const BORDER: usize = 1;

/// A box of whole pixels, both ends included.
struct PixelBox {
    x1: i64,
    y1: i64,
    x2: i64,
    y2: i64,
}

impl PixelBox {
    /// `bbox` about its centre, grown as the border grows the crop, then cut to integers.
    fn around(bbox: &BBox, side: usize) -> Self {
        let growth = ((side + 2 * BORDER) as f64 / side as f64) as f32;
        let (half_width, half_height) = (bbox.width() * 0.5 * growth, bbox.height() * 0.5 * growth);
        let (x, y) = ((bbox.x2 + bbox.x1) * 0.5, (bbox.y2 + bbox.y1) * 0.5);
        Self {
            x1: (x - half_width) as i64,
            y1: (y - half_height) as i64,
            x2: (x + half_width) as i64,
            y2: (y + half_height) as i64,
        }
    }
}

/// The mask of one instance.
///
/// `probabilities` are the rows of a square crop of `side` pixels, predicted for
/// `bbox_in_original`.
pub fn paste_mask(
    probabilities: &[f32],
    side: usize,
    bbox_in_original: &BBox,
    image: ImageSize,
) -> Mask {
    let place = PixelBox::around(bbox_in_original, side);
    let mut runs = RunWriter::new(image);
    let (columns, x1) = inside(place.x1, place.x2, image.width, side);
    let (rows, y1) = inside(place.y1, place.y2, image.height, side);
    let padded = with_border(probabilities, side);
    let padded_side = side + 2 * BORDER;
    let mut across = vec![0.0f32; padded_side];
    let mut pixels = vec![false; rows.len()];
    for (offset, column) in columns.iter().enumerate() {
        for (value, row) in across.iter_mut().zip(padded.chunks_exact(padded_side)) {
            *value = row[column.low] * column.low_weight + row[column.high] * column.high_weight;
        }
        for (pixel, row) in pixels.iter_mut().zip(&rows) {
            let value = across[row.low] * row.low_weight + across[row.high] * row.high_weight;
            *pixel = value > THRESHOLD;
        }
        runs.column(x1 + offset, y1, &pixels);
    }
    runs.finish()
}

/// The interpolation for those pixels from `start` to `end` that lie in `0..length`, and the
/// first of them. A box may be thousands of times longer than the image: only its visible part is
/// listed.
fn inside(start: i64, end: i64, length: usize, side: usize) -> (Vec<Tap>, usize) {
    let span = end.saturating_sub(start).saturating_add(1).max(1) as usize;
    let visible_from = start.max(0);
    let visible_to = end.saturating_add(1).min(length as i64);
    if visible_from >= visible_to {
        return (Vec::new(), 0);
    }
    let skipped = (visible_from - start) as usize;
    let count = (visible_to - visible_from) as usize;
    (taps(side + 2 * BORDER, span, skipped..skipped + count), visible_from as usize)
}

fn with_border(probabilities: &[f32], side: usize) -> Vec<f32> {
    let padded_side = side + 2 * BORDER;
    let mut padded = vec![0.0; padded_side * padded_side];
    let inner = padded.chunks_exact_mut(padded_side).skip(BORDER);
    for (to, from) in inner.zip(probabilities.chunks_exact(side)) {
        to[BORDER..BORDER + side].copy_from_slice(from);
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels above one half in the two pastes of `golden.json`, whose crop is a ramp from 0 to 1
    /// over 4x4. Pixel (4, 2) of the first is one half to the last bit, so it is left out: there
    /// the order of a sum decides.
    #[test]
    fn golden_pastes() {
        let ramp: Vec<f32> = (0..16u8).map(|value| f32::from(value) / 15.0).collect();
        let bitmap = |bbox, size: ImageSize| {
            let mut bitmap = vec![0u8; size.area()];
            for (x, top, bottom) in paste_mask(&ramp, 4, &bbox, size).column_runs() {
                (top..bottom).for_each(|y| bitmap[y * size.width + x] = 1);
            }
            bitmap
        };
        let size = ImageSize::new(8, 10);
        let found = bitmap(BBox::new(2.3, 1.2, 7.9, 6.4), size);
        let above = (0..80).filter(|&at| found[at] == 1).map(|at| (at / 10, at % 10));
        let above: Vec<(usize, usize)> = above.filter(|&at| at != (4, 2)).collect();
        let row = |y: usize, from: usize| (from..8).map(move |x| (y, x));
        let expected: Vec<_> = row(4, 3).chain(row(5, 2)).chain(row(6, 3)).collect();
        assert_eq!(above, expected);

        let found = bitmap(BBox::new(-3.0, -2.0, 4.0, 5.0), ImageSize::new(6, 6));
        let row = |y: usize| &found[y * 6..y * 6 + 6];
        assert_eq!(row(0), [0; 6]);
        assert_eq!(row(1), [0, 0, 0, 1, 0, 0]);
        assert_eq!(row(2), [1, 1, 1, 1, 0, 0]);
        assert_eq!(row(5), [0; 6]);
    }

    #[test]
    fn boxes_that_are_no_boxes_leave_no_mask_and_take_no_memory() {
        let ones = [1.0f32; 16];
        let size = ImageSize::new(6, 6);
        let far = BBox::new(1e9, 1e9, 2e9, 2e9);
        let nan = BBox::new(f32::NAN, 0.0, 4.0, 4.0);
        assert_eq!(paste_mask(&ones, 4, &far, size).area(), 0);
        assert!(paste_mask(&ones, 4, &nan, size).area() <= 36);
        let huge = BBox::new(-1e12, -1e12, 1e12, 1e12);
        assert_eq!(paste_mask(&ones, 4, &huge, size).area(), 36);
        assert_eq!(
            paste_mask(&ones, 4, &BBox::new(0.0, 0.0, 4.0, 4.0), ImageSize::new(0, 0)).area(),
            0
        );
    }
}
