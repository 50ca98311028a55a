//! RoIAlign as an embedding bag: the pixels of the channels-last maps are the rows of a table
//! `[N * H * W, C]`, a bin is a bag of rows, and the weights of its taps are the per-sample
//! weights.
//!
//! Source: Mask R-CNN section 3. Autograd gives the gradient with respect to the features, and it
//! runs wherever libtorch does. The table is a view of features that are channels-last in memory,
//! and a copy of others.
//!
//! Difference from torchvision: float32 rounding; on CUDA the gradient is summed without atomics.

use crate::kernel::{MapShape, check_images};
use crate::{Roi, RoiAlignConfig, RoiAlignError};
use rayon::prelude::*;
use tch::Tensor;

/// `mode` of `embedding_bag` for a sum.
const SUM: i64 = 0;

/// The crops `[R, P, P, C]` of `rois` from one level, whose `features` are `[N, C, H, W]`.
pub(crate) fn forward(
    features: &Tensor,
    shape: &MapShape,
    rois: &[Roi],
    config: &RoiAlignConfig,
) -> Result<Tensor, RoiAlignError> {
    check_images(rois, shape.num_images)?;
    let channels = shape.channels as i64;
    let rows = (shape.num_images * shape.size.area()) as i64;
    let table = features.f_permute([0, 2, 3, 1])?.f_reshape([rows, channels])?;
    let pooled = config.pooled as i64;
    let crops_shape = [rois.len() as i64, pooled, pooled, channels];
    let bags = Bags::new(shape, rois, config)?;
    if bags.pixels.is_empty() {
        // Attached to the graph all the same: a sum over no row, spread over the bins.
        let nothing = table.f_narrow(0, 0, 0)?.f_sum_dim_intlist(0, true, table.kind())?;
        return Ok(nothing
            .f_expand([pooled * pooled * crops_shape[0], channels], false)?
            .f_reshape(crops_shape)?);
    }
    let on_device = |tensor: Tensor| tensor.f_to_device(features.device());
    let (crops, ..) = Tensor::f_embedding_bag(
        &table,
        &on_device(Tensor::f_from_slice(&bags.pixels)?)?,
        &on_device(Tensor::f_from_slice(&bags.starts)?)?,
        /* scale_grad_by_freq */ false,
        SUM,
        /* sparse */ false,
        Some(on_device(Tensor::f_from_slice(&bags.weights)?)?.f_to_kind(features.kind())?),
        /* include_last_offset */ false,
    )?;
    Ok(crops.f_view(crops_shape)?)
}

/// The taps of all bins one after another. Half the bytes of torch's usual 64-bit indices.
#[derive(Default)]
struct Bags {
    /// Rows of the table.
    pixels: Vec<i32>,
    weights: Vec<f32>,
    /// Where each bin's taps start.
    starts: Vec<i32>,
}

impl Bags {
    fn new(shape: &MapShape, rois: &[Roi], config: &RoiAlignConfig) -> Result<Self, RoiAlignError> {
        check_fits("pixels", shape.num_images * shape.size.area())?;
        let of_rois: Vec<Self> =
            rois.par_iter().map(|roi| Self::of_roi(shape, roi, config)).collect();
        check_fits("weights", of_rois.iter().map(|bags| bags.pixels.len()).sum())?;
        let mut all = Self::default();
        for bags in of_rois {
            let start = all.pixels.len() as i32;
            all.starts.extend(bags.starts.iter().map(|from| start + from));
            all.pixels.extend(bags.pixels);
            all.weights.extend(bags.weights);
        }
        Ok(all)
    }

    /// The bags of one RoI, whose numbers fit as [`check_fits`] has seen.
    fn of_roi(shape: &MapShape, roi: &Roi, config: &RoiAlignConfig) -> Self {
        let plan = shape.taps(roi, config);
        let first_pixel = roi.image * shape.size.area();
        let mut bags = Self::default();
        for bin in 0..config.pooled * config.pooled {
            bags.starts.push(bags.pixels.len() as i32);
            for tap in plan.bin(bin / config.pooled, bin % config.pooled) {
                bags.pixels.push((first_pixel + tap.pixel) as i32);
                bags.weights.push(tap.weight);
            }
        }
        bags
    }
}

fn check_fits(what: &'static str, found: usize) -> Result<(), RoiAlignError> {
    match i32::try_from(found) {
        Ok(_) => Ok(()),
        Err(_) => Err(RoiAlignError::TooLarge { what, found }),
    }
}
