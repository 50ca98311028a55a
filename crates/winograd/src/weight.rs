//! The weight at the points, in the order the products read it.

use crate::tile::{POINTS, SIDE};
use rayon::prelude::*;

/// Bytes of a line of the cache: a vector that lies across two of them takes twice as long to read.
const LINE: usize = 64;

/// `U`: for each panel of output channels and each point `[C, panel]`.
#[derive(Debug)]
pub(crate) struct Weight {
    values: Aligned,
    /// `C` and `K`.
    pub channels: [usize; 2],
    /// Output channels that are multiplied together.
    pub panel: usize,
}

impl Weight {
    /// From `[K, C, 3, 3]`, where `panel` divides `K`.
    pub fn new(weight: &[f32], channels: [usize; 2], panel: usize) -> Self {
        let [channels_in, channels_out] = channels;
        let mut values = Aligned::default();
        let to = values.of(SIDE * SIDE * channels_in * channels_out);
        let panels = to.par_chunks_mut(SIDE * SIDE * channels_in * panel);
        panels.zip(weight.par_chunks(panel * channels_in * 9)).for_each(|(to, weight)| {
            // Channel by channel: its row of the panel is written for each point while it is near.
            for channel in 0..channels_in {
                for (lane, kernels) in weight.chunks_exact(channels_in * 9).enumerate() {
                    let kernel = &kernels.as_chunks::<9>().0[channel];
                    for (point, value) in at_points(kernel).into_iter().enumerate() {
                        to[(point * channels_in + channel) * panel + lane] = value;
                    }
                }
            }
        });
        Self { values, channels, panel }
    }

    /// The panel that begins with output channel `first`: 36 times `[C, panel]`.
    pub fn panel(&self, first: usize) -> &[f32] {
        let length = SIDE * SIDE * self.channels[0] * self.panel;
        &self.values.get()[first / self.panel * length..][..length]
    }
}

/// `G g Gᵀ`, in double precision: it is done once, and every digit lost here is lost in every sum.
fn at_points(kernel: &[f32; 9]) -> [f32; SIDE * SIDE] {
    let lines = kernel.as_chunks::<3>().0;
    let rows = [0, 1, 2].map(|row| line_at_points(lines[row].map(f64::from)));
    let mut values = [0.0; SIDE * SIDE];
    for column in 0..SIDE {
        let down = line_at_points([0, 1, 2].map(|row| rows[row][column]));
        for (row, value) in down.into_iter().enumerate() {
            values[row * SIDE + column] = value as f32;
        }
    }
    values
}

/// The polynomial with these coefficients at each point, over the product of the point's distances to
/// the others; at infinity its first coefficient.
fn line_at_points(line: [f64; 3]) -> [f64; SIDE] {
    let at = |index: usize| {
        let point = POINTS[index];
        let others = POINTS.iter().enumerate().filter(|(other, _)| *other != index);
        let distances: f64 = others.map(|(_, other)| point - other).product();
        (line[0] + point * (line[1] + point * line[2])) / distances
    };
    [at(0), at(1), at(2), at(3), at(4), line[2]]
}

/// Floats that begin with a line of the cache, kept to be used again.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    values: Vec<f32>,
    length: usize,
}

impl Aligned {
    /// This many of them, of unspecified values.
    pub fn of(&mut self, length: usize) -> &mut [f32] {
        let spare = LINE / size_of::<f32>();
        if self.values.len() < length + spare {
            self.values = vec![0.0; length + spare];
        }
        self.length = length;
        let start = self.start();
        &mut self.values[start..start + length]
    }

    fn get(&self) -> &[f32] {
        &self.values[self.start()..][..self.length]
    }

    fn start(&self) -> usize {
        self.values.as_ptr().align_offset(LINE).min(LINE / size_of::<f32>())
    }
}
