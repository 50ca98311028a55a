//! Normalisation of feature maps: batch norm, frozen batch norm, group norm.
//!
//! Source: `torch.nn.BatchNorm2d`, `torchvision.ops.misc.FrozenBatchNorm2d`,
//! `torch.nn.GroupNorm`. The count `num_batches_tracked` is not kept: nothing reads it.

use crate::{Mode, Preparation, full, laid_out_for_training};
use serde::{Deserialize, Serialize};
use tch::nn::{Init, Path};
use tch::{Tensor, no_grad};

/// How far a batch moves the running averages.
const MOMENTUM: f64 = 0.1;
/// torch's default for every norm layer.
const EPS: f64 = 1e-5;

/// Which normalisation follows a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NormConfig {
    /// Statistics of the batch in training, running averages afterwards; eps 1e-5.
    #[default]
    Batch,
    /// Running averages always, and nothing of it is trained.
    Frozen {
        /// Added to the variance: 1e-5, but 0 for torchvision's published v1 COCO detectors,
        /// which were trained before the value existed.
        eps: f64,
    },
    /// Statistics of groups of channels of one image; eps 1e-5.
    Group {
        /// Number of groups; divides the channels.
        groups: i64,
    },
}

/// A normalisation of `C` channels.
#[derive(Debug)]
pub enum Norm {
    /// `weight`, `bias`, `running_mean`, `running_var`, all `[C]`.
    Batch(Statistics),
    /// The same four, none of them trained.
    Frozen(Statistics, f64),
    /// `weight`, `bias` of `[C]`, and the number of groups.
    Group(Tensor, Tensor, i64),
    /// Nothing left to do: folded into the convolution.
    Folded,
}

/// The four vectors of a batch norm.
#[derive(Debug)]
pub struct Statistics {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
}

impl Statistics {
    fn trained(path: &Path, channels: i64) -> Self {
        Self {
            weight: path.var("weight", &[channels], Init::Const(1.0)),
            bias: path.var("bias", &[channels], Init::Const(0.0)),
            running_mean: path.zeros_no_train("running_mean", &[channels]),
            running_var: path.ones_no_train("running_var", &[channels]),
        }
    }

    fn constant(path: &Path, channels: i64) -> Self {
        Self {
            weight: path.ones_no_train("weight", &[channels]),
            bias: path.zeros_no_train("bias", &[channels]),
            running_mean: path.zeros_no_train("running_mean", &[channels]),
            running_var: path.ones_no_train("running_var", &[channels]),
        }
    }

    /// On the CPU libtorch gathers the statistics of channels-last maps less exactly: with them a loss
    /// is 2e-5 off torchvision's, and a gradient 3e-2 where a ReLU turns. So they are gathered from
    /// contiguous maps, and what follows in training stays so.
    fn normalise(&self, x: &Tensor, mode: Mode) -> Tensor {
        let Self { weight, bias, running_mean, running_var } = self;
        let train = mode == Mode::Train;
        let x = if train { laid_out_for_training(x) } else { x.shallow_clone() };
        let [weight, bias, mean, var] = [weight, bias, running_mean, running_var].map(Some);
        x.batch_norm(weight, bias, mean, var, train, MOMENTUM, EPS, false)
    }

    /// `(scale, shift)` such that the norm in evaluation is `x * scale + shift`.
    fn affine(&self, eps: f64) -> (Tensor, Tensor) {
        let scale = &self.weight * (&self.running_var + eps).rsqrt();
        let shift = &self.bias - &self.running_mean * &scale;
        (scale, shift)
    }
}

impl Norm {
    /// Registers the vectors under `path`.
    pub fn new(path: &Path, channels: i64, config: NormConfig) -> Self {
        match config {
            NormConfig::Batch => Self::Batch(Statistics::trained(path, channels)),
            NormConfig::Frozen { eps } => Self::Frozen(Statistics::constant(path, channels), eps),
            NormConfig::Group { groups } => Self::Group(
                path.var("weight", &[channels], Init::Const(1.0)),
                path.var("bias", &[channels], Init::Const(0.0)),
                groups,
            ),
        }
    }

    /// Starts the branch that ends in this norm at zero, so that a residual block begins as the
    /// identity (`zero_init_residual`; Goyal et al. 2017, section 5.1).
    pub fn start_at_zero(&mut self) {
        if let Self::Batch(Statistics { weight, .. }) | Self::Group(weight, ..) = self {
            let _ = no_grad(|| weight.fill_(0.0));
        }
    }

    /// `[N, C, H, W] -> [N, C, H, W]`.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        match self {
            Self::Batch(statistics) => statistics.normalise(x, mode),
            Self::Frozen(statistics, eps) => {
                let (scale, shift) = statistics.affine(*eps);
                let [scale, shift] = [scale, shift].map(|vector| vector.to_kind(x.kind()));
                x * scale.view([1, -1, 1, 1]) + shift.view([1, -1, 1, 1])
            }
            Self::Group(weight, bias, groups) => {
                full(x).group_norm(*groups, Some(weight), Some(bias), EPS, false)
            }
            Self::Folded => x.shallow_clone(),
        }
    }

    /// Takes the norm's evaluation form out as `(scale, shift)`, to be folded into the convolution
    /// before it. `None` for a group norm, whose statistics depend on the image, and where it is not
    /// wanted.
    pub(crate) fn take_affine(&mut self, how: Preparation) -> Option<(Tensor, Tensor)> {
        if !how.fold_norms {
            return None;
        }
        let affine = no_grad(|| match self {
            Self::Batch(statistics) => Some(statistics.affine(EPS)),
            Self::Frozen(statistics, eps) => Some(statistics.affine(*eps)),
            Self::Group(..) | Self::Folded => None,
        })?;
        *self = Self::Folded;
        Some(affine)
    }

    /// Detaches what could not be folded.
    pub(crate) fn prepare(&mut self) {
        if let Self::Group(weight, bias, _) | Self::Batch(Statistics { weight, bias, .. }) = self {
            *weight = weight.detach();
            *bias = bias.detach();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, nn};

    /// `frozenbn` of `golden.json`, whose numbers are torchvision's.
    #[test]
    fn frozen_norm_differs_by_its_eps() {
        for (eps, expected) in [(1e-5, 381.885_07f32), (0.0, 400.5)] {
            let store = nn::VarStore::new(Device::Cpu);
            let norm = Norm::new(&store.root(), 1, NormConfig::Frozen { eps });
            let values =
                [("weight", 2.0), ("bias", 0.5), ("running_mean", 1.0), ("running_var", 1e-4)];
            for (name, value) in values {
                let _ = no_grad(|| store.variables()[name].shallow_clone().fill_(value));
            }
            let x = Tensor::full([1, 1, 1, 1], 3.0, (Kind::Float, Device::Cpu));
            let y = norm.forward(&x, Mode::Eval).double_value(&[0, 0, 0, 0]) as f32;
            // One float32 step at this size is 3e-5.
            assert!((y - expected).abs() < 6e-5, "{y} {expected}");
            assert!(store.trainable_variables().is_empty());
        }
    }

    #[test]
    fn the_yaml_words_are_these() {
        let text = |config| serde_json::to_string(&config).unwrap_or_default();
        assert_eq!(text(NormConfig::Batch), "\"batch\"");
        assert_eq!(text(NormConfig::Frozen { eps: 0.0 }), "{\"frozen\":{\"eps\":0.0}}");
    }
}
