//! ResNet (He et al. 2015, arXiv:1512.03385) with ResNeXt and Wide variants, as a backbone that
//! gives C2 to C5 and as a classifier.
//!
//! * [`ResNet`] is the body, [`Classifier`] the body with its head;
//! * [`ClassifierModel`] is a classifier with its weights, from pictures to predictions, and
//!   [`ClassifierMetadata`] what its file says beside them;
//! * [`infer_resnet`] tells a ResNet from the names and shapes of its weights.
//!
//! Source: `torchvision/models/resnet.py`. The bottleneck is "v1.5": its stride is on the 3x3.
//! Shape letters: `N` images, `C` channels, `H W` padded size. Differences: none known.

mod block;
mod classifier;
mod config;
mod error;
mod infer;
mod pool;

pub use classifier::{
    Classifier, ClassifierArchitecture, ClassifierMetadata, ClassifierModel, InputConfig,
    Prediction, top_k,
};
pub use config::{BlockKind, ResNetConfig, ResNetConfigError, Variant};
pub use error::ClassifierError;
pub use infer::{NotAResNet, infer_resnet};

use block::Block;
use kestrel_layers::{
    Activation, Conv2d, ConvConfig, ConvNorm, KAIMING_NORMAL, Mode, Norm, Preparation,
};
use tch::Tensor;
use tch::nn::Path;

/// The convolutional body. Field names are weight names.
#[derive(Debug)]
pub struct ResNet {
    /// `conv1` and `bn1`, to be pooled before they are rectified.
    stem: ConvNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
}

impl ResNet {
    /// Registers all parameters under `path`.
    pub fn new(path: &Path, config: &ResNetConfig) -> Self {
        let width = config.base_channels;
        let stem = ConvConfig { kernel: 7, stride: 2, ..ConvConfig::same(7, KAIMING_NORMAL) };
        let stem = ConvNorm::from_parts(
            Conv2d::new(&(path / "conv1"), 3, width, stem.no_bias()),
            Norm::new(&(path / "bn1"), width, config.norm),
            Activation::None,
        );
        let [c2, c3, c4, _] = config.channels();
        let layer = |stage: usize, channels_in: i64| {
            let path = path / format!("layer{}", stage + 1);
            block::stage(&path, config, stage, channels_in)
        };
        Self {
            stem,
            layer1: layer(0, width),
            layer2: layer(1, c2),
            layer3: layer(2, c3),
            layer4: layer(3, c4),
        }
    }

    /// `[N, 3, H, W]` to C2, C3, C4, C5 with strides 4, 8, 16 and 32.
    pub fn forward(&self, pixels: &Tensor, mode: Mode) -> [Tensor; 4] {
        let run =
            |blocks: &[Block], x: Tensor| blocks.iter().fold(x, |x, block| block.forward(&x, mode));
        let mut x = pool::halve(&self.stem.forward(pixels, mode));
        // Of the largest, which is the largest of the rectified: a quarter of the work.
        let x = x.relu_();
        let c2 = run(&self.layer1, x);
        let c3 = run(&self.layer2, c2.shallow_clone());
        let c4 = run(&self.layer3, c3.shallow_clone());
        let c5 = run(&self.layer4, c4.shallow_clone());
        [c2, c3, c4, c5]
    }

    /// Folds every norm and prepares every convolution for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.stem.prepare(how);
        let layers = [&mut self.layer1, &mut self.layer2, &mut self.layer3, &mut self.layer4];
        layers.into_iter().flatten().for_each(|layer| layer.prepare(how));
    }
}
