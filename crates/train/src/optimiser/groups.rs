//! A parameter with its own rate and decay, and one step of it.

use super::{OptimiserConfig, OptimiserKind};
use crate::stages::{NUM_STAGES, stage_of};
use std::collections::BTreeMap;
use tch::Tensor;

/// A parameter and what the rule remembers of it.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub tensor: Tensor,
    /// Times the learning rate.
    lr_factor: f64,
    weight_decay: f64,
    /// SGD: the momentum. AdamW: means of gradients and of squared gradients.
    pub memories: Vec<Tensor>,
}

impl Parameter {
    pub fn new(name: &str, tensor: &Tensor, is_norm: bool, config: &OptimiserConfig) -> Self {
        let own = match (is_norm, name.ends_with("bias")) {
            (true, _) => config.norm_weight_decay,
            (false, true) => config.bias_weight_decay,
            (false, false) => None,
        };
        let num_memories = match config.kind {
            OptimiserKind::Sgd => usize::from(config.momentum > 0.0),
            OptimiserKind::AdamW => 2,
        };
        Self {
            name: name.to_owned(),
            tensor: tensor.shallow_clone(),
            lr_factor: config.stage_lr_decay.powi(stages_from_the_end(name)),
            weight_decay: own.unwrap_or(config.weight_decay),
            memories: (0..num_memories).map(|_| tensor.detach().zeros_like()).collect(),
        }
    }

    /// `v = m v + g + decay p`, `p -= lr v`; with Nesterov `p -= lr (g + decay p + m v)`.
    pub fn sgd(&mut self, lr: f64, config: &OptimiserConfig) {
        let gradient = self.tensor.grad();
        if !gradient.defined() {
            return;
        }
        let mut step = match self.weight_decay {
            0.0 => gradient,
            decay => gradient + self.tensor.detach() * decay,
        };
        if let [velocity] = self.memories.as_mut_slice() {
            let _ = velocity.g_mul_scalar_(config.momentum);
            let _ = velocity.g_add_(&step);
            step = match config.nesterov {
                true => step + &*velocity * config.momentum,
                false => velocity.shallow_clone(),
            };
        }
        let _ = self.tensor.g_sub_(&(step * (lr * self.lr_factor)));
    }

    /// Algorithm 2 of Loshchilov & Hutter 2017, arXiv:1711.05101, with torch's place for eps.
    pub fn adamw(&mut self, lr: f64, config: &OptimiserConfig, num_steps: u64) {
        let gradient = self.tensor.grad();
        let [mean, square] = self.memories.as_mut_slice() else { return };
        if !gradient.defined() {
            return;
        }
        let OptimiserConfig { beta1, beta2, eps, .. } = *config;
        let lr = lr * self.lr_factor;
        let _ = self.tensor.g_mul_scalar_(1.0 - lr * self.weight_decay);
        let _ = mean.lerp_(&gradient, 1.0 - beta1);
        let _ = square.g_mul_scalar_(beta2);
        let _ = square.g_add_(&(&gradient * &gradient * (1.0 - beta2)));
        let num_steps = num_steps.min(i32::MAX as u64) as i32;
        let (bias1, bias2) = (1.0 - beta1.powi(num_steps), 1.0 - beta2.powi(num_steps));
        let spread = square.sqrt() / bias2.sqrt() + eps;
        let _ = self.tensor.g_sub_(&(&*mean / spread * (lr / bias1)));
    }
}

/// How many stages of the backbone, this one included, lie between a parameter and the pyramid; 0
/// for what is no part of the backbone.
fn stages_from_the_end(name: &str) -> i32 {
    stage_of(name).map_or(0, |stage| (NUM_STAGES - stage) as i32)
}

/// Whether a parameter is the scale or shift of a norm: those of a batch norm have running averages
/// beside them; a weight of one dimension belongs to a norm too, as does the bias beside it.
pub(super) fn belongs_to_norm(name: &str, variables: &BTreeMap<String, Tensor>) -> bool {
    let Some((module, _)) = name.rsplit_once('.') else { return false };
    let dimensions = |last: &str| variables.get(&format!("{module}.{last}")).map(Tensor::dim);
    dimensions("running_mean").is_some() || dimensions("weight") == Some(1)
}
