//! The products of channels at one point: `M [T, panel] = V [T, C] U [C, panel]`.

use pulp::Simd;

/// Tiles that are multiplied together. With four vectors of a panel that is 24 sums, and 24 of 32
/// registers; with two, 12 of 16.
const ROWS: usize = 6;

/// Vectors of a panel: what leaves room for a row of the weight and a value of the input.
pub(crate) const fn vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// All tiles of `v` `[T, C]`.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const VECTORS: usize>(
    simd: S,
    v: &[f32],
    channels: usize,
    u: &[S::f32s],
    m: &mut [S::f32s],
) {
    let tiles = v.chunks(ROWS * channels).zip(m.chunks_mut(ROWS * VECTORS));
    for (v, m) in tiles {
        match m.len() / VECTORS {
            ROWS => multiply_rows::<S, ROWS, VECTORS>(simd, v, channels, u, m),
            5 => multiply_rows::<S, 5, VECTORS>(simd, v, channels, u, m),
            4 => multiply_rows::<S, 4, VECTORS>(simd, v, channels, u, m),
            3 => multiply_rows::<S, 3, VECTORS>(simd, v, channels, u, m),
            2 => multiply_rows::<S, 2, VECTORS>(simd, v, channels, u, m),
            _ => multiply_rows::<S, 1, VECTORS>(simd, v, channels, u, m),
        }
    }
}

/// The sums stay in registers until they are whole.
#[inline(always)]
fn multiply_rows<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    v: &[f32],
    channels: usize,
    u: &[S::f32s],
    m: &mut [S::f32s],
) {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &v[row * channels..][..channels]);
    for (channel, u) in u.as_chunks::<VECTORS>().0.iter().enumerate() {
        for row in 0..ROWS {
            let value = simd.splat_f32s(rows[row][channel]);
            for vector in 0..VECTORS {
                sums[row][vector] = simd.mul_add_f32s(value, u[vector], sums[row][vector]);
            }
        }
    }
    for (m, sums) in m.as_chunks_mut::<VECTORS>().0.iter_mut().zip(sums) {
        *m = sums;
    }
}
