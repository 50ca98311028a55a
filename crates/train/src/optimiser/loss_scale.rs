//! The factor that keeps small gradients of 16 bits from becoming zero.
//!
//! Source: Micikevicius et al. 2018 (arXiv:1710.03740), section 3.2; `torch.amp.GradScaler`, with its
//! numbers.

use kestrel_layers::Precision;
use serde::{Deserialize, Serialize};

/// The first factor.
const FIRST: f64 = 65_536.0;
/// Below this the factor is not to blame for gradients that are no numbers.
const LEAST: f64 = 1.0;
/// Steps after which a larger one is tried.
const PATIENCE: u64 = 2000;

/// How much the loss is enlarged before the backward pass, and gradients made smaller after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScale {
    factor: f64,
    /// Steps done with it.
    num_good: u64,
    /// Steps left out since the beginning of the run.
    num_lost: u64,
}

impl LossScale {
    /// That of a new run; none where the range of float32 is kept.
    pub fn of(precision: Precision) -> Option<Self> {
        let wanted = precision == Precision::Float16;
        wanted.then_some(Self { factor: FIRST, num_good: 0, num_lost: 0 })
    }

    /// The factor of the next step.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Steps that did not move the weights.
    pub fn num_lost(&self) -> u64 {
        self.num_lost
    }

    /// Takes note of a step whose gradients have this norm. False where they are no numbers because
    /// the factor was too large: the step is left out and the next one has half of it.
    pub fn accepts(&mut self, grad_norm: f64) -> bool {
        if !grad_norm.is_finite() && self.factor > LEAST {
            self.factor /= 2.0;
            (self.num_good, self.num_lost) = (0, self.num_lost + 1);
            return false;
        }
        self.num_good += 1;
        if self.num_good == PATIENCE {
            (self.factor, self.num_good) = (2.0 * self.factor, 0);
        }
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_on_overflow_and_doubles_after_a_while() {
        let mut scale = LossScale::of(Precision::Float16).unwrap();
        assert!(!scale.accepts(f64::INFINITY));
        assert_eq!((scale.factor(), scale.num_lost()), (FIRST / 2.0, 1));
        assert!((1..PATIENCE).all(|_| scale.accepts(1.0)));
        assert_eq!(scale.factor(), FIRST / 2.0);
        assert!(scale.accepts(1.0));
        assert_eq!(scale.factor(), FIRST);
    }

    #[test]
    fn what_no_factor_helps_is_accepted_for_the_run_to_stop_at() {
        let mut scale = LossScale::of(Precision::Float16).unwrap();
        assert_eq!((0..100).take_while(|_| !scale.accepts(f64::NAN)).count(), 16);
        assert_eq!(scale.factor(), LEAST);
    }

    #[test]
    fn the_range_of_float32_needs_none() {
        assert_eq!(LossScale::of(Precision::Float32), None);
        assert_eq!(LossScale::of(Precision::Bfloat16), None);
    }
}
