//! Pictures moved along the axes: resized, cut out, padded.
//!
//! Source: the bilinear filter of Pillow's `Resample.c`, which torchvision's `resize` with
//! `antialias=True` follows: a triangle over the two nearest pixels, widened by the ratio where the
//! picture shrinks, across first and then down, rounded to 8 bits after each. Difference: weights
//! are float32 where Pillow has 22-bit integers, which now and then moves a value by one level.

use super::axis::{Axis, Placement};
use super::objects::Movement;
use kestrel_core::RgbImage;
use std::borrow::Cow;
use std::ops::Range;

const CHANNELS: usize = 3;

/// The picture that `placement` makes of `image`; what lies beyond it gets the colour `fill`.
/// Mirroring is [`super::flip`]'s.
pub(super) fn placed(image: &RgbImage, placement: &Placement, fill: [u8; 3]) -> RgbImage {
    let Placement { columns, rows } = placement;
    let mut picture = RgbImage::filled(placement.size(), fill);
    let shown = columns.shown() * CHANNELS;
    if shown == 0 || rows.shown() == 0 {
        return picture;
    }
    let row_taps = taps(rows);
    let needed = needed_rows(&row_taps);
    let lines = across(image, columns, needed.clone());
    let mut sums = vec![0.0f32; shown];
    let places = picture.pixels_mut().chunks_exact_mut(columns.length * CHANNELS);
    for (place, taps) in places.zip(&row_taps) {
        weighted_line(&lines, taps, needed.start, &mut sums, &mut place[..shown]);
    }
    picture
}

/// The old pixels that one new pixel is made of.
#[derive(Debug)]
struct Taps {
    start: usize,
    /// Sum to 1.
    weights: Vec<f32>,
}

/// One for each pixel of the axis's window that shows something.
fn taps(axis: &Axis) -> Vec<Taps> {
    (axis.start..axis.start + axis.shown()).map(|at| taps_at(axis, at)).collect()
}

fn taps_at(axis: &Axis, at: usize) -> Taps {
    if axis.resized == axis.from {
        return Taps { start: at, weights: vec![1.0] };
    }
    let step = axis.from as f64 / axis.resized as f64;
    let reach = step.max(1.0);
    let middle = (at as f64 + 0.5) * step;
    let start = (middle - reach + 0.5).max(0.0) as usize;
    let end = ((middle + reach + 0.5) as usize).min(axis.from);
    let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - middle) / reach).abs()).max(0.0);
    let sum: f64 = (start..end).map(weight).sum();
    Taps { start, weights: (start..end).map(|pixel| (weight(pixel) / sum) as f32).collect() }
}

fn needed_rows(taps: &[Taps]) -> Range<usize> {
    let start = taps.first().map_or(0, |first| first.start);
    start..taps.last().map_or(0, |last| last.start + last.weights.len())
}

/// Lines of one picture, one after the other.
struct Lines<'a> {
    values: Cow<'a, [u8]>,
    /// Bytes from one line to the next.
    stride: usize,
    /// Bytes left out at the start of each.
    offset: usize,
}

impl Lines<'_> {
    fn line(&self, y: usize, length: usize) -> &[u8] {
        &self.values[y * self.stride + self.offset..][..length]
    }
}

/// Rows `rows` of the old picture, resized across; as they are where only their length changes.
fn across<'a>(image: &'a RgbImage, columns: &Axis, rows: Range<usize>) -> Lines<'a> {
    let stride = columns.from * CHANNELS;
    let old = &image.pixels()[rows.start * stride..rows.end * stride];
    if columns.resized == columns.from {
        let offset = columns.start * CHANNELS;
        return Lines { values: Cow::Borrowed(old), stride, offset };
    }
    let taps = taps(columns);
    let mut new = Vec::with_capacity(rows.len() * taps.len() * CHANNELS);
    for line in old.chunks_exact(stride) {
        let (pixels, _) = line.as_chunks::<CHANNELS>();
        new.extend(taps.iter().flat_map(|taps| weighted_pixel(pixels, taps)));
    }
    Lines { values: Cow::Owned(new), stride: taps.len() * CHANNELS, offset: 0 }
}

fn weighted_pixel(pixels: &[[u8; CHANNELS]], taps: &Taps) -> [u8; CHANNELS] {
    let mut sums = [0.5f32; CHANNELS];
    for (pixel, weight) in pixels[taps.start..].iter().zip(&taps.weights) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += weight * f32::from(value);
        }
    }
    sums.map(|sum| sum as u8)
}

/// `place` = the weighted sum of some lines, the first of which is row `first_row` of the picture.
fn weighted_line(
    lines: &Lines<'_>,
    taps: &Taps,
    first_row: usize,
    sums: &mut [f32],
    place: &mut [u8],
) {
    let line = |number: usize| lines.line(taps.start - first_row + number, place.len());
    if taps.weights.len() == 1 {
        let line = line(0);
        place.copy_from_slice(line);
        return;
    }
    sums.fill(0.5);
    for (number, &weight) in taps.weights.iter().enumerate() {
        for (sum, &value) in sums.iter_mut().zip(line(number)) {
            *sum += weight * f32::from(value);
        }
    }
    for (value, &sum) in place.iter_mut().zip(sums.iter()) {
        *value = sum as u8;
    }
}
