//! The learning rate over a run: a linear warm-up times a curve.
//!
//! Source: `torch.optim.lr_scheduler` (`LinearLR`, `MultiStepLR`, `CosineAnnealingLR`,
//! `OneCycleLR`). Difference: the curve goes on below the warm-up instead of starting after it, as in
//! torchvision's `references/detection/engine.py`.

use crate::config::SettingError;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How the learning rate changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The curve.
    pub curve: Curve,
    /// Steps over which the rate rises linearly, at most half of the run; 0 for none.
    pub warmup_steps: u64,
    /// Part of the rate that the first step has.
    pub warmup_factor: f64,
    /// For `multi_step`: where the rate falls, in epochs, or in steps where the run's length is
    /// given in steps.
    pub milestones: Vec<f64>,
    /// For `multi_step`: what is left of the rate after each fall.
    pub gamma: f64,
    /// For `cosine` and `one_cycle`: what is left of the rate at the end.
    pub final_factor: f64,
    /// For `one_cycle`: part of the run at which the rate is highest.
    pub peak_at: f64,
    /// For `one_cycle`: part of the rate that the run starts with.
    pub initial_factor: f64,
}

/// The shape of the curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// One rate.
    Constant,
    /// Falls by `gamma` at each milestone.
    #[default]
    MultiStep,
    /// Half a cosine from the full rate to `final_factor` of it (Loshchilov & Hutter 2016).
    Cosine,
    /// Up to the full rate at `peak_at` and down again, both half cosines (Smith & Topin 2017).
    OneCycle,
}

impl Default for ScheduleConfig {
    /// torchvision's reference for COCO.
    fn default() -> Self {
        Self {
            curve: Curve::default(),
            warmup_steps: 1000,
            warmup_factor: 0.001,
            milestones: vec![16.0, 22.0],
            gamma: 0.1,
            final_factor: 0.0,
            peak_at: 0.3,
            initial_factor: 0.04,
        }
    }
}

impl ScheduleConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        let bad = |field, found: &dyn std::fmt::Debug, expected| {
            Err(SettingError::new(field, found, expected))
        };
        let part = |value: f64| (0.0..=1.0).contains(&value);
        if !part(self.warmup_factor) {
            return bad("train.schedule.warmup_factor", &self.warmup_factor, "0 to 1");
        }
        if !self.milestones.iter().all(|at| *at >= 0.0) || !self.milestones.is_sorted() {
            return bad("train.schedule.milestones", &self.milestones, "rising numbers");
        }
        if !(self.gamma > 0.0 && self.gamma <= 1.0) {
            return bad("train.schedule.gamma", &self.gamma, "above 0, to 1");
        }
        if !part(self.final_factor) {
            return bad("train.schedule.final_factor", &self.final_factor, "0 to 1");
        }
        if !part(self.initial_factor) {
            return bad("train.schedule.initial_factor", &self.initial_factor, "0 to 1");
        }
        if !(self.peak_at > 0.0 && self.peak_at < 1.0) {
            return bad("train.schedule.peak_at", &self.peak_at, "between 0 and 1");
        }
        Ok(())
    }
}

/// A schedule for a run of known length.
#[derive(Clone, Debug)]
pub struct Schedule {
    config: ScheduleConfig,
    lr: f64,
    num_steps: u64,
    /// Milestones in steps.
    falls: Vec<f64>,
}

impl Schedule {
    /// The schedule of a run of `num_steps`, in which a milestone counts `steps_per_milestone`.
    pub fn new(config: &ScheduleConfig, lr: f64, num_steps: u64, steps_per_milestone: f64) -> Self {
        // A short run learns nothing at the foot of a long warm-up.
        let num_steps = num_steps.max(1);
        let mut config = config.clone();
        config.warmup_steps = config.warmup_steps.min(num_steps / 2);
        let falls = config.milestones.iter().map(|at| at * steps_per_milestone).collect();
        Self { config, lr, num_steps, falls }
    }

    /// The rate of step `step`, counted from 0.
    pub fn lr(&self, step: u64) -> f64 {
        self.lr * self.warmup(step) * self.curve(step)
    }

    fn warmup(&self, step: u64) -> f64 {
        let ScheduleConfig { warmup_steps, warmup_factor, .. } = self.config;
        if step >= warmup_steps {
            return 1.0;
        }
        let part = step as f64 / warmup_steps as f64;
        warmup_factor + (1.0 - warmup_factor) * part
    }

    fn curve(&self, step: u64) -> f64 {
        let config = &self.config;
        let part = step as f64 / self.num_steps as f64;
        match config.curve {
            Curve::Constant => 1.0,
            Curve::MultiStep => {
                let num_falls = self.falls.iter().filter(|&&at| step as f64 >= at).count();
                config.gamma.powi(num_falls as i32)
            }
            Curve::Cosine => between(1.0, config.final_factor, part),
            Curve::OneCycle if part < config.peak_at => {
                between(config.initial_factor, 1.0, part / config.peak_at)
            }
            Curve::OneCycle => {
                let part = (part - config.peak_at) / (1.0 - config.peak_at);
                between(1.0, config.final_factor, part)
            }
        }
    }
}

/// Half a cosine from `start` to `end`.
fn between(start: f64, end: f64, part: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * part).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(curve: Curve, warmup_steps: u64) -> Schedule {
        let config = ScheduleConfig {
            curve,
            warmup_steps,
            warmup_factor: 0.1,
            milestones: vec![2.0, 3.0],
            ..ScheduleConfig::default()
        };
        Schedule::new(&config, 0.5, 100, 20.0)
    }

    /// A product of a few factors in double precision.
    const ROUNDING: f64 = 1e-12;

    fn check(schedule: &Schedule, expected: &[(u64, f64)]) {
        for &(step, lr) in expected {
            assert!((schedule.lr(step) - lr).abs() < ROUNDING, "{step}: {}", schedule.lr(step));
        }
    }

    #[test]
    fn curves_pass_through_known_points() {
        check(&schedule(Curve::Constant, 0), &[(0, 0.5), (99, 0.5)]);
        let steps = [(0, 0.5), (39, 0.5), (40, 0.05), (59, 0.05), (60, 0.005)];
        check(&schedule(Curve::MultiStep, 0), &steps);
        check(&schedule(Curve::Cosine, 0), &[(0, 0.5), (50, 0.25), (100, 0.0)]);
        check(&schedule(Curve::OneCycle, 0), &[(0, 0.02), (30, 0.5), (65, 0.25), (100, 0.0)]);
    }

    #[test]
    fn the_warm_up_rises_to_the_full_rate() {
        check(&schedule(Curve::Constant, 10), &[(0, 0.05), (5, 0.275), (10, 0.5)]);
    }

    #[test]
    fn half_of_a_run_is_the_longest_warm_up() {
        check(&schedule(Curve::Constant, 1000), &[(0, 0.05), (25, 0.275), (50, 0.5)]);
    }

    #[test]
    fn a_run_of_no_steps_has_a_rate() {
        let none = Schedule::new(&ScheduleConfig::default(), 0.5, 0, 1.0);
        assert!(none.lr(0).is_finite());
    }
}
