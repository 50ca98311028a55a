//! Resizing by bilinear interpolation without antialiasing and by nearest pixel.
//!
//! Source: `torch.nn.functional.interpolate` with `align_corners=False`, whose positions and
//! rounding are copied (`aten/src/ATen/native/UpSample.h`). Its builds for today's processors fuse a
//! product and the sum it goes into, and so does this file: a position at 500 is 3e-5 off otherwise,
//! and a pixel with it. Differences: none known.

use kestrel_core::{ImageSize, Mask, RgbImage};
use rayon::prelude::*;
use std::ops::Range;

/// The two neighbours of one output position and their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    pub low: usize,
    pub high: usize,
    pub low_weight: f32,
    pub high_weight: f32,
}

/// Neighbours for some of the positions when `from` pixels become `to`.
pub(crate) fn taps(from: usize, to: usize, positions: Range<usize>) -> Vec<Tap> {
    let step = from as f32 / to as f32;
    let tap = |position: usize| {
        let at = fused(step, position as f32 + 0.5, -0.5).max(0.0);
        let low = (at as usize).min(from - 1);
        let high_weight = (at - low as f32).clamp(0.0, 1.0);
        Tap { low, high: (low + 1).min(from - 1), low_weight: 1.0 - high_weight, high_weight }
    };
    positions.map(tap).collect()
}

/// Writes a picture, normalised by `tables` and resized to `size`, into the top left corner of a
/// padded place of `stride` pixels a row, three floats a pixel.
pub(crate) fn bilinear(
    image: &RgbImage,
    tables: &[[f32; 256]; 3],
    size: ImageSize,
    place: &mut [f32],
    stride: usize,
) {
    let from = image.size();
    if from.area() == 0 {
        return;
    }
    let columns = taps(from.width, size.width, 0..size.width);
    let rows = taps(from.height, size.height, 0..size.height);
    let source_row = |y: usize| &image.pixels()[y * from.width * 3..][..from.width * 3];
    let place_rows = place.par_chunks_mut(stride * 3).zip(&rows);
    place_rows.for_each(|(out, row)| {
        let (above, below) = (source_row(row.low), source_row(row.high));
        for (pixel, column) in out.chunks_exact_mut(3).zip(&columns) {
            for (c, value) in pixel.iter_mut().enumerate() {
                let table = &tables[c];
                let across = |line: &[u8]| {
                    let low = table[line[column.low * 3 + c] as usize];
                    let high = table[line[column.high * 3 + c] as usize];
                    fused(low, column.low_weight, high * column.high_weight)
                };
                *value = fused(across(above), row.low_weight, across(below) * row.high_weight);
            }
        }
    });
}

/// `value * weight + rest` rounded once. Exact products of float32 fit into float64, and this is
/// faster than `mul_add` where the compiler may not assume the instruction.
fn fused(value: f32, weight: f32, rest: f32) -> f32 {
    (f64::from(value) * f64::from(weight) + f64::from(rest)) as f32
}

/// Sets the pixels of a mask, resized by nearest pixel to `size`, to 1 in `bitmap`, whose rows hold
/// zeros. Runs are copied as runs: a mask of few pixels costs little in a picture of many.
pub(crate) fn nearest(mask: &Mask, size: ImageSize, bitmap: &mut [u8]) {
    let rows = starts(mask.size().height, size.height);
    let columns = starts(mask.size().width, size.width);
    for (x, top, bottom) in mask.column_runs() {
        let across = columns[x]..columns[x + 1];
        for row in bitmap[rows[top] * size.width..rows[bottom] * size.width]
            .chunks_exact_mut(size.width.max(1))
        {
            row[across.clone()].fill(1);
        }
    }
}

/// When `from` pixels become `to`: for each of the former, and their end, the first of the latter
/// that takes its value from there or from farther on.
fn starts(from: usize, to: usize) -> Vec<usize> {
    let step = from as f32 / to as f32;
    let mut starts = vec![to; from + 1];
    let mut next = 0;
    for position in 0..to {
        let nearest = ((position as f32 * step) as usize).min(from.saturating_sub(1));
        starts[next..=nearest].fill(position);
        next = next.max(nearest + 1);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ramp of `golden.json`: rows 0 1 2 and 3 4 5, each a sixth, to 4x6.
    #[test]
    fn golden_enlargement() {
        let image =
            RgbImage::new(ImageSize::new(2, 3), (0..6u8).flat_map(|value| [value; 3]).collect())
                .unwrap();
        let table: [f32; 256] = std::array::from_fn(|value| value as f32 / 6.0);
        let mut place = vec![0.0; 4 * 8 * 3];
        bilinear(&image, &[table; 3], ImageSize::new(4, 6), &mut place, 8);
        let row = |y: usize| -> Vec<f32> { (0..8).map(|x| place[(y * 8 + x) * 3]).collect() };
        let expected = [
            [0.0, 0.04167, 0.125, 0.20833, 0.29167, 0.33333, 0.0, 0.0],
            [0.125, 0.16667, 0.25, 0.33333, 0.41667, 0.45833, 0.0, 0.0],
        ];
        for (y, expected) in expected.iter().enumerate() {
            for (found, expected) in row(y).iter().zip(expected) {
                // The table has five decimals.
                assert!((found - expected).abs() < 1e-5, "row {y}: {:?}", row(y));
            }
        }
    }

    #[test]
    fn golden_nearest_mask() {
        let mask = Mask::from_bitmap(ImageSize::new(2, 3), &[1, 0, 1, 0, 1, 0]).unwrap();
        let top = [1, 1, 0, 0, 1, 1];
        let bottom = [0, 0, 1, 1, 0, 0];
        let mut bitmap = vec![0; 24];
        nearest(&mask, ImageSize::new(4, 6), &mut bitmap);
        assert_eq!(bitmap, [top, top, bottom, bottom].concat());
    }

    /// Against the definition, pixel by pixel.
    #[test]
    fn a_mask_takes_its_pixels_from_the_nearest() {
        let from = ImageSize::new(7, 5);
        let bits: Vec<u8> = (0..35u32).map(|at| u8::from(at * at % 7 < 3)).collect();
        let mask = Mask::from_bitmap(from, &bits).unwrap();
        for size in [(7, 5), (3, 11), (20, 2), (1, 1), (13, 9)] {
            let size = ImageSize::new(size.0, size.1);
            let mut bitmap = vec![0; size.area()];
            nearest(&mask, size, &mut bitmap);
            let source = |at: usize, from: usize, to: usize| {
                ((at as f32 * (from as f32 / to as f32)) as usize).min(from - 1)
            };
            let expected = (0..size.area()).map(|at| {
                let y = source(at / size.width, from.height, size.height);
                bits[y * from.width + source(at % size.width, from.width, size.width)]
            });
            assert!(expected.eq(bitmap.iter().copied()), "{size:?}");
        }
    }

    #[test]
    fn shrinking_skips_pixels() {
        let positions: Vec<f32> =
            taps(8, 3, 0..3).iter().map(|tap| tap.low as f32 + tap.high_weight).collect();
        // (8 / 3) * (i + 1/2) - 1/2, to float32 rounding.
        for (found, expected) in positions.iter().zip([0.833_333, 3.5, 6.166_667]) {
            assert!((found - expected).abs() < 1e-5, "{positions:?}");
        }
    }
}
