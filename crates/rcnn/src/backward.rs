//! Where crops come from in training, and how their gradient finds its way back.
//!
//! The plain way is autograd through an embedding bag, on any device. On the CPU a step is done in
//! two parts instead, with our own kernel between them ([`DetachedPyramid`]); the gradients are the
//! same to float32 rounding.

use crate::batch::Batch;
use crate::box_branch::{pool, pooled_levels};
use crate::losses::Losses;
use kestrel_roi_align::{DetachedPyramid, MultiLevelPooler, Roi, RoiAlignError};
use tch::{Device, Kind, Tensor};

/// The pyramid of a step in training, to take crops from.
#[derive(Debug)]
pub(crate) struct TrainingPyramid {
    levels: Vec<Tensor>,
    /// Where the backward pass is done in two parts.
    detached: Option<DetachedPyramid>,
}

/// Which way a step goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backward {
    /// All losses are attached to one graph.
    Whole,
    /// First to the crops, then from the pyramid.
    TwoParts,
}

impl Backward {
    /// The faster way that is right for such a batch.
    pub(crate) fn suited_to(batch: &Batch) -> Self {
        let on_cpu = batch.pixels.device() == Device::Cpu && batch.pixels.kind() == Kind::Float;
        if on_cpu { Self::TwoParts } else { Self::Whole }
    }
}

impl TrainingPyramid {
    /// `pooler` is that of one branch; all have the same scales.
    pub(crate) fn new(
        levels: Vec<Tensor>,
        pooler: &MultiLevelPooler,
        way: Backward,
    ) -> Result<Self, RoiAlignError> {
        let detach = || DetachedPyramid::new(pooled_levels(pooler, &levels), &pooler.scales);
        let detached = (way == Backward::TwoParts).then(detach).transpose()?;
        Ok(Self { levels, detached })
    }

    pub(crate) fn levels(&self) -> &[Tensor] {
        &self.levels
    }

    /// Crops `[R, C, P, P]`.
    pub(crate) fn crops(
        &mut self,
        pooler: &MultiLevelPooler,
        rois: &[Roi],
    ) -> Result<Tensor, RoiAlignError> {
        match &mut self.detached {
            Some(detached) => detached.crops(pooler, rois),
            None => pool(pooler, &self.levels, rois),
        }
    }

    /// Adds the gradients of `weight` times the total to those of the parameters. What is not needed any
    /// more is given back first: this is when a step takes the most memory.
    pub(crate) fn backward(self, losses: &Losses, weight: f64) -> Result<(), RoiAlignError> {
        let Some(mut detached) = self.detached else {
            (losses.total() * weight).backward();
            return Ok(());
        };
        detached.release_maps();
        (losses.of_branches() * weight).backward();
        // A sum of products with constants has just these constants as its gradient.
        let mut rest = losses.of_proposals() * weight;
        for (level, gradient) in self.levels.iter().zip(detached.gradient()?) {
            if let Some(gradient) = gradient {
                rest += level.reshape([-1]).dot(&gradient.reshape([-1]));
            }
        }
        // Where the proposal network and all below it are fixed, there is nothing more to do.
        if rest.requires_grad() {
            rest.backward();
        }
        Ok(())
    }
}
