//! Feature pyramid network (Lin et al. 2017, arXiv:1612.03144, section 3).
//!
//! Source: `torchvision/ops/feature_pyramid_network.py`. Shape letters: `N` images, `C` channels,
//! `H W` size of a level. No activation anywhere, and a norm only in torchvision's v2 models.
//! Differences: none known.

use kestrel_layers::{
    Activation, Conv2d, ConvConfig, ConvNorm, KAIMING_UNIFORM, Mode, NormConfig, Preparation,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// The shape of a pyramid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FpnConfig {
    /// Channels of every level.
    pub channels: i64,
    /// Normalisation after each convolution; none in torchvision's v1 models.
    pub norm: Option<NormConfig>,
    /// What comes above the coarsest level.
    pub extra: ExtraLevels,
}

/// Levels above the coarsest one that has a backbone map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtraLevels {
    /// None: P2 to P5.
    None,
    /// One: every second pixel of P5 (`LastLevelMaxPool`).
    #[default]
    MaxPool,
    /// Two: 3x3 convolutions of stride 2, the first of C5 (`LastLevelP6P7`).
    P6P7FromC5,
    /// Two: 3x3 convolutions of stride 2, the first of P5 (`LastLevelP6P7`).
    P6P7FromP5,
}

impl ExtraLevels {
    /// How many levels it adds.
    pub const fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::MaxPool => 1,
            Self::P6P7FromC5 | Self::P6P7FromP5 => 2,
        }
    }
}

impl Default for FpnConfig {
    fn default() -> Self {
        Self { channels: 256, norm: None, extra: ExtraLevels::MaxPool }
    }
}

/// The pyramid. Field names are weight names.
#[derive(Debug)]
pub struct Fpn {
    /// 1x1, from each backbone map to the pyramid's channels.
    inner_blocks: Vec<ConvNorm>,
    /// 3x3, from each merged map to its level.
    layer_blocks: Vec<ConvNorm>,
    extra: Extra,
}

#[derive(Debug)]
enum Extra {
    None,
    MaxPool,
    P6P7 { p6: Conv2d, p7: Conv2d, from_c5: bool },
}

impl Fpn {
    /// Registers all parameters under `path`, for backbone maps of `channels_in` channels.
    pub fn new(path: &Path, channels_in: &[i64], config: &FpnConfig) -> Self {
        let channels = config.channels;
        let block = |name: &str, level: usize, channels_in: i64, kernel: i64| {
            let conv = ConvConfig::same(kernel, KAIMING_UNIFORM);
            let path = path / name / level;
            ConvNorm::new(&path, [channels_in, channels], conv, config.norm, Activation::None)
        };
        let levels = || channels_in.iter().copied().enumerate();
        let inner = |(level, from)| block("inner_blocks", level, from, 1);
        let layer = |(level, _)| block("layer_blocks", level, channels, 3);
        let inner_blocks = levels().map(inner).collect();
        let layer_blocks = levels().map(layer).collect();
        let c5 = channels_in.last().copied().unwrap_or(channels);
        Self { inner_blocks, layer_blocks, extra: Extra::new(path, c5, config) }
    }

    /// C2 to C5, finest first, to P2 and up, finest first.
    pub fn forward(&self, maps: &[Tensor], mode: Mode) -> Vec<Tensor> {
        let mut merged: Option<Tensor> = None;
        let mut pyramid = Vec::with_capacity(maps.len() + 2);
        let blocks = self.inner_blocks.iter().zip(&self.layer_blocks);
        for (map, (inner, layer)) in maps.iter().zip(blocks).rev() {
            let mut lateral = inner.forward(map, mode);
            if let Some(above) = merged {
                lateral += above.upsample_nearest2d(&lateral.size()[2..], None, None);
            }
            pyramid.push(layer.forward(&lateral, mode));
            merged = Some(lateral);
        }
        pyramid.reverse();
        self.extra.push(&mut pyramid, maps);
        pyramid
    }

    /// Folds every norm and prepares every convolution for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.inner_blocks
            .iter_mut()
            .chain(&mut self.layer_blocks)
            .for_each(|layer| layer.prepare(how));
        if let Extra::P6P7 { p6, p7, .. } = &mut self.extra {
            p6.prepare(how);
            p7.prepare(how);
        }
    }
}

impl Extra {
    fn new(path: &Path, c5: i64, config: &FpnConfig) -> Self {
        let from_c5 = match config.extra {
            ExtraLevels::None => return Self::None,
            ExtraLevels::MaxPool => return Self::MaxPool,
            ExtraLevels::P6P7FromC5 => true,
            ExtraLevels::P6P7FromP5 => false,
        };
        let conv = |name: &str, channels_in: i64| {
            let half = ConvConfig::same(3, KAIMING_UNIFORM).stride(2);
            Conv2d::new(&(path / "extra_blocks" / name), channels_in, config.channels, half)
        };
        let p6 = conv("p6", if from_c5 { c5 } else { config.channels });
        Self::P6P7 { p6, p7: conv("p7", config.channels), from_c5 }
    }

    fn push(&self, pyramid: &mut Vec<Tensor>, maps: &[Tensor]) {
        let (Some(c5), Some(p5)) = (maps.last(), pyramid.last()) else { return };
        match self {
            Self::None => {}
            Self::MaxPool => pyramid.push(p5.max_pool2d([1, 1], [2, 2], [0, 0], [1, 1], false)),
            Self::P6P7 { p6, p7, from_c5 } => {
                let p6 = p6.forward(if *from_c5 { c5 } else { p5 });
                let p7 = p7.forward(&p6.relu());
                pyramid.extend([p6, p7]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, nn};

    fn pyramid_of(config: &FpnConfig, sides: [i64; 4]) -> Vec<Vec<i64>> {
        tch::manual_seed(0);
        let store = nn::VarStore::new(Device::Cpu);
        let fpn = Fpn::new(&store.root(), &[4, 8, 16, 32], config);
        let map = |(level, side): (u32, i64)| {
            Tensor::randn([1, 4 << level, side, side + 1], (Kind::Float, Device::Cpu))
        };
        let maps: Vec<Tensor> = (0u32..).zip(sides).map(map).collect();
        fpn.forward(&maps, Mode::Eval).iter().map(Tensor::size).collect()
    }

    #[test]
    fn odd_sizes_and_every_extra_level() {
        let config = |extra| FpnConfig { channels: 6, norm: None, extra };
        let sides = [25, 13, 7, 5];
        let level = |height, width| vec![1, 6, height, width];
        let base = vec![level(25, 26), level(13, 14), level(7, 8), level(5, 6)];
        let with = |more: &[Vec<i64>]| [base.clone(), more.to_vec()].concat();
        assert_eq!(pyramid_of(&config(ExtraLevels::None), sides), base);
        assert_eq!(pyramid_of(&config(ExtraLevels::MaxPool), sides), with(&[level(3, 3)]));
        for extra in [ExtraLevels::P6P7FromC5, ExtraLevels::P6P7FromP5] {
            assert_eq!(pyramid_of(&config(extra), sides), with(&[level(3, 3), level(2, 2)]));
        }
    }
}
