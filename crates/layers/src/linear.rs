//! The fully connected layer.

use crate::precision::operand;
use crate::torch_default;
use tch::Tensor;
use tch::nn::Path;

/// `y = x W^T + b` with parameters `weight [C', C]` and `bias [C']`.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Registers the parameters under `path` with torch's default first values.
    pub fn new(path: &Path, features_in: i64, features_out: i64) -> Self {
        let init = torch_default(features_in);
        Self {
            weight: path.var("weight", &[features_out, features_in], init),
            bias: path.var("bias", &[features_out], init),
        }
    }

    /// `[R, C] -> [R, C']`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        operand(x).linear(&operand(&self.weight), Some(&operand(&self.bias)))
    }

    /// Detaches the parameters, in the precision of the work this thread is in.
    pub fn prepare(&mut self) {
        self.weight = operand(&self.weight.detach());
        self.bias = operand(&self.bias.detach());
    }

    /// Reorders the inputs from `[C, P, P]` (channels first) to `[P, P, C]`, so that a prepared
    /// layer reads channels-last crops without a copy.
    pub fn take_channels_last(&mut self, channels: i64, pooled: i64) {
        let weight = self.weight.detach();
        self.weight = weight
            .view([-1, channels, pooled, pooled])
            .permute([0, 2, 3, 1])
            .reshape([-1, channels * pooled * pooled]);
    }
}
