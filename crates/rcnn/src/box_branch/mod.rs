//! The box branch: a crop of each proposal becomes class scores and a better box (Ren et al. 2015,
//! arXiv:1506.01497, on the pyramid as in the FPN paper, section 4.2).
//!
//! Source: `RoIHeads` in `torchvision/models/detection/roi_heads.py` and the heads in
//! `faster_rcnn.py`. Letters: `R` RoIs of the batch, `C` classes with the background at 0,
//! `P` pooled side. Differences: none known.

mod detect;
mod head;
mod loss;

pub use detect::Found;
pub(crate) use detect::detections;
pub use head::{BoxHead, BoxHeadConfig, BoxPredictions};
pub(crate) use loss::Training;

use crate::batch::{Batch, ResizedTarget};
use crate::matcher::MatcherConfig;
use crate::rpn::Proposals;
use crate::sampler::{Draw, SamplerConfig};
use kestrel_core::BBox;
use kestrel_layers::{Mode, Preparation, laid_out_for_training};
use kestrel_roi_align::{MultiLevelPooler, Roi, RoiAlignError, Route};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// The shape of the head and the rules of choosing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoxBranchConfig {
    /// Layers between crop and predictions.
    pub head: BoxHeadConfig,
    /// Side of a crop, `P`.
    pub pooled: usize,
    /// A detection's score has to be above this.
    pub score_thresh: f32,
    /// IoU above which the weaker of two detections of one class goes.
    pub nms_thresh: f64,
    /// Detections of an image, at most.
    pub max_detections: usize,
    /// When a proposal stands for an object.
    pub matcher: MatcherConfig,
    /// Proposals the losses are taken over.
    pub sampler: SamplerConfig,
}

impl Default for BoxBranchConfig {
    fn default() -> Self {
        Self {
            head: BoxHeadConfig::default(),
            pooled: 7,
            score_thresh: 0.05,
            nms_thresh: 0.5,
            max_detections: 100,
            matcher: MatcherConfig {
                foreground_iou: 0.5,
                background_iou: 0.5,
                allow_low_quality: false,
            },
            sampler: SamplerConfig { per_image: 512, positive_fraction: 0.25 },
        }
    }
}

/// Pooler, head, and the rules of choosing.
#[derive(Debug)]
pub struct BoxBranch {
    config: BoxBranchConfig,
    pooler: MultiLevelPooler,
    head: BoxHead,
}

impl BoxBranch {
    /// Registers `box_head` and `box_predictor` under `path`.
    pub fn new(path: &Path, channels: i64, num_classes: i64, config: &BoxBranchConfig) -> Self {
        Self {
            config: config.clone(),
            pooler: MultiLevelPooler::detector(config.pooled),
            head: BoxHead::new(path, channels, config.pooled as i64, num_classes, &config.head),
        }
    }

    /// The objects of each image, in resized pixels, by falling score.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled.
    pub fn detect(
        &self,
        pyramid: &[Tensor],
        proposals: &[Proposals],
        batch: &Batch,
    ) -> Result<Vec<Vec<Found>>, RoiAlignError> {
        let boxes: Vec<Vec<BBox>> =
            proposals.iter().map(|found| found.boxes_in_resized.clone()).collect();
        let predictions = self.predict(pyramid, &Roi::of_images(&boxes), Mode::Eval)?;
        Ok(detections(&self.config, &predictions, &boxes, &batch.resized))
    }

    /// Class logits and deltas of every RoI.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled.
    pub fn predict(
        &self,
        pyramid: &[Tensor],
        rois: &[Roi],
        mode: Mode,
    ) -> Result<BoxPredictions, RoiAlignError> {
        Ok(self.head.forward(&self.crops(pyramid, rois)?, mode))
    }

    /// The crops of the RoIs, `[R, channels, P, P]`.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled.
    pub fn crops(&self, pyramid: &[Tensor], rois: &[Roi]) -> Result<Tensor, RoiAlignError> {
        pool(&self.pooler, pyramid, rois)
    }

    /// Where the branch's crops come from.
    pub(crate) fn pooler(&self) -> &MultiLevelPooler {
        &self.pooler
    }

    /// Class logits and deltas from crops `[R, channels, P, P]`.
    pub(crate) fn predict_from(&self, crops: &Tensor, mode: Mode) -> BoxPredictions {
        self.head.forward(crops, mode)
    }

    /// Chooses proposals to train on.
    pub(crate) fn sample(
        &self,
        proposals: Vec<Proposals>,
        targets: &[ResizedTarget],
        draw: &mut Draw,
    ) -> Training {
        Training::new(&self.config, proposals, targets, draw)
    }

    /// Prepares the head for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.head.prepare(how);
    }
}

/// Crops from the levels that the pooler has scales for; the levels above serve proposals only.
pub(crate) fn pool(
    pooler: &MultiLevelPooler,
    pyramid: &[Tensor],
    rois: &[Roi],
) -> Result<Tensor, RoiAlignError> {
    let levels = pooled_levels(pooler, pyramid);
    let route = levels.first().map_or(Route::Bag, Route::suited_to);
    let crops = pooler.pool(levels, rois, route)?;
    Ok(if crops.requires_grad() { laid_out_for_training(&crops) } else { crops })
}

/// The levels that the pooler has scales for.
pub(crate) fn pooled_levels<'a>(pooler: &MultiLevelPooler, pyramid: &'a [Tensor]) -> &'a [Tensor] {
    &pyramid[..pooler.scales.len().min(pyramid.len())]
}
