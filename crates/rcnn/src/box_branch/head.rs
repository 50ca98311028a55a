//! The layers of the box branch.

use kestrel_layers::{
    Activation, ConvConfig, ConvNorm, KAIMING_NORMAL, Linear, Mode, NormConfig, Preparation, full,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// Layers between crop and predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BoxHeadConfig {
    /// Two fully connected layers (`TwoMLPHead`).
    TwoFc {
        /// Outputs of each.
        features: i64,
    },
    /// 3x3 convolutions and one fully connected layer (`FastRCNNConvFCHead`).
    ConvFc {
        /// Number of convolutions; each keeps its channels.
        convs: usize,
        /// Normalisation after each of them.
        norm: Option<NormConfig>,
        /// Outputs of the fully connected layer.
        features: i64,
    },
}

impl Default for BoxHeadConfig {
    fn default() -> Self {
        Self::TwoFc { features: 1024 }
    }
}

/// What the head says of every RoI.
#[derive(Debug)]
pub struct BoxPredictions {
    /// `[R, C]`.
    pub class_logits: Tensor,
    /// `[R, 4 C]`, four for each class.
    pub box_deltas: Tensor,
}

/// `box_head` and `box_predictor`.
#[derive(Debug)]
pub struct BoxHead {
    convs: Vec<ConvNorm>,
    /// `fc6` and `fc7`, or the one layer after the convolutions.
    fully_connected: Vec<Linear>,
    cls_score: Linear,
    bbox_pred: Linear,
    order: CropOrder,
    channels: i64,
    pooled: i64,
}

/// In which order the first fully connected layer takes the numbers of a crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CropOrder {
    /// As the weights are stored: channel by channel.
    ChannelsFirst,
    /// As crops lie in memory: pixel by pixel. Saves a copy of all crops.
    ChannelsLast,
}

impl BoxHead {
    /// Registers `box_head` and `box_predictor` under `path`, for crops of `[channels, P, P]`.
    pub fn new(
        path: &Path,
        channels: i64,
        pooled: i64,
        num_classes: i64,
        config: &BoxHeadConfig,
    ) -> Self {
        let head = path / "box_head";
        let inputs = channels * pooled * pooled;
        let (convs, fully_connected, features) = match *config {
            BoxHeadConfig::TwoFc { features } => {
                let fc6 = Linear::new(&(&head / "fc6"), inputs, features);
                let fc7 = Linear::new(&(&head / "fc7"), features, features);
                (Vec::new(), vec![fc6, fc7], features)
            }
            BoxHeadConfig::ConvFc { convs, norm, features } => {
                let conv = |index| {
                    let config = ConvConfig::same(3, KAIMING_NORMAL).no_bias();
                    ConvNorm::new(&(&head / index), [channels; 2], config, norm, Activation::Relu)
                };
                // torchvision counts the flattening between them as a layer.
                let fc = Linear::new(&(&head / (convs + 1)), inputs, features);
                ((0..convs).map(conv).collect(), vec![fc], features)
            }
        };
        let predictor = path / "box_predictor";
        Self {
            convs,
            fully_connected,
            cls_score: Linear::new(&(&predictor / "cls_score"), features, num_classes),
            bbox_pred: Linear::new(&(&predictor / "bbox_pred"), features, 4 * num_classes),
            order: CropOrder::ChannelsFirst,
            channels,
            pooled,
        }
    }

    /// From crops `[R, channels, P, P]`.
    pub fn forward(&self, crops: &Tensor, mode: Mode) -> BoxPredictions {
        let first = crops.shallow_clone();
        let crops = self.convs.iter().fold(first, |x, conv| conv.forward(&x, mode));
        let rows = match self.order {
            CropOrder::ChannelsFirst => crops.flatten(1, -1),
            CropOrder::ChannelsLast => crops.permute([0, 2, 3, 1]).flatten(1, -1),
        };
        let x = self.fully_connected.iter().fold(rows, |x, layer| layer.forward(&x).relu_());
        BoxPredictions {
            class_logits: full(&self.cls_score.forward(&x)),
            box_deltas: full(&self.bbox_pred.forward(&x)),
        }
    }

    /// Prepares every layer for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.convs.iter_mut().for_each(|layer| layer.prepare(how));
        self.fully_connected.iter_mut().for_each(Linear::prepare);
        self.cls_score.prepare();
        self.bbox_pred.prepare();
        if self.order == CropOrder::ChannelsFirst {
            let first = self.fully_connected.first_mut();
            first.into_iter().for_each(|fc| fc.take_channels_last(self.channels, self.pooled));
            self.order = CropOrder::ChannelsLast;
        }
    }
}
