//! The convolutions of the region proposal network, shared by all levels.

use crate::anchors::Anchors;
use kestrel_layers::{Activation, Conv2d, ConvConfig, ConvNorm, Mode, Preparation, full};
use tch::Tensor;
use tch::nn::{Init, Path};

/// Every convolution starts with this spread and without bias.
const INIT: Init = Init::Randn { mean: 0.0, stdev: 0.01 };

/// `conv`, then `cls_logits` and `bbox_pred`.
#[derive(Debug)]
pub struct RpnHead {
    conv: Vec<ConvNorm>,
    cls_logits: Conv2d,
    bbox_pred: Conv2d,
}

/// What the head says of every anchor, in the anchors' order.
#[derive(Debug)]
pub struct RpnOutput {
    /// The anchors.
    pub anchors: Anchors,
    /// For each level `[N, H * W * A]`.
    pub logits: Vec<Tensor>,
    /// For each level `[N, H * W * A, 4]`.
    pub deltas: Vec<Tensor>,
}

impl RpnHead {
    /// Registers the parameters under `path`.
    pub fn new(path: &Path, channels: i64, anchors_per_position: usize, convs: usize) -> Self {
        let conv = |index: usize| {
            let path = path / "conv" / index;
            let config = ConvConfig::same(3, INIT);
            ConvNorm::new(&path, [channels; 2], config, None, Activation::Relu)
        };
        let anchors = anchors_per_position as i64;
        let predictor = |name: &str, outputs| {
            Conv2d::new(&(path / name), channels, outputs, ConvConfig::same(1, INIT))
        };
        Self {
            conv: (0..convs).map(conv).collect(),
            cls_logits: predictor("cls_logits", anchors),
            bbox_pred: predictor("bbox_pred", 4 * anchors),
        }
    }

    /// Runs over every level `[N, C, H, W]`.
    pub fn forward(&self, pyramid: &[Tensor], anchors: Anchors) -> RpnOutput {
        let (mut logits, mut deltas) = (Vec::new(), Vec::new());
        for level in pyramid {
            let first = level.shallow_clone();
            let x = self.conv.iter().fold(first, |x, conv| conv.forward(&x, Mode::Eval));
            // From channels to rows, columns, anchors: a view where the maps are channels-last.
            let rows = |map: Tensor| full(&map).permute([0, 2, 3, 1]).flatten(1, -1);
            logits.push(rows(self.cls_logits.forward(&x)));
            let coded = rows(self.bbox_pred.forward(&x));
            deltas.push(coded.view([coded.size()[0], -1, 4]));
        }
        RpnOutput { anchors, logits, deltas }
    }

    /// Prepares every convolution for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.conv.iter_mut().for_each(|layer| layer.prepare(how));
        self.cls_logits.prepare(how);
        self.bbox_pred.prepare(how);
    }
}
