//! When a run is scored, and when it ends early.

use crate::config::SettingError;
use serde::{Deserialize, Serialize};

/// How often a run is scored on the validation data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidationConfig {
    /// Epochs between two looks, unless `every_steps` is given. A look at the end comes anyway.
    pub every_epochs: f64,
    /// Steps between two looks.
    pub every_steps: Option<u64>,
    /// Whether losses are computed too; costs another pass over the images.
    pub losses: bool,
    /// The run ends after this many looks in a row that were no better than the best.
    pub patience: Option<u64>,
    /// A score has to be larger by this much to be better.
    pub min_gain: f64,
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { every_epochs: 1.0, every_steps: None, losses: true, patience: None, min_gain: 0.0 }
    }
}

impl ValidationConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        let bad = |field, found: &dyn std::fmt::Debug, expected| {
            Err(SettingError::new(field, found, expected))
        };
        if self.every_steps == Some(0) {
            return bad("validation.every_steps", &0, "at least 1, or null");
        }
        if self.every_steps.is_none() && !(self.every_epochs > 0.0 && self.every_epochs.is_finite())
        {
            return bad("validation.every_epochs", &self.every_epochs, "above 0");
        }
        if self.patience == Some(0) {
            return bad("validation.patience", &0, "at least 1, or null");
        }
        if !(self.min_gain >= 0.0 && self.min_gain.is_finite()) {
            return bad("validation.min_gain", &self.min_gain, "at least 0");
        }
        Ok(())
    }

    /// Steps between two looks, at least 1.
    pub fn interval(&self, steps_per_epoch: f64) -> u64 {
        let steps = (self.every_epochs * steps_per_epoch).round() as u64;
        self.every_steps.unwrap_or(steps).max(1)
    }
}
