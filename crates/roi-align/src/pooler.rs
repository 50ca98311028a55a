//! Crops from the level of a feature pyramid that fits each box.
//!
//! Source: Lin et al., *Feature Pyramid Networks*, 2017, equation 1; torchvision `ops/poolers.py`
//! and `ops/roi_align.py`. Difference from torchvision: none known beyond those of the kernel and
//! the bag; a box whose area is negative or NaN goes to the finest level.

use crate::kernel::{self, Crop, MapShape, Order};
use crate::{Roi, RoiAlignConfig, RoiAlignError, bag, vector};
use kestrel_core::{BBox, ImageSize};
use kestrel_slices as slices;
use tch::{Device, Kind, Tensor};

/// Side of the square box that belongs on [`CANONICAL_LEVEL`]: the input size of ImageNet models.
const CANONICAL_SIDE: f32 = 224.0;
/// Level of a box of [`CANONICAL_SIDE`]; level `k` has stride `2^k`.
const CANONICAL_LEVEL: f32 = 4.0;
/// Added before rounding down, so that a box on the edge goes up in spite of float32.
const LEVEL_EPS: f32 = 1e-6;

/// How crops are computed. Both give the same numbers to float32 rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The Rust kernel: float32 features on the CPU, no gradients. Channels-last features are read
    /// where they are, others are copied first.
    Kernel,
    /// libtorch's embedding bag: any device, with gradients.
    Bag,
}

impl Route {
    /// The fastest route that is right for such features.
    pub fn suited_to(features: &Tensor) -> Self {
        match kernel_refuses(features) {
            Some(_) => Self::Bag,
            None => Self::Kernel,
        }
    }
}

/// The crops of `rois` from one batch of feature maps.
///
/// `features` is `[N, C, H, W]`, `scale` its pixels for a pixel of the image. The crops are
/// `[R, C, P, P]` in the order of `rois`, channels-last in memory.
///
/// # Errors
/// When shapes, settings or RoIs do not fit, or the route cannot serve these features.
pub fn roi_align(
    features: &Tensor,
    rois: &[Roi],
    scale: f32,
    config: &RoiAlignConfig,
    route: Route,
) -> Result<Tensor, RoiAlignError> {
    pool_levels(std::slice::from_ref(features), &[scale], &vec![0; rois.len()], rois, config, route)
}

/// RoIAlign on a feature pyramid.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiLevelPooler {
    /// Size and sampling of the crops.
    pub config: RoiAlignConfig,
    /// Pixels of each level for a pixel of the image, finest first, each half of the one before.
    pub scales: Vec<f32>,
}

impl MultiLevelPooler {
    /// torchvision's pooler on P2 to P5: two samples a side, not aligned, strides 4 to 32.
    pub fn detector(pooled: usize) -> Self {
        let scales = vec![1.0 / 4.0, 1.0 / 8.0, 1.0 / 16.0, 1.0 / 32.0];
        Self { config: RoiAlignConfig::detector(pooled), scales }
    }

    /// The crops of `rois`, each from its level.
    ///
    /// ```no_run
    /// # fn crops(pyramid: &[tch::Tensor], proposals: &[Vec<kestrel_core::BBox>])
    /// #     -> Result<tch::Tensor, kestrel_roi_align::RoiAlignError> {
    /// use kestrel_roi_align::{MultiLevelPooler, Roi, Route};
    /// let rois = Roi::of_images(proposals);
    /// MultiLevelPooler::detector(7).pool(pyramid, &rois, Route::suited_to(&pyramid[0]))
    /// # }
    /// ```
    ///
    /// `pyramid` holds one `[N, C, H, W]` for each scale. The crops are `[R, C, P, P]` in the
    /// order of `rois`, channels-last in memory (`[R, P, P, C]`): a fully connected layer on them
    /// wants its weight columns in that order, or a copy.
    ///
    /// # Errors
    /// When shapes, settings or RoIs do not fit, or the route cannot serve these features.
    pub fn pool(
        &self,
        pyramid: &[Tensor],
        rois: &[Roi],
        route: Route,
    ) -> Result<Tensor, RoiAlignError> {
        pool_levels(pyramid, &self.scales, &self.levels(rois), rois, &self.config, route)
    }

    pub(crate) fn levels(&self, rois: &[Roi]) -> Vec<usize> {
        rois.iter().map(|roi| self.level(&roi.bbox)).collect()
    }

    /// The level a box is pooled from, as a place in the pyramid: equation 1 of the paper.
    pub fn level(&self, bbox_in_resized: &BBox) -> usize {
        let finest = self.scales.first().map_or(0.0, |scale| -scale.log2().round());
        let coarsest = finest + self.scales.len().saturating_sub(1) as f32;
        let side = bbox_in_resized.area().sqrt();
        let level = (CANONICAL_LEVEL + (side / CANONICAL_SIDE).log2() + LEVEL_EPS).floor();
        // `clamp` would keep NaN.
        (level.max(finest).min(coarsest) - finest) as usize
    }
}

/// The crops of each RoI from the level at the same place in `levels`.
fn pool_levels(
    pyramid: &[Tensor],
    scales: &[f32],
    levels: &[usize],
    rois: &[Roi],
    config: &RoiAlignConfig,
    route: Route,
) -> Result<Tensor, RoiAlignError> {
    config.check()?;
    let shapes = map_shapes(pyramid, scales)?;
    let num_images = shapes.first().map_or(0, |shape| shape.num_images);
    kernel::check_images(rois, num_images)?;
    let crops = match route {
        Route::Kernel => {
            if let Some(refusal) = pyramid.iter().find_map(kernel_refuses) {
                return Err(refusal);
            }
            pool_by_kernel(&channels_last(pyramid)?, &shapes, levels, rois, config)?
        }
        Route::Bag => bag::forward(pyramid, &shapes, levels, rois, config)?,
    };
    Ok(crops.f_permute([0, 3, 1, 2])?)
}

/// Each map as `[N, H, W, C]`, a copy unless it lies in memory so.
pub(crate) fn channels_last(pyramid: &[Tensor]) -> Result<Vec<Tensor>, RoiAlignError> {
    pyramid.iter().map(map_channels_last).collect()
}

/// libtorch's own copy of a contiguous map takes several times as long.
fn map_channels_last(map: &Tensor) -> Result<Tensor, RoiAlignError> {
    let last = map.f_permute([0, 2, 3, 1])?;
    let values = slices::values(map).filter(|_| !last.is_contiguous());
    let Some(values) = values else { return Ok(last.f_contiguous()?) };
    let shape = last.size();
    let num_pixels = (shape[1] * shape[2]) as usize;
    let image_len = num_pixels * shape[3] as usize;
    Ok(slices::filled(&shape, |to| {
        let images = values.chunks_exact(image_len).zip(to.chunks_exact_mut(image_len));
        images.for_each(|(from, to)| vector::transpose_in_parallel(from, num_pixels, to));
    })?)
}

/// All levels `[N, H, W, C]` in one parallel pass over the RoIs; `[R, P, P, C]`.
fn pool_by_kernel(
    maps: &[Tensor],
    shapes: &[MapShape],
    levels: &[usize],
    rois: &[Roi],
    config: &RoiAlignConfig,
) -> Result<Tensor, RoiAlignError> {
    let shape = crops_shape(shapes, rois.len(), config);
    fill_by_kernel(maps, shapes, levels, rois, config, (&shape, Order::ChannelsLast))
}

/// The crops in the order given, as a tensor of the shape that goes with it.
pub(crate) fn fill_by_kernel(
    maps: &[Tensor],
    shapes: &[MapShape],
    levels: &[usize],
    rois: &[Roi],
    config: &RoiAlignConfig,
    (crops_shape, order): (&[i64], Order),
) -> Result<Tensor, RoiAlignError> {
    let maps: Vec<&[f32]> = maps
        .iter()
        .map(|map| slices::values(map).ok_or_else(|| kernel_error(map)))
        .collect::<Result<_, _>>()?;
    // Not 0, which no slice can be cut into: crops without channels are no values at all.
    let crop_len = crops_shape[1..].iter().product::<i64>().max(1) as usize;
    let crops = slices::filled(crops_shape, |values| {
        let crops = values.chunks_exact_mut(crop_len).zip(rois).zip(levels);
        let crops = crops.map(|((crop, roi), &level)| Crop {
            features: maps[level],
            shape: &shapes[level],
            roi,
            crop,
        });
        kernel::forward_crops(crops.collect(), config, order);
    })?;
    Ok(crops)
}

pub(crate) fn crops_shape(
    shapes: &[MapShape],
    num_rois: usize,
    config: &RoiAlignConfig,
) -> [i64; 4] {
    let channels = shapes.first().map_or(0, |shape| shape.channels);
    [num_rois, config.pooled, config.pooled, channels].map(|extent| extent as i64)
}

/// Why the kernel may not pool these features.
pub(crate) fn kernel_refuses(features: &Tensor) -> Option<RoiAlignError> {
    let on_cpu = features.device() == Device::Cpu;
    let fits = on_cpu && features.kind() == Kind::Float && !features.requires_grad();
    (!fits).then(|| kernel_error(features))
}

fn kernel_error(features: &Tensor) -> RoiAlignError {
    RoiAlignError::Kernel {
        kind: features.kind(),
        device: features.device(),
        requires_grad: features.requires_grad(),
    }
}

/// The shapes of a pyramid, which agree in images and channels.
pub(crate) fn map_shapes(
    pyramid: &[Tensor],
    scales: &[f32],
) -> Result<Vec<MapShape>, RoiAlignError> {
    if pyramid.len() != scales.len() || pyramid.is_empty() {
        let (found, expected) = (pyramid.len(), scales.len());
        return Err(RoiAlignError::NumLevels { found, expected });
    }
    let shapes: Vec<MapShape> = pyramid
        .iter()
        .zip(scales)
        .map(|(features, &scale)| map_shape(features, scale))
        .collect::<Result<_, _>>()?;
    let batch = |shape: &MapShape| (shape.num_images, shape.channels);
    match shapes.iter().position(|shape| batch(shape) != batch(&shapes[0])) {
        Some(level) => {
            let (found, expected) = (pyramid[level].size(), pyramid[0].size()[..2].to_vec());
            Err(RoiAlignError::LevelShape { level, found, expected })
        }
        None => Ok(shapes),
    }
}

fn map_shape(features: &Tensor, scale: f32) -> Result<MapShape, RoiAlignError> {
    let found = features.size();
    let [num_images, channels, height, width] = found[..] else {
        return Err(RoiAlignError::FeatureShape { found });
    };
    Ok(MapShape {
        num_images: num_images as usize,
        size: ImageSize::new(height as usize, width as usize),
        channels: channels as usize,
        scale,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: f32) -> BBox {
        BBox::new(10.0, 10.0, 10.0 + side, 10.0 + side)
    }

    /// Sides and levels `k` as torchvision's `LevelMapper` gives them.
    #[test]
    fn levels_are_those_of_equation_one() {
        let pooler = MultiLevelPooler::detector(7);
        let expected =
            [(112.0, 3), (111.0, 2), (223.9999, 4), (223.99, 3), (224.0, 4), (448.0, 5), (5e4, 5)];
        for (side, level) in expected {
            assert_eq!(pooler.level(&BBox::new(0.0, 0.0, side, side)), level - 2, "side {side}");
        }
        assert_eq!(pooler.level(&square(0.0)), 0);
        assert_eq!(pooler.level(&square(f32::NAN)), 0);
        assert_eq!(pooler.level(&BBox::new(9.0, 0.0, 1.0, 5.0)), 0);
        assert_eq!(pooler.level(&square(f32::INFINITY)), 3);
    }
}
