//! Two-dimensional convolution and its transpose.
//!
//! Shapes: input `[N, C, H, W]`, output `[N, C', H', W']`.

use crate::{channels_last, torch_default};
use tch::nn::{Init, Path};
use tch::{Tensor, no_grad};

/// What a convolution is made of, channels apart.
#[derive(Clone, Copy, Debug)]
pub struct ConvConfig {
    /// Side of the square kernel.
    pub kernel: i64,
    /// Step in both directions.
    pub stride: i64,
    /// Zeros added on each side.
    pub padding: i64,
    /// Groups of channels that do not see each other.
    pub groups: i64,
    /// First values of the weight.
    pub weight: Init,
    /// First values of the bias; `None` for no bias.
    pub bias: Option<Init>,
}

impl ConvConfig {
    /// A convolution of stride 1 that keeps the size of its input, with a bias of 0.
    pub fn same(kernel: i64, weight: Init) -> Self {
        let bias = Some(Init::Const(0.0));
        Self { kernel, stride: 1, padding: kernel / 2, groups: 1, weight, bias }
    }

    /// The same without a bias.
    pub fn no_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// The same with another stride.
    pub fn stride(self, stride: i64) -> Self {
        Self { stride, ..self }
    }
}

/// A convolution with parameters `weight [C', C / groups, K, K]` and, optionally, `bias [C']`.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    groups: i64,
}

impl Conv2d {
    /// Registers the parameters under `path`.
    pub fn new(path: &Path, channels_in: i64, channels_out: i64, config: ConvConfig) -> Self {
        let ConvConfig { kernel, stride, padding, groups, weight, bias } = config;
        let shape = [channels_out, channels_in / groups, kernel, kernel];
        Self {
            weight: path.var("weight", &shape, weight),
            bias: bias.map(|init| path.var("bias", &[channels_out], init)),
            stride,
            padding,
            groups,
        }
    }

    /// `[N, C, H, W] -> [N, C', H', W']`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        x.conv2d(&self.weight, self.bias.as_ref(), stride, padding, [1, 1], self.groups)
    }

    /// For each image only one output channel: `[N, C, H, W]` and `outputs [N]` to `[N, H * W]`.
    /// For a 1x1 convolution of stride 1, which is a product of matrices.
    pub fn one_output_each(&self, x: &Tensor, outputs: &Tensor) -> Tensor {
        let rows = self.weight.flatten(1, -1).index_select(0, outputs).unsqueeze(1);
        let products = rows.bmm(&x.flatten(2, -1)).squeeze_dim(1);
        match &self.bias {
            Some(bias) => products + bias.index_select(0, outputs).unsqueeze(1),
            None => products,
        }
    }

    /// Makes `y = scale * conv(x) + shift` part of the convolution, channel by channel.
    pub(crate) fn fold(&mut self, scale: &Tensor, shift: &Tensor) {
        no_grad(|| {
            self.weight = &self.weight * scale.view([-1, 1, 1, 1]);
            self.bias = Some(match &self.bias {
                Some(bias) => bias * scale + shift,
                None => shift.copy(),
            });
        });
    }

    /// Detaches the parameters and lays the weight out channels-last.
    pub fn prepare(&mut self) {
        self.weight = channels_last(&self.weight.detach());
        self.bias = self.bias.as_ref().map(Tensor::detach);
    }
}

/// A transposed convolution whose kernel equals its stride, so that output pixels do not overlap:
/// parameters `weight [C, C', K, K]` and `bias [C']`.
#[derive(Debug)]
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
}

impl ConvTranspose2d {
    /// Registers the parameters under `path`. The bias keeps torch's default, whose fan in is
    /// that of the weight as stored: `C' * K * K`.
    pub fn new(
        path: &Path,
        channels_in: i64,
        channels_out: i64,
        stride: i64,
        weight: Init,
    ) -> Self {
        let shape = [channels_in, channels_out, stride, stride];
        let bias = torch_default(channels_out * stride * stride);
        Self {
            weight: path.var("weight", &shape, weight),
            bias: path.var("bias", &[channels_out], bias),
            stride,
        }
    }

    /// `[N, C, H, W] -> [N, C', H * stride, W * stride]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let stride = [self.stride; 2];
        x.conv_transpose2d(&self.weight, Some(&self.bias), stride, [0, 0], [0, 0], 1, [1, 1])
    }

    /// Detaches the parameters and lays the weight out channels-last.
    pub fn prepare(&mut self) {
        self.weight = channels_last(&self.weight.detach());
        self.bias = self.bias.detach();
    }
}
