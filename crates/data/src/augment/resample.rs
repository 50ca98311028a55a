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
    let row_taps = Taps::of(rows);
    let needed = row_taps.needed();
    let lines = across(image, columns, needed.clone());
    let mut sums = vec![0.0f32; shown];
    let places = picture.pixels_mut().chunks_exact_mut(columns.length * CHANNELS);
    for (place, (start, weights)) in places.zip(row_taps.iter()) {
        weighted_line(&lines, start - needed.start, weights, &mut sums, &mut place[..shown]);
    }
    picture
}

/// The old pixels that each new pixel of an axis's window is made of.
struct Taps {
    /// The first of them.
    starts: Vec<usize>,
    /// `count` of them for each new pixel, which sum to 1; the last may be 0.
    weights: Vec<f32>,
    count: usize,
}

impl Taps {
    fn of(axis: &Axis) -> Self {
        let window = axis.start..axis.start + axis.shown();
        if axis.resized == axis.from {
            let weights = vec![1.0; window.len()];
            return Self { starts: window.collect(), weights, count: 1 };
        }
        let single: Vec<(usize, Vec<f32>)> = window.map(|at| weights_at(axis, at)).collect();
        let count = single.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let mut taps = Self { starts: Vec::new(), weights: Vec::new(), count };
        for (start, weights) in single {
            // A shorter list at the far border begins earlier, so as not to end beyond it.
            let first = start.min(axis.from - count.min(axis.from));
            taps.starts.push(first);
            taps.weights.extend(std::iter::repeat_n(0.0, start - first));
            taps.weights.extend(weights);
            taps.weights.resize(taps.starts.len() * count, 0.0);
        }
        taps
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.count))
    }

    /// All old pixels that are needed.
    fn needed(&self) -> Range<usize> {
        let start = self.starts.first().copied().unwrap_or(0);
        start..self.starts.last().map_or(0, |last| last + self.count)
    }
}

/// The first old pixel that counts for a new one, and the weights from there on.
fn weights_at(axis: &Axis, at: usize) -> (usize, Vec<f32>) {
    let step = axis.from as f64 / axis.resized as f64;
    let reach = step.max(1.0);
    let middle = (at as f64 + 0.5) * step;
    let start = (middle - reach + 0.5).max(0.0) as usize;
    let end = ((middle + reach + 0.5) as usize).min(axis.from);
    let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - middle) / reach).abs()).max(0.0);
    let sum: f64 = (start..end).map(weight).sum();
    let mut counted = start..end;
    while counted.len() > 1 && weight(counted.start) == 0.0 {
        counted.start += 1;
    }
    while counted.len() > 1 && weight(counted.end - 1) == 0.0 {
        counted.end -= 1;
    }
    (counted.start, counted.map(|pixel| (weight(pixel) / sum) as f32).collect())
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
    let taps = Taps::of(columns);
    let new_stride = taps.starts.len() * CHANNELS;
    let mut new = vec![0; rows.len() * new_stride];
    // Each level is read for several new pixels: it becomes a float once.
    let mut floats = vec![0.0f32; stride];
    for (place, line) in new.chunks_exact_mut(new_stride).zip(old.chunks_exact(stride)) {
        floats.iter_mut().zip(line).for_each(|(float, &level)| *float = f32::from(level));
        let (pixels, _) = floats.as_chunks::<CHANNELS>();
        let (places, _) = place.as_chunks_mut::<CHANNELS>();
        for (place, (start, weights)) in places.iter_mut().zip(taps.iter()) {
            *place = weighted_pixel(&pixels[start..], weights);
        }
    }
    Lines { values: Cow::Owned(new), stride: new_stride, offset: 0 }
}

fn weighted_pixel(pixels: &[[f32; CHANNELS]], weights: &[f32]) -> [u8; CHANNELS] {
    // A half, so that cutting off the fraction rounds.
    let mut sums = [0.5f32; CHANNELS];
    for (pixel, weight) in pixels.iter().zip(weights) {
        for (sum, level) in sums.iter_mut().zip(pixel) {
            *sum += weight * level;
        }
    }
    sums.map(|sum| sum as u8)
}

/// `place` = the weighted sum of the lines from number `start` on.
fn weighted_line(
    lines: &Lines<'_>,
    start: usize,
    weights: &[f32],
    sums: &mut [f32],
    place: &mut [u8],
) {
    if weights.len() == 1 {
        let line = lines.line(start, place.len());
        place.copy_from_slice(line);
        return;
    }
    sums.fill(0.5);
    for (number, &weight) in weights.iter().enumerate() {
        for (sum, &value) in sums.iter_mut().zip(lines.line(start + number, place.len())) {
            *sum += weight * f32::from(value);
        }
    }
    for (value, &sum) in place.iter_mut().zip(sums.iter()) {
        *value = sum as u8;
    }
}
