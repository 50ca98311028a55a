//! Mixed precision: products of convolutions and linear layers in 16 bits, everything else as before.
//!
//! Source: Micikevicius et al. 2018 (arXiv:1710.03740) and `torch.autocast`, whose choice of
//! operations this follows: layers that multiply matrices take their input and parameters in 16 bits
//! and give 16 bits, batch norms keep what they get, group norms and losses are float32. Parameters
//! in training and their gradients stay float32.

use serde::{Deserialize, Serialize};
use std::cell::Cell;
use tch::{Kind, Tensor};

/// Of how many bits the products of a network are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits, or whatever the tensors have.
    #[default]
    Float32,
    /// 16 bits with the range of float32 and three decimals: processors with AVX-512 BF16 or AMX,
    /// cards since Ampere.
    Bfloat16,
    /// 16 bits with four decimals and a range that gradients leave unless the loss is scaled: cards
    /// since Volta.
    Float16,
}

thread_local! {
    static CURRENT: Cell<Precision> = const { Cell::new(Precision::Float32) };
}

/// Puts the precision of before back, also where the work panics.
struct Before(Precision);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Precision {
    /// Does this with all layers of this thread in this precision.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(self));
        work()
    }

    /// That of the work this thread is in.
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    fn kind(self) -> Option<Kind> {
        match self {
            Self::Float32 => None,
            Self::Bfloat16 => Some(Kind::BFloat16),
            Self::Float16 => Some(Kind::Half),
        }
    }
}

/// An operand of a product, in the precision of the work this thread is in.
pub(crate) fn operand(tensor: &Tensor) -> Tensor {
    match Precision::current().kind() {
        Some(kind) => tensor.to_kind(kind),
        None => tensor.shallow_clone(),
    }
}

/// Float32 of a tensor of 16 bits; any other as it is. For what leaves the layers: boxes, scores,
/// losses.
pub fn full(tensor: &Tensor) -> Tensor {
    match tensor.kind() {
        Kind::BFloat16 | Kind::Half => tensor.to_kind(Kind::Float),
        _ => tensor.shallow_clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, ConvConfig, ConvNorm, KAIMING_NORMAL, Linear, Mode, NormConfig};
    use std::collections::BTreeMap;
    use tch::{Device, nn};

    #[test]
    fn it_ends_with_the_work_also_after_a_panic() {
        let inner = || Precision::Bfloat16.during(Precision::current);
        let outer = Precision::Float16.during(|| (inner(), Precision::current()));
        assert_eq!(outer, (Precision::Bfloat16, Precision::Float16));
        let panicked =
            std::panic::catch_unwind(|| Precision::Float16.during(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(Precision::current(), Precision::Float32);
    }

    fn sorted(store: &nn::VarStore) -> BTreeMap<String, Tensor> {
        store.variables().into_iter().collect()
    }

    /// Numbers from -1 to 1; those of a vector are above 0, as variances are.
    fn wave(shape: &[i64], seed: i64) -> Tensor {
        let count = shape.iter().product::<i64>();
        let at = Tensor::arange(count, (Kind::Float, Device::Cpu)) * (1.37 + 0.11 * seed as f64);
        let wave = at.sin().view(shape);
        if shape.len() == 1 { wave.abs() * 0.9 + 0.1 } else { wave }
    }

    /// A brick and its gradients against float32. A rounding is 4e-3 in bfloat16 and 5e-4 in float16; a
    /// gradient goes through some of them, through a ReLU that may turn, and in float16, without a scaled
    /// loss, below 6e-5, where digits are lost.
    #[test]
    fn sixteen_bits_are_near_and_parameters_stay_float32() {
        for (precision, tolerance) in [(Precision::Bfloat16, 4e-2), (Precision::Float16, 2e-2)] {
            for norm in [None, Some(NormConfig::Batch), Some(NormConfig::Frozen { eps: 1e-5 })] {
                let store = nn::VarStore::new(Device::Cpu);
                let config = ConvConfig::same(3, KAIMING_NORMAL);
                let brick =
                    ConvNorm::new(&(store.root() / "a"), [16, 16], config, norm, Activation::Relu);
                let last = Linear::new(&(store.root() / "b"), 16, 4);
                // Not drawn: tests beside this one draw from the same generator.
                for (seed, (_, mut variable)) in (1i64..).zip(sorted(&store)) {
                    tch::no_grad(|| variable.copy_(&wave(&variable.size(), seed)));
                }
                let x = wave(&[2, 16, 9, 11], 0);
                let pass = || {
                    store.trainable_variables().iter_mut().for_each(Tensor::zero_grad);
                    let y = last.forward(&brick.forward(&x, Mode::Train).mean_dim(
                        [2i64, 3].as_slice(),
                        false,
                        None::<Kind>,
                    ));
                    let kind = y.kind();
                    full(&y).square().sum(Kind::Float).backward();
                    (kind, full(&y), store.variables()["a.0.weight"].grad().copy())
                };
                let (kind, exact, exact_grad) = pass();
                assert_eq!(kind, Kind::Float);
                let (kind, near, near_grad) = precision.during(pass);
                assert_eq!(Some(kind), precision.kind());
                assert_eq!(near_grad.kind(), Kind::Float);
                let mut pairs = vec![(near, exact)];
                // A batch norm takes most of a gradient out again, and what is left is rounding.
                if norm != Some(NormConfig::Batch) {
                    pairs.push((near_grad, exact_grad));
                }
                for (near, exact) in pairs {
                    let error = f64::try_from((near - &exact).norm() / exact.norm());
                    let is_near =
                        error.as_ref().is_ok_and(|&error| error > 0.0 && error < tolerance);
                    assert!(is_near, "{precision:?} {norm:?}: {error:?}");
                }
            }
        }
    }

    #[test]
    fn the_yaml_words_are_these() {
        let text = |precision| serde_json::to_string(&precision).unwrap_or_default();
        assert_eq!(text(Precision::Float32), "\"float32\"");
        assert_eq!(text(Precision::Bfloat16), "\"bfloat16\"");
        assert_eq!(text(Precision::Float16), "\"float16\"");
    }
}
