//! The backward pass on slices: from the gradients of crops to that of one level.
//!
//! A bin's weights are an outer product, so a row of bins is spread along x once, and the result
//! added to each row of the map it touches: `C` floats `3 P + 3 W'` times instead of `9 P`, where
//! `W'` is the RoI's width on the map. Letters as in the kernel.

use crate::kernel::MapShape;
use crate::plan::{Roi, RoiAlignConfig, RoiTaps};
use crate::vector;
use std::ops::Range;

/// Rows of a map that one task adds up: few enough for threads to share the finest level of one
/// image, many enough that most RoIs lie within one or two.
const BAND: usize = 16;
/// Columns of a tile: with 256 channels it has 1 MB, and the second cache holds it.
const TILE_COLUMNS: usize = 64;

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

    fn meets(&self, tile: &Tile) -> bool {
        self.image == tile.image
            && meet(&self.rows, &tile.rows)
            && meet(&self.columns, &tile.columns)
    }

    /// Adds the part that falls into the tile. `spread` is memory for a row.
    fn add_to(&self, tile: &mut Tile, spread: &mut Vec<f32>) {
        let channels = self.crop_grad.len() / (self.pooled * self.pooled);
        let columns =
            self.columns.start.max(tile.columns.start)..self.columns.end.min(tile.columns.end);
        let bin_rows = self.crop_grad.chunks_exact(self.pooled * channels);
        for (bin_y, bins_grad) in bin_rows.enumerate() {
            let taps =
                || self.plan.y.bin(bin_y).iter().filter(|tap| tile.rows.contains(&tap.pixel));
            if taps().next().is_some() {
                self.spread_along_x(bins_grad, channels, &columns, spread);
            }
            for tap in taps() {
                let first = (tap.pixel - tile.rows.start) * tile.columns.len() + columns.start
                    - tile.columns.start;
                let row_grad = &mut tile.values[first * channels..][..spread.len()];
                vector::add_scaled(row_grad, tap.weight, spread);
            }
        }
    }

    /// A row of bins `[P, C]`, spread over these columns.
    fn spread_along_x(
        &self,
        bins_grad: &[f32],
        channels: usize,
        columns: &Range<usize>,
        spread: &mut Vec<f32>,
    ) {
        spread.clear();
        spread.resize(columns.len() * channels, 0.0);
        for (bin_x, bin_grad) in bins_grad.chunks_exact(channels).enumerate() {
            for tap in self.plan.x.bin(bin_x).iter().filter(|tap| columns.contains(&tap.pixel)) {
                let start = (tap.pixel - columns.start) * channels;
                vector::add_scaled(&mut spread[start..start + channels], tap.weight, bin_grad);
            }
        }
    }
}

/// Some rows and columns of the gradient of an image's map.
struct Tile<'a> {
    image: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    /// `[rows, columns, C]`.
    values: &'a mut [f32],
}

impl Tile<'_> {
    /// Sets it to the sum of what falls into it, in the order of the RoIs.
    fn fill(&mut self, gradients: &[&CropGradient], spread: &mut Vec<f32>) {
        self.values.fill(0.0);
        for gradient in gradients {
            if gradient.meets(self) {
                gradient.add_to(self, spread);
            }
        }
    }
}

/// Writes the sum of all gradients to `features_grad` `[N, H, W, C]`. Every RoI's image is in the
/// batch, and there is at least one value.
pub(crate) fn add_up(gradients: &[&CropGradient], shape: &MapShape, features_grad: &mut [f32]) {
    let row_len = shape.size.width * shape.channels;
    let of_image = |(image, grad)| {
        let bands = <[f32]>::chunks_mut(grad, BAND * row_len).enumerate();
        bands.map(move |(index, values)| {
            let rows = index * BAND..index * BAND + values.len() / row_len;
            Tile { image, rows, columns: 0..shape.size.width, values }
        })
    };
    let bands = features_grad.chunks_exact_mut(shape.image_len()).enumerate().flat_map(of_image);
    kestrel_threads::for_each_init(bands.collect(), Vec::new, |spread, mut band| {
        band.fill(gradients, spread);
    });
}

/// [`add_up`] to `features_grad` `[N, C, H, W]`. Tile after tile is added up where the cache holds it
/// and then turned round, so that memory sees the result alone.
pub(crate) fn add_up_channels_first(
    gradients: &[&CropGradient],
    shape: &MapShape,
    features_grad: &mut [f32],
) {
    let images = features_grad.chunks_exact_mut(shape.image_len()).enumerate();
    let bands = images.flat_map(|(image, grad)| {
        let bands = bands_of_planes(grad, shape).into_iter().enumerate();
        bands.map(move |(index, planes)| (image, index * BAND, planes))
    });
    let memory = || (Vec::new(), Vec::new());
    kestrel_threads::for_each_init(bands.collect(), memory, |(values, spread), band| {
        let (image, first_row, mut planes) = band;
        let width = shape.size.width;
        let rows = first_row..first_row + planes[0].len() / width;
        for first in (0..width).step_by(TILE_COLUMNS) {
            let columns = first..width.min(first + TILE_COLUMNS);
            let row_len = columns.len() * shape.channels;
            values.resize(rows.len() * row_len, 0.0);
            Tile { image, rows: rows.clone(), columns, values }.fill(gradients, spread);
            for (row, values) in values.chunks_exact(row_len).enumerate() {
                vector::transpose_to(values, &mut planes, row * width + first);
            }
        }
    });
}

/// For each band of rows its part of each channel's plane; `image_grad` is `[C, H, W]`.
fn bands_of_planes<'a>(image_grad: &'a mut [f32], shape: &MapShape) -> Vec<Vec<&'a mut [f32]>> {
    let mut bands: Vec<Vec<&mut [f32]>> = Vec::new();
    bands.resize_with(shape.size.height.div_ceil(BAND), Vec::new);
    for plane in image_grad.chunks_exact_mut(shape.size.area()) {
        for (band, rows) in bands.iter_mut().zip(plane.chunks_mut(BAND * shape.size.width)) {
            band.push(rows);
        }
    }
    bands
}

fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
