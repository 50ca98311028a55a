//! Two-dimensional convolution and its transpose.
//!
//! Shapes: input `[N, C, H, W]`, output `[N, C', H', W']`.

use crate::precision::{Precision, operand};
use crate::{Activation, Preparation, channels_last, torch_default};
use kestrel_slices as slices;
use kestrel_winograd::{MapShape, Winograd};
use std::sync::OnceLock;
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
    fast: Fast,
    /// Whether bias and activation may be part of a card's kernel.
    fused: bool,
}

/// What libtorch's convolutions take, in the precision of the work this thread is in.
struct Product {
    x: Tensor,
    weight: Tensor,
    bias: Option<Tensor>,
    stride: [i64; 2],
    padding: [i64; 2],
    groups: i64,
}

impl Product {
    const DILATION: [i64; 2] = [1, 1];

    fn plain(&self) -> Tensor {
        let Self { x, weight, bias, stride, padding, groups } = self;
        x.conv2d(weight, bias.as_ref(), stride, padding, Self::DILATION, *groups)
    }

    /// One kernel of cuDNN.
    fn then_relu(&self) -> Tensor {
        let Self { x, weight, bias, stride, padding, groups } = self;
        let (bias, dilation) = (bias.as_ref(), Self::DILATION);
        x.cudnn_convolution_relu(weight, bias, stride, padding, dilation, *groups)
    }

    /// The same with `shortcut` added before.
    fn onto_then_relu(&self, shortcut: &Tensor) -> Tensor {
        let Self { x, weight, bias, stride, padding, groups } = self;
        let (bias, dilation) = (bias.as_ref(), Self::DILATION);
        x.cudnn_convolution_add_relu(
            weight, shortcut, 1.0, bias, stride, padding, dilation, *groups,
        )
    }
}

/// Whether Winograd's way may be taken, and the weight for it.
#[derive(Debug)]
enum Fast {
    No,
    /// Made with the first map that is large enough; `None` where the channels do not suit.
    Wanted(OnceLock<Option<Box<Winograd>>>),
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
            fast: Fast::No,
            fused: false,
        }
    }

    /// `[N, C, H, W] -> [N, C', H', W']`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        self.activated(x, Activation::None)
    }

    /// [`Self::forward`] and an activation.
    pub fn activated(&self, x: &Tensor, activation: Activation) -> Tensor {
        if let Some(y) = self.activated_fast(x, activation) {
            return y;
        }
        let product = self.product(x);
        match activation {
            Activation::Relu if self.fuses(x) => product.then_relu(),
            // In place: a convolution does not need its own output again.
            Activation::Relu => product.plain().relu_(),
            Activation::None => product.plain(),
        }
    }

    /// `relu(forward(x) + shortcut)`, the end of a residual branch.
    pub fn activated_onto(&self, x: &Tensor, shortcut: &Tensor) -> Tensor {
        if self.fuses(x) {
            return self.product(x).onto_then_relu(&operand(shortcut));
        }
        let mut y = self.forward(x);
        y += shortcut;
        y.relu_()
    }

    fn product(&self, x: &Tensor) -> Product {
        Product {
            x: operand(x),
            weight: operand(&self.weight),
            bias: self.bias.as_ref().map(operand),
            stride: [self.stride; 2],
            padding: [self.padding; 2],
            groups: self.groups,
        }
    }

    /// Whether one kernel of a card does it all. cuDNN's has no derivative and refuses maps without
    /// values; with groups it was not measured.
    fn fuses(&self, x: &Tensor) -> bool {
        let may = self.fused && self.groups == 1 && x.device().is_cuda();
        may && x.numel() > 0 && !x.requires_grad() && tch::Cuda::cudnn_is_available()
    }

    /// Winograd's way, where it is wanted, possible and shorter.
    fn activated_fast(&self, x: &Tensor, activation: Activation) -> Option<Tensor> {
        let Fast::Wanted(winograd) = &self.fast else { return None };
        let [images, channels_in, height, width] = x.size()[..] else { return None };
        let shape = MapShape {
            images: images.try_into().ok()?,
            height: height.try_into().ok()?,
            width: width.try_into().ok()?,
        };
        if Precision::current() != Precision::Float32 {
            return None;
        }
        if x.requires_grad() || !shape.is_large() || channels_in != self.weight.size()[1] {
            return None;
        }
        let winograd = winograd.get_or_init(|| self.to_winograd().map(Box::new)).as_ref()?;
        let x = x.permute([0, 2, 3, 1]).contiguous();
        let values = slices::values(&x)?;
        let y = slices::filled(&[images, height, width, self.weight.size()[0]], |y| {
            winograd.forward(values, shape, activation, y);
        });
        // Without memory for it, libtorch's way says so better.
        Some(y.ok()?.permute([0, 3, 1, 2]))
    }

    fn to_winograd(&self) -> Option<Winograd> {
        let weight = self.weight.contiguous();
        let bias = self.bias.as_ref().map(Tensor::contiguous);
        let bias = match &bias {
            Some(bias) => Some(slices::values(bias)?),
            None => None,
        };
        let channels = [weight.size()[1] as usize, weight.size()[0] as usize];
        Winograd::new(slices::values(&weight)?, bias, channels)
    }

    /// What a 1x1 convolution of stride 1 gives for pixels in rows: `[.., C] -> [.., C']`.
    pub fn of_rows(&self, rows: &Tensor) -> Tensor {
        let bias = self.bias.as_ref().map(operand);
        operand(rows).linear(&operand(&self.weight).flatten(1, -1), bias.as_ref())
    }

    /// The same with only one output channel for each image: `[N, pixels, C]` and `outputs [N]` to
    /// `[N, pixels]`.
    pub fn one_output_each(&self, rows: &Tensor, outputs: &Tensor) -> Tensor {
        let columns = operand(&self.weight).flatten(1, -1).index_select(0, outputs).unsqueeze(-1);
        let products = operand(rows).bmm(&columns).squeeze_dim(-1);
        match &self.bias {
            Some(bias) => products + operand(bias).index_select(0, outputs).unsqueeze(1),
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

    /// Detaches the parameters, in the precision of the work this thread is in, and lays the weight out
    /// channels-last.
    pub fn prepare(&mut self, how: Preparation) {
        self.weight = operand(&channels_last(&self.weight.detach()));
        self.bias = self.bias.as_ref().map(|bias| operand(&bias.detach()));
        self.fused = how.fused;
        let kind = (self.weight.size()[2], self.stride, self.padding, self.groups);
        if how.winograd && kind == (3, 1, 1, 1) {
            self.fast = Fast::Wanted(OnceLock::new());
        }
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
        let weight = operand(&self.weight).permute([0, 2, 3, 1]).reshape([channels_in, -1]);
        let pixels = operand(x).permute([0, 2, 3, 1]).reshape([-1, channels_in]);
        let rows = operand(&self.bias).repeat([places]).addmm(&pixels, &weight);
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

    /// Detaches the parameters, in the precision of the work this thread is in, and lays the weight out
    /// channels-last.
    pub fn prepare(&mut self) {
        self.weight = operand(&channels_last(&self.weight.detach()));
        self.bias = operand(&self.bias.detach());
    }
}
