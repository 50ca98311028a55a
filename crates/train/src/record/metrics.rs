//! `metrics.jsonl`: one line for each thing a run has measured. All other records of a run (curves,
//! TensorBoard events) are made from these lines.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Metric {
    /// A training step.
    Step {
        /// Steps done, this one included.
        step: u64,
        /// Epoch the step belongs to, counted from 0.
        epoch: u64,
        /// Learning rate it was done with.
        lr: f64,
        /// Each loss by its name, and their sum as `loss`.
        losses: BTreeMap<String, f64>,
        /// Norm of the gradients before they were clipped.
        grad_norm: f64,
        /// Images a second in the steps since the line before.
        images_per_sec: f64,
        /// Memory the process holds, where the system says so.
        memory_bytes: Option<u64>,
    },
    /// A look at the validation data.
    Validation {
        /// Steps done before it.
        step: u64,
        /// Epochs done before it.
        epoch: u64,
        /// Each validation loss by its name, and their sum as `loss`; what is no number is not there.
        losses: BTreeMap<String, f64>,
        /// What the model scored: `box_ap`, `box_ap50`, `mask_ap`, `accuracy` and so on, between 0
        /// and 1.
        scores: BTreeMap<String, f64>,
        /// Seconds it took.
        secs: f64,
    },
}
