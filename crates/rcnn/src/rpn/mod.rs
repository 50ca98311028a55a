//! Region proposal network (Ren et al. 2015, arXiv:1506.01497, section 3.1) on every level of a
//! pyramid.
//!
//! Source: `torchvision/models/detection/rpn.py`. Letters: `N` images, `L` levels, `A` anchors at
//! a position, `K` anchors of an image on all levels, `H W` size of a level.
//! Differences: anchors are decoded after the best are chosen, not before, and all choices are
//! made on plain numbers rather than tensors; the numbers are the same.

mod head;
mod loss;
mod proposals;
mod rows;

pub use head::{RpnHead, RpnOutput};

use crate::anchors::{AnchorConfig, Anchors};
use crate::batch::{Batch, map_size};
use crate::losses::RpnLosses;
use crate::matcher::MatcherConfig;
use crate::sampler::{Draw, SamplerConfig};
use kestrel_core::BBox;
use kestrel_layers::{Mode, Preparation};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// How many proposals survive each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalCounts {
    /// The best of each level, before suppression.
    pub before_nms_per_level: usize,
    /// The best of all levels together, after suppression.
    pub after_nms: usize,
}

/// The shape of the head and the rules of choosing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpnConfig {
    /// 3x3 convolutions before the predictions: 1, or 2 in torchvision's v2 models.
    pub convs: usize,
    /// Proposals kept while training.
    pub train: ProposalCounts,
    /// Proposals kept while detecting.
    pub detect: ProposalCounts,
    /// IoU above which the weaker of two proposals of one level goes.
    pub nms_thresh: f64,
    /// Objectness from which a proposal is kept.
    pub score_thresh: f32,
    /// When an anchor stands for an object.
    pub matcher: MatcherConfig,
    /// Anchors the losses are taken over.
    pub sampler: SamplerConfig,
}

impl Default for RpnConfig {
    fn default() -> Self {
        let counts = |count| ProposalCounts { before_nms_per_level: count, after_nms: count };
        Self {
            convs: 1,
            train: counts(2000),
            detect: counts(1000),
            nms_thresh: 0.7,
            score_thresh: 0.0,
            matcher: MatcherConfig {
                foreground_iou: 0.7,
                background_iou: 0.3,
                allow_low_quality: true,
            },
            sampler: SamplerConfig { per_image: 256, positive_fraction: 0.5 },
        }
    }
}

/// The proposals of one image, by falling score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposals {
    /// In resized pixels, clipped to the image.
    pub boxes_in_resized: Vec<BBox>,
    /// Objectness in `[0, 1]`, one for each box.
    pub scores: Vec<f32>,
    /// The anchor each box comes from, as its place among those of all levels.
    pub anchors: Vec<usize>,
}

/// Anchors, head and the rules of choosing.
#[derive(Debug)]
pub struct Rpn {
    anchors: AnchorConfig,
    config: RpnConfig,
    head: RpnHead,
}

impl Rpn {
    /// Registers the head's parameters under `path / head`.
    pub fn new(path: &Path, channels: i64, anchors: &AnchorConfig, config: &RpnConfig) -> Self {
        let head = RpnHead::new(&(path / "head"), channels, anchors.per_position(), config.convs);
        Self { anchors: anchors.clone(), config: config.clone(), head }
    }

    /// What the head says of every anchor.
    pub fn forward(&self, pyramid: &[Tensor], batch: &Batch) -> RpnOutput {
        let maps: Vec<_> = pyramid.iter().map(map_size).collect();
        let anchors = Anchors::new(&self.anchors, batch.padded(), &maps);
        self.head.forward(pyramid, anchors)
    }

    /// The best proposals of each image. Nothing here is part of the graph.
    pub fn propose(&self, output: &RpnOutput, batch: &Batch, mode: Mode) -> Vec<Proposals> {
        let counts = match mode {
            Mode::Train => self.config.train,
            Mode::Eval => self.config.detect,
        };
        proposals::best(&self.config, counts, output, &batch.resized)
    }

    /// Losses against the ground truth of a batch.
    pub fn losses(&self, output: &RpnOutput, batch: &Batch, draw: &mut Draw) -> RpnLosses {
        loss::losses(&self.config, output, &batch.targets, draw)
    }

    /// Prepares the head for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.head.prepare(how);
    }
}
