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

    /// What a 1x1 convolution of stride 1 gives for pixels in rows: `[.., C] -> [.., C']`.
    pub fn of_rows(&self, rows: &Tensor) -> Tensor {
        rows.linear(&self.weight.flatten(1, -1), self.bias.as_ref())
    }

    /// The same with only one output channel for each image: `[N, pixels, C]` and `outputs [N]` to
    /// `[N, pixels]`.
    pub fn one_output_each(&self, rows: &Tensor, outputs: &Tensor) -> Tensor {
        let columns = self.weight.flatten(1, -1).index_select(0, outputs).unsqueeze(-1);
        let products = rows.bmm(&columns).squeeze_dim(-1);
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

    /// `[N, C, H, W] -> [N, H * W * K * K, C']`: the pixels of the output as rows, in the order of
    /// the input's pixels, and of the kernel's within each. One product of matrices: libtorch's own
    /// operator takes four times as long for it, and ten times backward.
    pub fn rows(&self, x: &Tensor) -> Tensor {
        let [images, channels_in] = [0, 1].map(|dim| x.size()[dim]);
        let channels_out = self.bias.size()[0];
        let places = self.stride * self.stride;
        let weight = self.weight.permute([0, 2, 3, 1]).reshape([channels_in, -1]);
        let pixels = x.permute([0, 2, 3, 1]).reshape([-1, channels_in]);
        let rows = self.bias.repeat([places]).addmm(&pixels, &weight);
        rows.view([images, x.size()[2] * x.size()[3] * places, channels_out])
    }

    /// Puts rows of [`Self::rows`] where they belong: `[N, H * W * K * K, C'] -> [N, C', H * K, W * K]`
    /// for an input of `side` pixels each way.
    pub fn image_of_rows(&self, rows: &Tensor, side: i64) -> Tensor {
        let (images, channels) = (rows.size()[0], rows.size()[2]);
        let (kernel, across) = (self.stride, side * self.stride);
        rows.view([images, side, side, kernel, kernel, channels])
            .permute([0, 5, 1, 3, 2, 4])
            .reshape([images, channels, across, across])
    }

    /// Detaches the parameters and lays the weight out channels-last.
    pub fn prepare(&mut self) {
        self.weight = channels_last(&self.weight.detach());
        self.bias = self.bias.detach();
    }
}
