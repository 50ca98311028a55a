//! Convolution, normalisation and linear layers as the detector uses them: their fields carry
//! torch's names, their first values are torchvision's, and each can be prepared for inference.
//!
//! *Prepared* means: normalisation folded into the convolution before it, weights laid out
//! channels-last, nothing attached to a graph. A prepared layer gives the same numbers to float32
//! rounding and cannot be trained any more.

mod caught;
mod conv;
mod linear;
mod norm;
mod precision;
mod sequence;

pub use kestrel_winograd::Activation;

pub use caught::{caught, silence_caught};
pub use conv::{Conv2d, ConvConfig, ConvTranspose2d};
pub use linear::Linear;
pub use norm::{Norm, NormConfig};
pub use precision::{Precision, full};
pub use sequence::ConvNorm;

use tch::nn::Init;
use tch::nn::init::{FanInOut, NonLinearity, NormalOrUniform};
use tch::{Device, Tensor};

/// How a layer is prepared for inference. Whatever is chosen, weights are laid out channels-last and
/// nothing is attached to a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// In what it multiplies. The layers are prepared, and then used, within [`Precision::during`].
    pub precision: Precision,
    /// Norms become part of the convolutions before them.
    pub fold_norms: bool,
    /// 3x3 convolutions of stride 1 take Winograd's way on the CPU, where it is shorter.
    pub winograd: bool,
    /// On a card, a convolution's bias and activation are part of its kernel.
    pub fused: bool,
}

impl Default for Preparation {
    /// All that makes it faster and gives the same numbers.
    fn default() -> Self {
        let precision = Precision::Float32;
        Self { precision, fold_norms: true, winograd: true, fused: true }
    }
}

/// Whether batch norm uses and updates the statistics of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch; running averages follow with momentum 0.1.
    Train,
    /// Running averages.
    Eval,
}

/// He initialisation for a convolution followed by ReLU (`kaiming_normal_`, fan out).
pub const KAIMING_NORMAL: Init = Init::Kaiming {
    dist: NormalOrUniform::Normal,
    fan: FanInOut::FanOut,
    non_linearity: NonLinearity::ReLU,
};

/// `kaiming_uniform_` with `a = 1`, for layers without activation: uniform with variance
/// `1 / fan_in`.
pub const KAIMING_UNIFORM: Init = Init::Kaiming {
    dist: NormalOrUniform::Uniform,
    fan: FanInOut::FanIn,
    non_linearity: NonLinearity::Linear,
};

/// What torch gives a layer nobody initialised: uniform in `±1 / sqrt(fan_in)`, where the fan in
/// is that of the weight, for the bias too.
pub fn torch_default(fan_in: i64) -> Init {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

/// The same values in the layout that training keeps maps in. On the CPU that is torchvision's,
/// contiguous, for then libtorch adds in torchvision's order; on a card channels-last is faster.
pub fn laid_out_for_training(map: &Tensor) -> Tensor {
    match map.device() {
        Device::Cpu => map.contiguous(),
        _ => map.shallow_clone(),
    }
}

/// The same values with the channels of each pixel next to each other in memory.
///
/// Shape `[N, C, H, W]` stays; convolutions keep the layout of their input, so it is made once.
pub fn channels_last(tensor: &Tensor) -> Tensor {
    tensor.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
