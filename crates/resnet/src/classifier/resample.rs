//! Pictures resized with antialiasing, as torchvision's classifiers see them.
//!
//! Source: the bilinear filter of Pillow's `Resample.c`, which torchvision uses for PIL pictures: a
//! triangle over the two nearest pixels, widened by the ratio where the picture shrinks; across first,
//! then down; weights as whole numbers of 22 bits, sums rounded to 8 bits after each pass. Differences:
//! none to Pillow 12; Pillow 13 goes down first for some pictures, which moves a value by one level at
//! most. Only the part that is asked for is computed, so that a thread-like picture takes no memory.
//!
//! Augmentation has its own resizing, which works on floats and is faster; there a level more or less
//! does not matter, while here logits are compared.

use kestrel_core::{ImageSize, RgbImage};
use rayon::prelude::*;
use std::ops::Range;

const CHANNELS: usize = 3;
/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

/// A part of a resized picture, in its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// The old pixels one new pixel is made of.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// `part` of what `image` is when resized to `to`. Both sizes have pixels.
pub(super) fn resized(image: &RgbImage, to: ImageSize, part: &Part) -> RgbImage {
    let from = image.size();
    let columns = taps(from.width, to.width, part.columns.clone());
    let rows = taps(from.height, to.height, part.rows.clone());
    let needed = needed(&rows);
    let width = part.columns.len() * CHANNELS;
    let mut across = vec![0u8; needed.len() * width];
    let old =
        image.pixels()[needed.start * from.width * CHANNELS..].par_chunks(from.width * CHANNELS);
    across.par_chunks_mut(width).zip(old).for_each(|(new, old)| {
        for (pixel, Taps { start, weights }) in
            new.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(&columns)
        {
            *pixel = weighted(&old.as_chunks::<CHANNELS>().0[*start..], weights);
        }
    });
    let mut pixels = vec![0u8; part.rows.len() * width];
    pixels.par_chunks_mut(width).zip(&rows).for_each(|(new, Taps { start, weights })| {
        let mut sums = vec![HALF; width];
        for (line, weight) in
            across[(start - needed.start) * width..].chunks_exact(width).zip(weights)
        {
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum += weight * i32::from(value);
            }
        }
        new.iter_mut().zip(&sums).for_each(|(value, &sum)| *value = level(sum));
    });
    let size = ImageSize::new(part.rows.len(), part.columns.len());
    RgbImage::new(size, pixels).unwrap_or_else(|error| unreachable!("three bytes a pixel: {error}"))
}

/// What makes cutting off the fraction a rounding.
const HALF: i32 = 1 << (PRECISION - 1);

fn level(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn weighted(pixels: &[[u8; CHANNELS]], weights: &[i32]) -> [u8; CHANNELS] {
    let mut sums = [HALF; CHANNELS];
    for (pixel, weight) in pixels.iter().zip(weights) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += weight * i32::from(value);
        }
    }
    sums.map(level)
}

/// All old pixels that some of the new ones are made of.
fn needed(taps: &[Taps]) -> Range<usize> {
    let start = taps.first().map_or(0, |taps| taps.start);
    start..taps.last().map_or(start, |taps| taps.start + taps.weights.len())
}

fn taps(from: usize, to: usize, part: Range<usize>) -> Vec<Taps> {
    let step = from as f64 / to as f64;
    let reach = step.max(1.0);
    let inverse = 1.0 / reach;
    let tap = |at: usize| {
        let middle = (at as f64 + 0.5) * step;
        let start = (middle - reach + 0.5).max(0.0) as usize;
        let end = ((middle + reach + 0.5) as usize).min(from);
        let weight =
            |pixel: usize| (1.0 - ((pixel as f64 - middle + 0.5) * inverse).abs()).max(0.0);
        let sum: f64 = (start..end).map(weight).sum();
        let whole = |weight: f64| (0.5 + weight / sum * f64::from(1 << PRECISION)) as i32;
        Taps { start, weights: (start..end).map(|pixel| whole(weight(pixel))).collect() }
    };
    part.map(tap).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(size: ImageSize) -> Part {
        Part { rows: 0..size.height, columns: 0..size.width }
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let size = ImageSize::new(4, 5);
        let image = RgbImage::new(size, (0..60).map(|value| value * 4).collect()).unwrap();
        assert_eq!(resized(&image, size, &whole(size)), image);
    }

    proptest! {
        #[test]
        fn one_colour_stays_and_a_part_is_what_the_whole_shows_there(
            height in 1usize..40, width in 1usize..40,
            new_height in 1usize..40, new_width in 1usize..40,
            pixels in proptest::collection::vec(any::<u8>(), 40 * 40 * 3),
        ) {
            let (from, to) = (ImageSize::new(height, width), ImageSize::new(new_height, new_width));
            let plain = RgbImage::filled(from, [3, 200, 255]);
            prop_assert_eq!(resized(&plain, to, &whole(to)), RgbImage::filled(to, [3, 200, 255]));
            let image = RgbImage::new(from, pixels[..from.area() * 3].to_vec()).unwrap();
            let all = resized(&image, to, &whole(to));
            let part = Part { rows: to.height / 3..to.height, columns: to.width / 2..to.width };
            let cut = resized(&image, to, &part);
            for (y, row) in part.rows.clone().zip(cut.pixels().chunks(part.columns.len() * 3)) {
                let start = (y * to.width + part.columns.start) * 3;
                prop_assert_eq!(row, &all.pixels()[start..start + row.len()]);
            }
        }
    }
}
