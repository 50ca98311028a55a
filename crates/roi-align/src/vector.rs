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

/// How a line is written: to the cache, which first reads the line it replaces...
const THROUGH_CACHE: bool = false;
/// ...or straight to memory, for what is too large to stay in the cache anyway: 512 RoIs both ways take
/// 38 ms instead of 47.
const PAST_CACHE: bool = true;

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
    if !to.is_empty() {
        let mut to = columns_of(to, from.len() / columns.max(1));
        transpose_columns::<THROUGH_CACHE>(from, columns, 0, &mut to, 0);
    }
}

/// The same with each column in a place of its own, `to[c][start + r] = from[r, c]`, as a part of a map
/// that is larger than the cache.
pub(crate) fn transpose_to(from: &[f32], to: &mut [&mut [f32]], start: usize) {
    if !to.is_empty() {
        transpose_columns::<PAST_CACHE>(from, to.len(), 0, to, start);
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
            let first = stripe * STRIPE;
            transpose_columns::<PAST_CACHE>(from, columns, first, &mut columns_of(to, rows), 0);
        },
    );
}

fn columns_of(to: &mut [f32], rows: usize) -> Vec<&mut [f32]> {
    to.chunks_exact_mut(rows.max(1)).collect()
}

/// As many of `columns` columns as `to` has, from `first` on, to places from `start` on.
fn transpose_columns<const WAY: bool>(
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
            write_line::<WAY>(&mut column[start + line * LINE..][..LINE], &values);
        }
    }
    for (row, values) in (rest_start..).zip(rest.chunks_exact(columns)) {
        for (column, value) in to.iter_mut().zip(&values[first..]) {
            column[start + row] = *value;
        }
    }
    if WAY == PAST_CACHE {
        lines_are_written();
    }
}

#[inline(always)]
fn write_line<const WAY: bool>(to: &mut [f32], values: &[f32; LINE]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if WAY == PAST_CACHE && to.len() == LINE && to.as_ptr().addr().is_multiple_of(16) {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        for four in (0..LINE).step_by(4) {
            // SAFETY: both have `LINE` floats, a multiple of four, and `to` is aligned to 16 bytes, as
            // was just checked; `lines_are_written` comes before anyone reads them.
            unsafe {
                let values = _mm_loadu_ps(values.as_ptr().add(four));
                _mm_stream_ps(to.as_mut_ptr().add(four), values);
            }
        }
        return;
    }
    to.copy_from_slice(values);
}

/// Lines that were written past the cache are there for other threads.
fn lines_are_written() {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: it needs SSE, which every x86-64 processor has.
    unsafe {
        std::arch::x86_64::_mm_sfence();
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
            let expected = |place| (place % rows * columns + place / rows) as f32;
            assert!((0..to.len()).map(expected).eq(to.iter().copied()), "{rows}, {columns}");
            to.fill(-1.0);
            transpose_in_parallel(&from, columns, &mut to);
            assert!((0..to.len()).map(expected).eq(to), "{rows}, {columns}, by all threads");
        }
    }

    /// Places that are aligned and others, with something before and after.
    #[test]
    fn columns_lie_anywhere() {
        let from: Vec<f32> = (0..35 * 3).map(|at| at as f32).collect();
        for start in 0..18 {
            let mut columns = vec![vec![-1.0; 60]; 3];
            let mut places: Vec<&mut [f32]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
            transpose_to(&from, &mut places, start);
            for (column, values) in columns.iter().enumerate() {
                for (place, &value) in values.iter().enumerate() {
                    let row = place.wrapping_sub(start);
                    let expected = if row < 35 { (row * 3 + column) as f32 } else { -1.0 };
                    assert_eq!(value, expected, "start {start}, column {column}, place {place}");
                }
            }
        }
    }
}
