//! Averaged weights: a slow copy of the model that is often better than the model.

use std::collections::BTreeMap;
use tch::{Kind, Tensor, no_grad};

/// An exponential moving average of every variable, running statistics of norms included.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    averages: BTreeMap<String, Tensor>,
}

impl Ema {
    /// Starts at the variables as they are.
    pub fn new(variables: &BTreeMap<String, Tensor>, decay: f64) -> Self {
        let copy = |(name, variable): (&String, &Tensor)| (name.clone(), variable.detach().copy());
        Self { decay, averages: variables.iter().map(copy).collect() }
    }

    /// Moves towards the variables. The average forgets its start faster in the first steps: step `n`
    /// keeps at most `(1 + n) / (10 + n)` of it.
    pub fn update(&mut self, variables: &BTreeMap<String, Tensor>, num_steps: u64) {
        let n = num_steps as f64;
        let keep = self.decay.min((1.0 + n) / (10.0 + n));
        no_grad(|| {
            for (name, average) in &mut self.averages {
                let variable = &variables[name];
                match variable.kind() {
                    Kind::Float | Kind::Double => drop(average.lerp_(variable, 1.0 - keep)),
                    _ => average.copy_(variable),
                }
            }
        });
    }

    /// The averages, by the variables' names.
    pub fn averages(&self) -> &BTreeMap<String, Tensor> {
        &self.averages
    }
}
