//! Crops whose gradient flows back by the kernel instead of by autograd.
//!
//! `tch` has no way to give an operation of ours a gradient. But a backward pass may be done in two
//! parts: from the losses to the crops, which are leaves here, and from the pyramid, with the
//! gradient the crops leave there, to the parameters. Between the two the kernel does what autograd
//! would do with an embedding bag, for all crops at once and without a sort of its indices.

use crate::backward::{self, CropGradient};
use crate::kernel::{MapShape, Order, check_images};
use crate::pooler::{channels_last, crops_shape, fill_by_kernel, kernel_refuses, map_shapes};
use crate::{MultiLevelPooler, Roi, RoiAlignConfig, RoiAlignError, vector};
use kestrel_slices as slices;
use rayon::prelude::*;
use tch::Tensor;

/// A pyramid outside of the graph, and the crops that were taken from it.
#[derive(Debug)]
pub struct DetachedPyramid {
    /// `[N, H, W, C]`, one for each scale.
    maps: Vec<Tensor>,
    shapes: Vec<MapShape>,
    taken: Vec<Taken>,
}

#[derive(Debug)]
struct Taken {
    rois: Vec<Roi>,
    /// For each RoI.
    levels: Vec<usize>,
    config: RoiAlignConfig,
    /// `[R, C, P, P]`, a leaf.
    crops: Tensor,
}

impl DetachedPyramid {
    /// Of one `[N, C, H, W]` for each scale, float32 on the CPU.
    ///
    /// # Errors
    /// When shapes do not fit, or the kernel cannot read such features.
    pub fn new(pyramid: &[Tensor], scales: &[f32]) -> Result<Self, RoiAlignError> {
        let shapes = map_shapes(pyramid, scales)?;
        let detached: Vec<Tensor> = pyramid.iter().map(Tensor::detach).collect();
        match detached.iter().find_map(kernel_refuses) {
            Some(refusal) => Err(refusal),
            None => Ok(Self { maps: channels_last(&detached)?, shapes, taken: Vec::new() }),
        }
    }

    /// The crops `[R, C, P, P]` of `rois` as a leaf that gathers a gradient; contiguous, as autograd
    /// and torchvision have them.
    ///
    /// # Errors
    /// When settings or RoIs do not fit, or the pooler has other levels.
    pub fn crops(
        &mut self,
        pooler: &MultiLevelPooler,
        rois: &[Roi],
    ) -> Result<Tensor, RoiAlignError> {
        let (config, levels) = (pooler.config, pooler.levels(rois));
        config.check()?;
        check_images(rois, self.shapes[0].num_images)?;
        if pooler.scales.len() != self.shapes.len() {
            let (found, expected) = (self.shapes.len(), pooler.scales.len());
            return Err(RoiAlignError::NumLevels { found, expected });
        }
        let [num_rois, pooled, _, channels] = crops_shape(&self.shapes, rois.len(), &config);
        let order = (&[num_rois, channels, pooled, pooled][..], Order::ChannelsFirst);
        let crops = fill_by_kernel(&self.maps, &self.shapes, &levels, rois, &config, order)?;
        let crops = crops.set_requires_grad(true);
        let leaf = crops.shallow_clone();
        self.taken.push(Taken { rois: rois.to_vec(), levels, config, crops });
        Ok(leaf)
    }

    /// Gives the maps' memory back; no crops can be taken any more.
    pub fn release_maps(&mut self) {
        self.maps.clear();
    }

    /// What the gradients that the crops have gathered mean for each level, `[N, C, H, W]`; none for
    /// a level that no crop came from.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn gradient(self) -> Result<Vec<Option<Tensor>>, RoiAlignError> {
        let gathered: Vec<Option<Tensor>> =
            self.taken.iter().map(Taken::gathered).collect::<Result<_, _>>()?;
        let values = gathered
            .iter()
            .map(|gathered| gathered.as_ref().and_then(slices::values).unwrap_or_default());
        let crops: Vec<(usize, CropGradient)> = self
            .taken
            .iter()
            .zip(values)
            .flat_map(|(taken, values)| taken.gradients(values, &self.shapes))
            .collect();
        let of_level = |(level, shape): (usize, &MapShape)| {
            let here = crops.iter().filter(|(from, _)| *from == level);
            let here: Vec<&CropGradient> = here.map(|(_, gradient)| gradient).collect();
            (!here.is_empty()).then(|| level_gradient(&here, shape)).transpose()
        };
        self.shapes.iter().enumerate().map(of_level).collect()
    }
}

impl Taken {
    /// The crops' gradients as `[R, P, P, C]`; `None` where they have none.
    fn gathered(&self) -> Result<Option<Tensor>, RoiAlignError> {
        let grad = self.crops.grad();
        if !grad.defined() || grad.numel() == 0 {
            return Ok(None);
        }
        let grad = grad.f_contiguous()?;
        let Some(values) = slices::values(&grad) else { return Ok(None) };
        let crop_len = values.len() / self.rois.len();
        let bins = self.config.pooled * self.config.pooled;
        let gathered = slices::filled(&[values.len() as i64], |gathered| {
            let crops = gathered.chunks_exact_mut(crop_len).zip(values.chunks_exact(crop_len));
            kestrel_threads::for_each_init(
                crops.collect(),
                || (),
                |(), (crop, values)| {
                    vector::transpose(values, bins, crop);
                },
            );
        })?;
        Ok(Some(gathered))
    }

    /// Each crop's gradient with its level.
    fn gradients<'a>(
        &'a self,
        gathered: &'a [f32],
        shapes: &[MapShape],
    ) -> Vec<(usize, CropGradient<'a>)> {
        let config = &self.config;
        let crop_len = shapes[0].crop_len(config).max(1);
        let crops: Vec<_> =
            gathered.chunks_exact(crop_len).zip(&self.rois).zip(&self.levels).collect();
        let gradient = |&((grad, roi), &level): &((&'a [f32], &Roi), &usize)| {
            (level, CropGradient::new(grad, &shapes[level], roi, config))
        };
        crops.par_iter().map(gradient).collect()
    }
}

/// The sum of the crops' gradients on one level, `[N, C, H, W]`.
fn level_gradient(crops: &[&CropGradient], shape: &MapShape) -> Result<Tensor, RoiAlignError> {
    let MapShape { num_images, size, channels, .. } = *shape;
    let tensor_shape = [num_images, channels, size.height, size.width].map(|extent| extent as i64);
    Ok(slices::filled(&tensor_shape, |values| {
        if !values.is_empty() {
            backward::add_up_channels_first(crops, shape, values);
        }
    })?)
}
