//! Gradients become steps: SGD and AdamW with a rate and a decay of its own for each parameter.
//!
//! Source: `torch.optim.SGD`, `torch.optim.AdamW`, `torch.nn.utils.clip_grad_norm_`. tch's own
//! optimisers hide their state, so a run could not be resumed exactly. Differences: none known.

mod ema;
mod groups;
mod loss_scale;

pub use ema::Ema;
pub use loss_scale::LossScale;

use crate::config::SettingError;
use groups::Parameter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::{Kind, Tensor, no_grad};

/// How gradients become steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// The rule.
    pub kind: OptimiserKind,
    /// For `sgd`: part of the last step that goes on.
    pub momentum: f64,
    /// For `sgd`: whether momentum looks ahead (Nesterov).
    pub nesterov: bool,
    /// For `adamw`: how long gradients are remembered.
    pub beta1: f64,
    /// For `adamw`: how long squared gradients are remembered.
    pub beta2: f64,
    /// For `adamw`: keeps small gradients from large steps.
    pub eps: f64,
    /// Pull of every parameter towards 0.
    pub weight_decay: f64,
    /// The same for weights and biases of norms; like all others when not given.
    pub norm_weight_decay: Option<f64>,
    /// The same for biases that belong to no norm; like all others when not given.
    pub bias_weight_decay: Option<f64>,
    /// Each stage of the backbone learns with this part of the rate of the one after it: the heads
    /// and the pyramid at the full rate, `layer4` at this part of it, the stem at its fifth power.
    pub stage_lr_decay: f64,
}

/// A rule that makes steps of gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Gradient descent with momentum.
    #[default]
    Sgd,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2017).
    AdamW,
}

impl Default for OptimiserConfig {
    /// torchvision's reference.
    fn default() -> Self {
        Self {
            kind: OptimiserKind::default(),
            momentum: 0.9,
            nesterov: false,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 1e-4,
            norm_weight_decay: None,
            bias_weight_decay: None,
            stage_lr_decay: 1.0,
        }
    }
}

impl OptimiserConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        let bad = |field, found: f64, expected| Err(SettingError::new(field, found, expected));
        for (field, value) in [
            ("train.optimiser.momentum", self.momentum),
            ("train.optimiser.beta1", self.beta1),
            ("train.optimiser.beta2", self.beta2),
        ] {
            if !(0.0..1.0).contains(&value) {
                return bad(field, value, "from 0 to below 1");
            }
        }
        if !(self.eps > 0.0 && self.eps.is_finite()) {
            return bad("train.optimiser.eps", self.eps, "above 0");
        }
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        for (field, value) in [
            ("train.optimiser.weight_decay", Some(self.weight_decay)),
            ("train.optimiser.norm_weight_decay", self.norm_weight_decay),
            ("train.optimiser.bias_weight_decay", self.bias_weight_decay),
        ] {
            if let Some(value) = value.filter(|&value| !not_negative(value)) {
                return bad(field, value, "at least 0");
            }
        }
        if !(self.stage_lr_decay > 0.0 && self.stage_lr_decay <= 1.0) {
            return bad("train.optimiser.stage_lr_decay", self.stage_lr_decay, "above 0, to 1");
        }
        Ok(())
    }
}

/// The parameters of a model and what the rule remembers of each.
#[derive(Debug)]
pub struct Optimiser {
    config: OptimiserConfig,
    /// By name, so that sums come out alike in every run.
    parameters: Vec<Parameter>,
    /// Steps done; AdamW corrects its memories by it.
    num_steps: u64,
}

impl Optimiser {
    /// An optimiser over the variables that want gradients, by full name.
    pub fn new(variables: &BTreeMap<String, Tensor>, config: &OptimiserConfig) -> Self {
        let wanted = variables.iter().filter(|(_, variable)| variable.requires_grad());
        let parameters = wanted.map(|(name, variable)| {
            let is_norm = groups::belongs_to_norm(name, variables);
            Parameter::new(name, variable, is_norm, config)
        });
        Self { config: config.clone(), parameters: parameters.collect(), num_steps: 0 }
    }

    /// Forgets all gradients.
    pub fn zero_grad(&mut self) {
        self.parameters.iter_mut().for_each(|parameter| parameter.tensor.zero_grad());
    }

    /// The joint Euclidean norm of all gradients.
    pub fn grad_norm(&self) -> f64 {
        let norms: Vec<Tensor> =
            self.gradients().map(|gradient| gradient.norm().to_kind(Kind::Double)).collect();
        match norms.as_slice() {
            [] => 0.0,
            norms => Tensor::stack(norms, 0).norm().double_value(&[]),
        }
    }

    /// Multiplies all gradients.
    pub fn scale_gradients(&mut self, factor: f64) {
        no_grad(|| self.gradients().for_each(|mut gradient| drop(gradient.g_mul_scalar_(factor))));
    }

    /// One step at this rate. Parameters without a gradient stay as they are.
    pub fn step(&mut self, lr: f64) {
        self.num_steps += 1;
        let (config, num_steps) = (&self.config, self.num_steps);
        no_grad(|| {
            for parameter in &mut self.parameters {
                match config.kind {
                    OptimiserKind::Sgd => parameter.sgd(lr, config),
                    OptimiserKind::AdamW => parameter.adamw(lr, config, num_steps),
                }
            }
        });
    }

    /// What the rule remembers, by the parameter's name and a number.
    pub fn memory(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        self.parameters.iter().flat_map(|parameter| {
            let memories = parameter.memories.iter().enumerate();
            memories.map(|(number, memory)| {
                (format!("{}/{number}", parameter.name), memory.shallow_clone())
            })
        })
    }

    /// Tells it how many steps were done before.
    pub fn set_num_steps(&mut self, num_steps: u64) {
        self.num_steps = num_steps;
    }

    fn gradients(&self) -> impl Iterator<Item = Tensor> + '_ {
        let gradients = self.parameters.iter().map(|parameter| parameter.tensor.grad());
        gradients.filter(Tensor::defined)
    }
}

#[cfg(test)]
mod tests;
