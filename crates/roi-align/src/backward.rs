//! The backward pass on slices: from the gradients of crops to that of one level.
//!
//! A bin's weights are an outer product, so a row of bins is spread along x once, and the result
//! added to each row of the map it touches: `C` floats `3 P + 3 W'` times instead of `9 P`, where
//! `W'` is the RoI's width on the map. Letters as in the kernel.

use crate::kernel::MapShape;
use crate::plan::{Roi, RoiAlignConfig, RoiTaps};
use crate::vector;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a map that one task adds up: few enough for threads to share the finest level of one
/// image, many enough that most RoIs lie within one or two.
const BAND: usize = 16;

/// The gradient of one crop, and where it goes.
pub(crate) struct CropGradient<'a> {
    image: usize,
    plan: RoiTaps,
    pooled: usize,
    /// `[P, P, C]`.
    crop_grad: &'a [f32],
    /// Rows and columns of the map that the RoI touches.
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<'a> CropGradient<'a> {
    pub(crate) fn new(
        crop_grad: &'a [f32],
        shape: &MapShape,
        roi: &Roi,
        config: &RoiAlignConfig,
    ) -> Self {
        let plan = shape.taps(roi, config);
        let (rows, columns) = (plan.y.touched(), plan.x.touched());
        Self { image: roi.image, plan, pooled: config.pooled, crop_grad, rows, columns }
    }

    /// Adds the part that falls into the rows of `band`, which is `[rows, W, C]` and starts at row
    /// `first_row` of the map. `spread` is memory for a row.
    fn add_to(&self, band: &mut [f32], first_row: usize, row_len: usize, spread: &mut Vec<f32>) {
        let channels = self.crop_grad.len() / (self.pooled * self.pooled);
        let place = self.columns.start * channels..self.columns.end * channels;
        let rows = first_row..first_row + band.len() / row_len;
        let bin_rows = self.crop_grad.chunks_exact(self.pooled * channels);
        for (bin_y, bins_grad) in bin_rows.enumerate() {
            let taps = || self.plan.y.bin(bin_y).iter().filter(|tap| rows.contains(&tap.pixel));
            if taps().next().is_some() {
                self.spread_along_x(bins_grad, channels, spread);
            }
            for tap in taps() {
                let row_grad = &mut band[(tap.pixel - first_row) * row_len..][place.clone()];
                vector::add_scaled(row_grad, tap.weight, spread);
            }
        }
    }

    /// A row of bins `[P, C]`, spread over the columns the RoI touches.
    fn spread_along_x(&self, bins_grad: &[f32], channels: usize, spread: &mut Vec<f32>) {
        spread.clear();
        spread.resize(self.columns.len() * channels, 0.0);
        for (bin_x, bin_grad) in bins_grad.chunks_exact(channels).enumerate() {
            for tap in self.plan.x.bin(bin_x) {
                let start = (tap.pixel - self.columns.start) * channels;
                vector::add_scaled(&mut spread[start..start + channels], tap.weight, bin_grad);
            }
        }
    }
}

/// Adds all gradients to `features_grad` `[N, H, W, C]`. Every RoI's image is in the
/// batch, and there is at least one value.
pub(crate) fn add_up(gradients: &[&CropGradient], shape: &MapShape, features_grad: &mut [f32]) {
    let row_len = shape.size.width * shape.channels;
    let images = features_grad.par_chunks_exact_mut(shape.image_len()).enumerate();
    images.for_each(|(image, image_grad)| {
        let here: Vec<&CropGradient> =
            gradients.iter().copied().filter(|gradient| gradient.image == image).collect();
        let bands = image_grad.par_chunks_mut(BAND * row_len).enumerate();
        bands.for_each_init(Vec::new, |spread, (index, band)| {
            let first_row = index * BAND;
            let rows = first_row..first_row + band.len() / row_len;
            for gradient in here.iter().filter(|gradient| meet(&gradient.rows, &rows)) {
                gradient.add_to(band, first_row, row_len, spread);
            }
        });
    });
}

fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
