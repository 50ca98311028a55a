//! RoIAlign as an embedding bag: the pixels of the channels-last maps of all levels are the rows of a
//! table `[rows, C]`, a bin is a bag of rows, and the weights of its taps are the per-sample weights.
//!
//! Source: Mask R-CNN section 3. Autograd gives the gradient with respect to the features, and it
//! runs wherever libtorch does. A bin's taps are the outer product of a list for each axis (plan.rs);
//! the lists are made here, and multiplied on the device of the features: a tenth of the bytes.
//! All lists of an axis are as long as the longest: with adaptive sampling one large RoI makes many
//! large bags. Letters: `R` RoIs, `P` bins a side, `T` taps of the longest list of an axis.
//!
//! Difference from torchvision: float32 rounding; on CUDA the gradient is summed without atomics.

use crate::kernel::MapShape;
use crate::plan::{AxisTaps, RoiTaps, Tap};
use crate::{Roi, RoiAlignConfig, RoiAlignError};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

/// `mode` of `embedding_bag` for a sum.
const SUM: i64 = 0;

/// The crops `[R, P, P, C]` of `rois`, each from the level at the same place in `levels`.
pub(crate) fn forward(
    pyramid: &[Tensor],
    shapes: &[MapShape],
    levels: &[usize],
    rois: &[Roi],
    config: &RoiAlignConfig,
) -> Result<Tensor, RoiAlignError> {
    let table = table(pyramid)?;
    let (rows, channels) = (table.size()[0], table.size()[1]);
    check_fits("pixels", rows as usize)?;
    let (num_rois, pooled) = (rois.len() as i64, config.pooled as i64);
    let crops_shape = [num_rois, pooled, pooled, channels];
    if rois.is_empty() || rows == 0 {
        // Attached to the graph all the same: a sum over no row, spread over the bins.
        let nothing = table.f_narrow(0, 0, 0)?.f_sum_dim_intlist(0, true, table.kind())?;
        let bins = [pooled * pooled * num_rois, channels];
        return Ok(nothing.f_expand(bins, false)?.f_reshape(crops_shape)?);
    }
    let Bags { pixels, weights, starts } = Bags::new(shapes, levels, rois, config, table.device())?;
    let weights = weights.f_to_kind(table.kind())?;
    let (crops, ..) = Tensor::f_embedding_bag(
        &table,
        &pixels,
        &starts,
        /* scale_grad_by_freq */ false,
        SUM,
        /* sparse */ false,
        Some(weights),
        /* include_last_offset */ false,
    )?;
    Ok(crops.f_view(crops_shape)?)
}

/// The pixels of all levels, image after image within a level. One level that is channels-last in
/// memory is not copied.
fn table(pyramid: &[Tensor]) -> Result<Tensor, RoiAlignError> {
    let mut tables = Vec::with_capacity(pyramid.len());
    for features in pyramid {
        let shape = features.size();
        let rows = shape[0] * shape[2] * shape[3];
        tables.push(features.f_permute([0, 2, 3, 1])?.f_reshape([rows, shape[1]])?);
    }
    match tables.as_slice() {
        [table] => Ok(table.shallow_clone()),
        tables => Ok(Tensor::f_cat(tables, 0)?),
    }
}

/// The taps of all bins one after another, as many for each. Half the bytes of torch's usual 64-bit
/// indices.
struct Bags {
    /// Rows of the table.
    pixels: Tensor,
    weights: Tensor,
    /// Where each bin's taps start.
    starts: Tensor,
}

impl Bags {
    fn new(
        shapes: &[MapShape],
        levels: &[usize],
        rois: &[Roi],
        config: &RoiAlignConfig,
        device: Device,
    ) -> Result<Self, RoiAlignError> {
        let plan = |(roi, &level): (&Roi, &usize)| shapes[level].taps(roi, config);
        let plans: Vec<RoiTaps> = rois.par_iter().zip(levels).map(plan).collect();
        let first_rows = first_rows(shapes);
        // On a level without pixels one axis may have taps all the same. They weigh 0, but the row
        // they name has to be there.
        let is_empty = |place: usize| shapes[levels[place]].size.area() == 0;
        let row_of = |place: usize, y: usize| {
            let (level, image) = (levels[place], rois[place].image);
            let size = shapes[level].size;
            if is_empty(place) {
                0
            } else {
                first_rows[level] + image * size.area() + y * size.width
            }
        };
        let column_of = |place: usize, x: usize| if is_empty(place) { 0 } else { x };
        let lists_y = AxisLists::new(&plans, config.pooled, |plan| &plan.y, row_of);
        let lists_x = AxisLists::new(&plans, config.pooled, |plan| &plan.x, column_of);
        let num_bins = rois.len() * config.pooled * config.pooled;
        let taps_of_bin = lists_y.longest * lists_x.longest;
        check_fits("weights", num_bins * taps_of_bin)?;
        let [y, y_weights] = lists_y.on(device, |[r, p, t]| [r, p, 1, t, 1])?;
        let [x, x_weights] = lists_x.on(device, |[r, p, t]| [r, 1, p, 1, t])?;
        let [num_taps, taps_of_bin] = [num_bins * taps_of_bin, taps_of_bin].map(|n| n as i64);
        Ok(Self {
            pixels: y.f_add(&x)?.f_view(-1)?,
            weights: y_weights.f_mul(&x_weights)?.f_view(-1)?,
            starts: Tensor::f_arange_start_step(0, num_taps, taps_of_bin, (Kind::Int, device))?,
        })
    }
}

/// Where each level starts in the table.
fn first_rows(shapes: &[MapShape]) -> Vec<usize> {
    let mut next = 0;
    let mut start = |shape: &MapShape| {
        let start = next;
        next += shape.num_images * shape.size.area();
        start
    };
    shapes.iter().map(&mut start).collect()
}

/// The taps of each bin along one axis, `[R, P, T]`. Shorter lists end in weights of 0, at a pixel of the
/// RoI's own image: 0 times an infinite pixel of another would not be 0.
struct AxisLists {
    pixels: Vec<i32>,
    weights: Vec<f32>,
    /// `P`.
    pooled: usize,
    /// `T`.
    longest: usize,
}

impl AxisLists {
    /// `part` is what a pixel along the axis, of the RoI at a place, adds to the row of the table.
    fn new(
        plans: &[RoiTaps],
        pooled: usize,
        axis: fn(&RoiTaps) -> &AxisTaps,
        part: impl Fn(usize, usize) -> usize + Sync,
    ) -> Self {
        let bins = |plan| (0..pooled).map(move |bin| axis(plan).bin(bin));
        let longest_of = |plan| bins(plan).map(<[Tap]>::len).max().unwrap_or(0);
        let longest = plans.par_iter().map(longest_of).max().unwrap_or(0).max(1);
        let len = plans.len() * pooled * longest;
        let (mut pixels, mut weights) = (vec![0i32; len], vec![0.0f32; len]);
        let rois = pixels.par_chunks_exact_mut(pooled * longest);
        let rois = rois.zip(weights.par_chunks_exact_mut(pooled * longest)).zip(plans);
        rois.enumerate().for_each(|(place, ((pixels, weights), plan))| {
            let lists = pixels.chunks_exact_mut(longest).zip(weights.chunks_exact_mut(longest));
            for ((pixels, weights), taps) in lists.zip(bins(plan)) {
                // It fits: `check_fits` has seen all rows.
                let pixel = |tap: &Tap| part(place, tap.pixel) as i32;
                pixels.fill(taps.last().map_or(part(place, 0) as i32, pixel));
                for ((to, weight), tap) in pixels.iter_mut().zip(weights).zip(taps) {
                    (*to, *weight) = (pixel(tap), tap.weight);
                }
            }
        });
        Self { pixels, weights, pooled, longest }
    }

    /// Pixels and weights on a device, in the shape that `[R, P, T]` is seen as.
    fn on(
        &self,
        device: Device,
        seen_as: impl Fn([i64; 3]) -> [i64; 5],
    ) -> Result<[Tensor; 2], RoiAlignError> {
        let shape = seen_as([-1, self.pooled as i64, self.longest as i64]);
        let pixels = Tensor::f_from_slice(&self.pixels)?.f_view(shape)?;
        let weights = Tensor::f_from_slice(&self.weights)?.f_view(shape)?;
        Ok([pixels.f_to_device(device)?, weights.f_to_device(device)?])
    }
}

fn check_fits(what: &'static str, found: usize) -> Result<(), RoiAlignError> {
    match i32::try_from(found) {
        Ok(_) => Ok(()),
        Err(_) => Err(RoiAlignError::TooLarge { what, found }),
    }
}
