//! RoIAlign on slices for the CPU: forward, and backward with respect to the features.
//!
//! Source: Mask R-CNN section 3; torchvision `csrc/ops/cpu/roi_align_kernel.cpp`. Everything is
//! channels-last, features `[N, H, W, C]` and crops `[R, P, P, C]`, so that a pixel is a row of
//! `C` floats and the inner loops run along it.
//!
//! Results do not depend on the number of threads: forward gives each RoI to one thread, backward
//! some rows of a map, where it adds in the order of the RoIs.
//!
//! Difference from torchvision: float32 rounding, since it adds four pixels a sample and divides
//! by the number of samples at the end.

use crate::backward::{self, CropGradient};
use crate::plan::{Roi, RoiAlignConfig, RoiTaps};
use crate::{RoiAlignError, vector};
use kestrel_core::ImageSize;
use rayon::prelude::*;

/// Rows of a map whose RoIs are pooled one after another, from left to right.
const BAND: f32 = 16.0;

/// Shape of a batch of feature maps `[N, H, W, C]`, and their scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapShape {
    /// Number of images, `N`.
    pub num_images: usize,
    /// Height and width, `H W`.
    pub size: ImageSize,
    /// Number of channels, `C`.
    pub channels: usize,
    /// Pixels of the map for a pixel of the image: 1/4 for a map of stride 4.
    pub scale: f32,
}

impl MapShape {
    /// Number of values in all maps.
    pub const fn len(&self) -> usize {
        self.num_images * self.image_len()
    }

    /// Whether there is no value at all.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) const fn image_len(&self) -> usize {
        self.size.area() * self.channels
    }

    pub(crate) const fn crop_len(&self, config: &RoiAlignConfig) -> usize {
        config.pooled * config.pooled * self.channels
    }

    pub(crate) fn taps(&self, roi: &Roi, config: &RoiAlignConfig) -> RoiTaps {
        RoiTaps::new(&roi.bbox, self.scale, self.size, config)
    }
}

/// The crops of `rois` from `features` `[N, H, W, C]`, written to `crops` `[R, P, P, C]`.
///
/// # Errors
/// When a slice does not have the length of its shape, a RoI's image is not in the batch, or the
/// settings are empty.
pub fn forward(
    features: &[f32],
    shape: &MapShape,
    rois: &[Roi],
    config: &RoiAlignConfig,
    crops: &mut [f32],
) -> Result<(), RoiAlignError> {
    check(features.len(), shape, rois, config, crops.len())?;
    if crops.is_empty() {
        return Ok(());
    }
    let crops = crops.chunks_exact_mut(shape.crop_len(config)).zip(rois);
    let crops = crops.map(|(crop, roi)| Crop { features, shape, roi, crop }).collect();
    forward_crops(crops, config, Order::ChannelsLast);
    Ok(())
}

/// How the numbers of a crop follow each other in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// `[P, P, C]`.
    ChannelsLast,
    /// `[C, P, P]`.
    ChannelsFirst,
}

/// A RoI, the level it is pooled from, and the place of its crop. Nothing is checked any more.
pub(crate) struct Crop<'a> {
    /// `[N, H, W, C]` with at least one channel.
    pub(crate) features: &'a [f32],
    pub(crate) shape: &'a MapShape,
    pub(crate) roi: &'a Roi,
    /// As many floats as [`Order`] has in either form.
    pub(crate) crop: &'a mut [f32],
}

/// [`forward`] for RoIs of several levels in one parallel pass.
pub(crate) fn forward_crops(mut crops: Vec<Crop>, config: &RoiAlignConfig, order: Order) {
    // Neighbours share pixels: a third of the time is saved when they find them in the cache.
    crops.sort_by_key(Crop::place);
    kestrel_threads::for_each_init(crops, Vec::new, |pooled, crop| match order {
        Order::ChannelsLast => crop.forward(config),
        Order::ChannelsFirst => crop.forward_channels_first(config, pooled),
    });
}

impl Crop<'_> {
    /// Level, image, band of rows, column.
    fn place(&self) -> (u32, usize, i64, i64) {
        let scale = self.shape.scale;
        let band = (self.roi.bbox.y1 * scale / BAND) as i64;
        (scale.to_bits(), self.roi.image, band, (self.roi.bbox.x1 * scale) as i64)
    }

    /// `pooled` is memory for a crop.
    fn forward_channels_first(self, config: &RoiAlignConfig, pooled: &mut Vec<f32>) {
        let Self { features, shape, roi, crop } = self;
        pooled.resize(crop.len(), 0.0);
        Crop { features, shape, roi, crop: pooled }.forward(config);
        vector::transpose(pooled, shape.channels, crop);
    }

    fn forward(self, config: &RoiAlignConfig) {
        let image_len = self.shape.image_len();
        let image = &self.features[self.roi.image * image_len..][..image_len];
        let plan = self.shape.taps(self.roi, config);
        let mut taps = Vec::new();
        for (bin, sums) in self.crop.chunks_exact_mut(self.shape.channels).enumerate() {
            taps.clear();
            taps.extend(plan.bin(bin / config.pooled, bin % config.pooled));
            vector::weighted_sum(image, &taps, sums);
        }
    }
}

/// The gradient of [`forward`] with respect to the features, written to `features_grad`
/// `[N, H, W, C]`, where `crops_grad` is `[R, P, P, C]`.
///
/// # Errors
/// As [`forward`].
pub fn backward(
    crops_grad: &[f32],
    shape: &MapShape,
    rois: &[Roi],
    config: &RoiAlignConfig,
    features_grad: &mut [f32],
) -> Result<(), RoiAlignError> {
    check(features_grad.len(), shape, rois, config, crops_grad.len())?;
    if features_grad.is_empty() {
        return Ok(());
    }
    let crops: Vec<_> = crops_grad.chunks_exact(shape.crop_len(config)).zip(rois).collect();
    let plan = |&(crop_grad, roi)| CropGradient::new(crop_grad, shape, roi, config);
    let gradients: Vec<CropGradient> = crops.par_iter().map(plan).collect();
    backward::add_up(&gradients.iter().collect::<Vec<_>>(), shape, features_grad);
    Ok(())
}

fn check(
    features_len: usize,
    shape: &MapShape,
    rois: &[Roi],
    config: &RoiAlignConfig,
    crops_len: usize,
) -> Result<(), RoiAlignError> {
    config.check()?;
    check_images(rois, shape.num_images)?;
    check_len("features", features_len, shape.len())?;
    check_len("crops", crops_len, rois.len() * shape.crop_len(config))
}

/// Refuses the first RoI that lies in no image.
pub(crate) fn check_images(rois: &[Roi], num_images: usize) -> Result<(), RoiAlignError> {
    match rois.iter().position(|roi| roi.image >= num_images) {
        Some(roi) => Err(RoiAlignError::Image { roi, image: rois[roi].image, num_images }),
        None => Ok(()),
    }
}

fn check_len(what: &'static str, found: usize, expected: usize) -> Result<(), RoiAlignError> {
    if found != expected {
        return Err(RoiAlignError::Length { what, found, expected });
    }
    Ok(())
}
