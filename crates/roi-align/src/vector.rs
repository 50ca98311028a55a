//! The kernel's inner loops, written for the compiler to vectorise. That of the forward pass is
//! compiled twice, for any processor and for AVX2.
//!
//! Measured on two x86-64 cores, 1000 RoIs of 256 channels: a quarter less time with AVX2, while
//! the backward pass waits for memory and gains nothing. Multiplications and additions stay apart
//! (no FMA), so that both versions give the same bits: results do not depend on the processor.
#![allow(unsafe_code)]

use crate::plan::Tap;

/// Channels summed at a time: what fits into half of the vector registers of any x86-64.
const BLOCK: usize = 32;

/// Columns that are turned round one after another: what is read of a row is some lines of the cache.
const STRIPE: usize = 512;
/// Rows that are turned round together: a whole line of the cache is written of each column. With
/// squares of 4 by 4 a map of 55 MB took 31 ms, so it takes 8.5; a mere copy takes 6.
const LINE: usize = 16;

/// For each channel the sum of the taps' pixels times their weights. `image` is `[H, W, C]`, where
/// `C` is the length of `sums`.
pub(crate) fn weighted_sum(image: &[f32], taps: &[Tap], sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2; the function is safe otherwise.
        return unsafe { weighted_sum_avx2(image, taps, sums) };
    }
    weighted_sum_anywhere(image, taps, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn weighted_sum_avx2(image: &[f32], taps: &[Tap], sums: &mut [f32]) {
    weighted_sum_anywhere(image, taps, sums);
}

// Always inlined, since only code within a `target_feature` function may use the feature.
#[inline(always)]
fn weighted_sum_anywhere(image: &[f32], taps: &[Tap], sums: &mut [f32]) {
    let channels = sums.len();
    let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
    let rest_start = channels - rest.len();
    for (block, sums) in blocks.iter_mut().enumerate() {
        let mut total = [0.0; BLOCK];
        for tap in taps {
            let pixel = &image[tap.pixel * channels + block * BLOCK..][..BLOCK];
            add_scaled(&mut total, tap.weight, pixel);
        }
        *sums = total;
    }
    rest.fill(0.0);
    for tap in taps {
        let pixel = &image[tap.pixel * channels + rest_start..][..rest.len()];
        add_scaled(rest, tap.weight, pixel);
    }
}

/// `sums += weight * values`, element by element.
#[inline(always)]
pub(crate) fn add_scaled(sums: &mut [f32], weight: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// Rows of `columns` floats become columns: `to[c, r] = from[r, c]`.
pub(crate) fn transpose(from: &[f32], columns: usize, to: &mut [f32]) {
    transpose_to(from, &mut columns_of(to, from.len() / columns.max(1)), 0);
}

/// The same with each column in a place of its own: `to[c][start + r] = from[r, c]`.
pub(crate) fn transpose_to(from: &[f32], to: &mut [&mut [f32]], start: usize) {
    if !to.is_empty() {
        transpose_columns(from, to.len(), 0, to, start);
    }
}

/// [`transpose`] by all threads, for whole maps.
pub(crate) fn transpose_in_parallel(from: &[f32], columns: usize, to: &mut [f32]) {
    let rows = from.len() / columns.max(1);
    let stripes = to.chunks_mut((STRIPE * rows).max(1)).enumerate().collect();
    kestrel_threads::for_each_init(
        stripes,
        || (),
        |(), (stripe, to)| {
            transpose_columns(from, columns, stripe * STRIPE, &mut columns_of(to, rows), 0);
        },
    );
}

fn columns_of(to: &mut [f32], rows: usize) -> Vec<&mut [f32]> {
    to.chunks_exact_mut(rows.max(1)).collect()
}

/// As many of `columns` columns as `to` has, from `first` on, to places from `start` on.
fn transpose_columns(
    from: &[f32],
    columns: usize,
    first: usize,
    to: &mut [&mut [f32]],
    start: usize,
) {
    let width = to.len();
    let lines = from.chunks_exact(LINE * columns);
    let (rest, rest_start) = (lines.remainder(), lines.len() * LINE);
    for (line, from) in lines.enumerate() {
        let rows: [&[f32]; LINE] =
            std::array::from_fn(|row| &from[row * columns + first..][..width]);
        for (at, column) in to.iter_mut().enumerate() {
            let values: [f32; LINE] = std::array::from_fn(|row| rows[row][at]);
            column[start + line * LINE..][..LINE].copy_from_slice(&values);
        }
    }
    for (row, values) in (rest_start..).zip(rest.chunks_exact(columns)) {
        for (column, value) in to.iter_mut().zip(&values[first..]) {
            column[start + row] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channels around the block length, so that blocks and rest are both there.
    #[test]
    fn both_versions_give_the_same_bits() {
        for channels in [1, 31, 32, 33, 100] {
            let image: Vec<f32> = (0..4 * channels).map(|i| (i as f32 * 0.37).sin()).collect();
            let taps = [(3, 0.3), (0, 0.1), (2, 0.7)].map(|(pixel, weight)| Tap { pixel, weight });
            let (mut here, mut anywhere) = (vec![9.0; channels], vec![7.0; channels]);
            weighted_sum(&image, &taps, &mut here);
            weighted_sum_anywhere(&image, &taps, &mut anywhere);
            assert_eq!(here, anywhere);
            let by_hand = |channel: usize| {
                let value = |tap: &Tap| tap.weight * image[tap.pixel * channels + channel];
                0.0 + value(&taps[0]) + value(&taps[1]) + value(&taps[2])
            };
            assert!((0..channels).map(by_hand).eq(here.iter().copied()));
        }
    }

    #[test]
    fn rows_become_columns() {
        for (rows, columns) in [(1, 1), (3, 16), (70, 131), (0, 4)] {
            let from: Vec<f32> = (0..rows * columns).map(|at| at as f32).collect();
            let mut to = vec![-1.0; from.len()];
            transpose(&from, columns, &mut to);
            let expected =
                (0..columns).flat_map(|c| (0..rows).map(move |r| (r * columns + c) as f32));
            assert!(expected.eq(to), "{rows} rows, {columns} columns");
        }
    }
}
