//! Residual blocks: `y = relu(branch(x) + shortcut(x))`.

use crate::{BlockKind, ResNetConfig};
use kestrel_layers::{
    Activation, Conv2d, ConvConfig, ConvNorm, KAIMING_NORMAL, Mode, Norm, Preparation,
};
use tch::Tensor;
use tch::nn::Path;

/// A basic (two convolutions) or bottleneck (three) block.
#[derive(Debug)]
pub struct Block {
    /// `conv1`/`bn1`, and in a bottleneck `conv2`/`bn2`.
    first: Vec<ConvNorm>,
    /// `conv2`/`bn2`, in a bottleneck `conv3`/`bn3`; it ends with the sum.
    last: ConvNorm,
    /// `downsample.0`/`downsample.1`, where the shape changes.
    downsample: Option<ConvNorm>,
}

/// All blocks of one stage (0 to 3); the first one halves the size, but in stage 0.
pub fn stage(path: &Path, config: &ResNetConfig, stage: usize, channels_in: i64) -> Vec<Block> {
    let channels_out = config.channels()[stage];
    let block = |index: usize| {
        let (channels_in, stride) = match (index, stage) {
            (0, 0) => (channels_in, 1),
            (0, _) => (channels_in, 2),
            _ => (channels_out, 1),
        };
        Block::new(&(path / index), config, stage, channels_in, stride)
    };
    (0..config.blocks[stage]).map(block).collect()
}

impl Block {
    fn new(
        path: &Path,
        config: &ResNetConfig,
        stage: usize,
        channels_in: i64,
        stride: i64,
    ) -> Self {
        let (inner, channels_out) = (config.inner_channels(stage), config.channels()[stage]);
        let conv = |number: usize, channels: [i64; 2], conv: ConvConfig, activation: Activation| {
            let [channels_in, channels_out] = channels;
            ConvNorm::from_parts(
                Conv2d::new(&(path / format!("conv{number}")), channels_in, channels_out, conv),
                Norm::new(&(path / format!("bn{number}")), channels_out, config.norm),
                activation,
            )
        };
        let one = ConvConfig::same(1, KAIMING_NORMAL).no_bias();
        let three = ConvConfig::same(3, KAIMING_NORMAL).no_bias();
        let (first, mut last) = match config.block {
            BlockKind::Basic => (
                vec![conv(1, [channels_in, inner], three.stride(stride), Activation::Relu)],
                conv(2, [inner, channels_out], three, Activation::None),
            ),
            BlockKind::Bottleneck => {
                let grouped = ConvConfig { groups: config.groups, ..three.stride(stride) };
                let first = vec![
                    conv(1, [channels_in, inner], one, Activation::Relu),
                    conv(2, [inner, inner], grouped, Activation::Relu),
                ];
                (first, conv(3, [inner, channels_out], one, Activation::None))
            }
        };
        if config.zero_init_residual {
            last.start_at_zero();
        }
        let downsample = (stride != 1 || channels_in != channels_out).then(|| {
            let (path, channels) = (path / "downsample", [channels_in, channels_out]);
            ConvNorm::new(&path, channels, one.stride(stride), Some(config.norm), Activation::None)
        });
        Self { first, last, downsample }
    }

    /// `[N, C, H, W] -> [N, C', H / stride, W / stride]`.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let shortcut = match &self.downsample {
            Some(downsample) => downsample.forward(x, mode),
            None => x.shallow_clone(),
        };
        let x = self.first.iter().fold(x.shallow_clone(), |x, conv| conv.forward(&x, mode));
        self.last.forward_onto(&x, &shortcut, mode)
    }

    /// Folds every norm and prepares every convolution for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.first.iter_mut().chain(&mut self.downsample).for_each(|layer| layer.prepare(how));
        self.last.prepare(how);
    }
}
