//! The network.

use crate::{ResNet, ResNetConfig};
use kestrel_layers::{Linear, Mode, Preparation, full};
use tch::Tensor;
use tch::nn::Path;

/// A body with the classification head it was trained with: global average, then `fc`.
#[derive(Debug)]
pub struct Classifier {
    body: ResNet,
    fc: Linear,
}

impl Classifier {
    /// Registers all parameters under `path`; ImageNet has 1000 classes.
    pub fn new(path: &Path, config: &ResNetConfig, num_classes: i64) -> Self {
        let [.., c5] = config.channels();
        Self { body: ResNet::new(path, config), fc: Linear::new(&(path / "fc"), c5, num_classes) }
    }

    /// `[N, 3, H, W]` to logits `[N, classes]`.
    pub fn forward(&self, pixels: &Tensor, mode: Mode) -> Tensor {
        let [.., c5] = self.body.forward(pixels, mode);
        full(&self.fc.forward(&full(&c5).mean_dim([2i64, 3].as_slice(), false, None)))
    }

    /// The body, to look at C2 to C5.
    pub fn body(&self) -> &ResNet {
        &self.body
    }

    /// Prepares body and head for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.body.prepare(how);
        self.fc.prepare();
    }
}
