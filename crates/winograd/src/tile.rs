//! Tiles: from pixels to points and back.
//!
//! With points 0, ±a, ±b and infinity the matrices of Toom and Cook are products of differences, and
//! points of opposite sign share theirs.
//!
//! Loops are written out where a closure around vectors would not become part of the code that knows
//! them: with `array::from_fn` a convolution took 160 ms instead of 93.
#![allow(clippy::needless_range_loop)]

use pulp::Simd;

/// Pixels of the output along a tile.
pub(crate) const TILE: usize = 4;
/// Pixels of the input along it, and points.
pub(crate) const SIDE: usize = 6;

/// The points, infinity apart. Powers of these two have few digits, so that constants are exact; with
/// them the error is a third of that with 1 and 2, the textbook's.
const A: f64 = 0.625;
const B: f64 = 1.5;
pub(crate) const POINTS: [f64; SIDE - 1] = [0.0, A, -A, B, -B];

/// The factors of both ways back and forth, in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Factors<S: Simd> {
    simd: S,
    a: [S::f32s; 3],
    b: [S::f32s; 3],
    minus_a2: S::f32s,
    minus_b2: S::f32s,
    a2_b2: S::f32s,
    minus_a2_b2_sum: S::f32s,
}

impl<S: Simd> Factors<S> {
    #[inline(always)]
    pub fn new(simd: S) -> Self {
        let all = |value: f64| simd.splat_f32s(value as f32);
        Self {
            simd,
            a: [all(A), all(A * A), all(A * A * A)],
            b: [all(B), all(B * B), all(B * B * B)],
            minus_a2: all(-A * A),
            minus_b2: all(-B * B),
            a2_b2: all(A * A * B * B),
            minus_a2_b2_sum: all(-A * A - B * B),
        }
    }

    /// `Bᵀ d B`: 6x6 pixels to 36 points. `pixel(row, column)`.
    #[inline(always)]
    pub fn to_points(
        self,
        pixel: impl Fn(usize, usize) -> S::f32s,
        mut point: impl FnMut(usize, S::f32s),
    ) {
        let mut half = [[self.simd.splat_f32s(0.0); SIDE]; SIDE];
        for column in 0..SIDE {
            let line = self.line_to_points([0, 1, 2, 3, 4, 5].map(|row| pixel(row, column)));
            for row in 0..SIDE {
                half[row][column] = line[row];
            }
        }
        for (row, line) in half.into_iter().enumerate() {
            for (column, value) in self.line_to_points(line).into_iter().enumerate() {
                point(row * SIDE + column, value);
            }
        }
    }

    /// `Aᵀ m A`: 36 points to 4x4 pixels.
    #[inline(always)]
    pub fn to_pixels(
        self,
        point: impl Fn(usize) -> S::f32s,
        mut pixel: impl FnMut(usize, usize, S::f32s),
    ) {
        let mut half = [[self.simd.splat_f32s(0.0); SIDE]; TILE];
        for column in 0..SIDE {
            let line = [0, 1, 2, 3, 4, 5].map(|row| point(row * SIDE + column));
            let line = self.line_to_pixels(line);
            for row in 0..TILE {
                half[row][column] = line[row];
            }
        }
        for (row, line) in half.into_iter().enumerate() {
            for (column, value) in self.line_to_pixels(line).into_iter().enumerate() {
                pixel(row, column, value);
            }
        }
    }

    #[inline(always)]
    fn line_to_points(self, d: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
        let Self { simd, minus_a2, minus_b2, a2_b2, minus_a2_b2_sum, .. } = self;
        let fused = |x, y, z| simd.mul_add_f32s(x, y, z);
        let pair = |factor, minus_other| {
            let even = fused(minus_other, d[2], d[4]);
            let odd = simd.mul_f32s(factor, fused(minus_other, d[1], d[3]));
            [simd.add_f32s(even, odd), simd.sub_f32s(even, odd)]
        };
        let [plus_a, minus_a] = pair(self.a[0], minus_b2);
        let [plus_b, minus_b] = pair(self.b[0], minus_a2);
        let zero = fused(a2_b2, d[0], fused(minus_a2_b2_sum, d[2], d[4]));
        let infinity = fused(a2_b2, d[1], fused(minus_a2_b2_sum, d[3], d[5]));
        [zero, plus_a, minus_a, plus_b, minus_b, infinity]
    }

    #[inline(always)]
    fn line_to_pixels(self, m: [S::f32s; SIDE]) -> [S::f32s; TILE] {
        let Self { simd, a, b, .. } = self;
        let (sum_a, difference_a) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
        let (sum_b, difference_b) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
        let both = |x, y, power: usize| simd.mul_add_f32s(a[power], x, simd.mul_f32s(b[power], y));
        [
            simd.add_f32s(m[0], simd.add_f32s(sum_a, sum_b)),
            both(difference_a, difference_b, 0),
            both(sum_a, sum_b, 1),
            simd.add_f32s(both(difference_a, difference_b, 2), m[5]),
        ]
    }
}
