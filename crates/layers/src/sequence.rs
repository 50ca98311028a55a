//! A convolution, its normalisation and its activation, the brick everything is built of.
//! Source of the names: `torchvision.ops.misc.Conv2dNormActivation`.

use crate::{Activation, Conv2d, ConvConfig, Mode, Norm, NormConfig, Preparation};
use tch::Tensor;
use tch::nn::Path;

/// A convolution, then a normalisation if there is one, then an activation.
#[derive(Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: Option<Norm>,
    activation: Activation,
}

impl ConvNorm {
    /// Registers the convolution under `path / 0` and the norm under `path / 1`. With a norm the
    /// convolution has no bias of its own.
    pub fn new(
        path: &Path,
        channels: [i64; 2],
        config: ConvConfig,
        norm: Option<NormConfig>,
        activation: Activation,
    ) -> Self {
        let [channels_in, channels_out] = channels;
        let config = if norm.is_some() { config.no_bias() } else { config };
        Self {
            conv: Conv2d::new(&(path / "0"), channels_in, channels_out, config),
            norm: norm.map(|norm| Norm::new(&(path / "1"), channels_out, norm)),
            activation,
        }
    }

    /// From parts registered elsewhere.
    pub fn from_parts(conv: Conv2d, norm: Norm, activation: Activation) -> Self {
        Self { conv, norm: Some(norm), activation }
    }

    /// `[N, C, H, W] -> [N, C', H', W']`.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let mut x = match &self.norm {
            None | Some(Norm::Folded) => return self.conv.activated(x, self.activation),
            Some(norm) => norm.forward(&self.conv.forward(x), mode),
        };
        match self.activation {
            Activation::None => x,
            // In place: a norm does not need its own output again.
            Activation::Relu => x.relu_(),
        }
    }

    /// `relu(conv(x) + shortcut)` with the norm between, whatever the activation of its own: the end of
    /// a residual branch.
    pub fn forward_onto(&self, x: &Tensor, shortcut: &Tensor, mode: Mode) -> Tensor {
        match &self.norm {
            None | Some(Norm::Folded) => self.conv.activated_onto(x, shortcut),
            Some(norm) => {
                let mut y = norm.forward(&self.conv.forward(x), mode);
                y += shortcut;
                y.relu_()
            }
        }
    }

    /// Lets the branch that ends here start at zero.
    pub fn start_at_zero(&mut self) {
        if let Some(norm) = &mut self.norm {
            norm.start_at_zero();
        }
    }

    /// Folds the norm, if that is wanted and can be done, and prepares the convolution.
    pub fn prepare(&mut self, how: Preparation) {
        if let Some(norm) = &mut self.norm {
            match norm.take_affine(how) {
                Some((scale, shift)) => self.conv.fold(&scale, &shift),
                None => norm.prepare(),
            }
        }
        self.conv.prepare(how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KAIMING_NORMAL;
    use tch::{Device, Kind, nn};

    #[test]
    fn a_prepared_brick_gives_the_same_numbers() {
        tch::manual_seed(0);
        for norm in [
            None,
            Some(NormConfig::Batch),
            Some(NormConfig::Frozen { eps: 1e-5 }),
            Some(NormConfig::Group { groups: 2 }),
        ] {
            let store = nn::VarStore::new(Device::Cpu);
            let config = ConvConfig::same(3, KAIMING_NORMAL);
            let mut brick = ConvNorm::new(&store.root(), [5, 8], config, norm, Activation::Relu);
            for mut variable in store.variables().into_values().filter(|v| v.dim() == 1) {
                let _ = tch::no_grad(|| variable.uniform_(0.5, 1.5));
            }
            let x = Tensor::randn([2, 5, 7, 9], (Kind::Float, Device::Cpu));
            let before = brick.forward(&x, Mode::Eval);
            brick.prepare(Preparation::default());
            let after = brick.forward(&x, Mode::Eval);
            let worst = (before - after).abs().max().double_value(&[]);
            // 45 products a sum: a few float32 steps at values near 1.
            assert!(worst < 1e-5, "{norm:?}: {worst}");
        }
    }

    #[test]
    fn a_residual_branch_ends_the_same_way() {
        tch::manual_seed(0);
        for norm in [NormConfig::Batch, NormConfig::Frozen { eps: 1e-5 }] {
            let store = nn::VarStore::new(Device::Cpu);
            let config = ConvConfig::same(3, KAIMING_NORMAL);
            let mut brick =
                ConvNorm::new(&store.root(), [5, 8], config, Some(norm), Activation::None);
            let x = Tensor::randn([2, 5, 7, 9], (Kind::Float, Device::Cpu));
            let shortcut = Tensor::randn([2, 8, 7, 9], (Kind::Float, Device::Cpu));
            let expected = (brick.forward(&x, Mode::Eval) + &shortcut).relu();
            let before = brick.forward_onto(&x, &shortcut, Mode::Eval);
            brick.prepare(Preparation::default());
            let after = brick.forward_onto(&x, &shortcut, Mode::Eval);
            for y in [before, after] {
                // As in the test of a prepared brick.
                let worst = (y - &expected).abs().max().double_value(&[]);
                assert!(worst < 1e-5, "{norm:?}: {worst}");
            }
        }
    }

    /// Maps that are large enough, of channels that suit; alone or seen through another layout.
    #[test]
    fn winograd_s_way_gives_the_same_numbers() {
        tch::manual_seed(0);
        for activation in [Activation::None, Activation::Relu] {
            let config = ConvConfig::same(3, KAIMING_NORMAL);
            let [first, mut second] = [(); 2].map(|()| nn::VarStore::new(Device::Cpu));
            let new = |store: &nn::VarStore| {
                ConvNorm::new(&store.root(), [64, 64], config, None, activation)
            };
            let [mut brick, mut direct] = [new(&first), new(&second)];
            second.copy(&first).unwrap();
            brick.prepare(Preparation::default());
            direct.prepare(Preparation { winograd: false, ..Preparation::default() });
            let x = Tensor::randn([2, 64, 21, 30], (Kind::Float, Device::Cpu));
            for x in [x.shallow_clone(), crate::channels_last(&x), x.transpose(2, 3)] {
                let difference = brick.forward(&x, Mode::Eval) - direct.forward(&x, Mode::Eval);
                let worst = difference.abs().max().double_value(&[]);
                // 576 products a sum: some float32 steps, and as many again for the tiles.
                assert!(worst < 5e-5, "{worst}");
            }
        }
    }
}
