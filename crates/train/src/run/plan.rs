//! How long a run is and what happens at which step.

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::schedule::Schedule;
use kestrel_data::{BatchOrder, Dataset, LoaderPosition};

/// A run's length and rhythm.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Steps in all, at least 1.
    pub num_steps: u64,
    /// Steps that see every image once.
    pub steps_per_epoch: f64,
    /// Batches that show every image once.
    pub batches_per_epoch: usize,
    /// The rate of each step.
    pub schedule: Schedule,
    look_every: u64,
    save_every: u64,
}

impl Plan {
    /// The plan of a run over this data.
    ///
    /// # Errors
    /// When a setting of the batches makes no sense, or no image takes part.
    pub fn new(config: &TrainConfig, dataset: &Dataset) -> Result<Self, TrainError> {
        let order = BatchOrder::new(dataset, &config.loader.batches)?;
        let num_batches = order.epoch(config.seed, 0).len();
        if num_batches == 0 {
            let place = "data.train with loader.batches.keep_empty false".to_owned();
            return Err(TrainError::NoImages { place });
        }
        let steps_per_epoch = num_batches as f64 / config.train.accumulate as f64;
        let by_epochs = (config.train.epochs * steps_per_epoch).round() as u64;
        let num_steps = config.train.steps.unwrap_or(by_epochs).max(1);
        let steps_per_milestone = config.train.steps.map_or(steps_per_epoch, |_| 1.0);
        let schedule = Schedule::new(
            &config.train.schedule,
            config.scaled_lr(),
            num_steps,
            steps_per_milestone,
        );
        let look_every = config.validation.interval(steps_per_epoch);
        let save_every = config.checkpoint.every_steps;
        let batches_per_epoch = num_batches;
        Ok(Self { num_steps, steps_per_epoch, batches_per_epoch, schedule, look_every, save_every })
    }

    /// Epochs that are over where this batch comes next.
    pub(super) fn epochs_done(&self, next: LoaderPosition) -> u64 {
        next.epoch + u64::from(next.batch >= self.batches_per_epoch as u64)
    }

    /// Whether the validation data is looked at after this many steps.
    pub fn is_look(&self, step: u64) -> bool {
        step.is_multiple_of(self.look_every) || step == self.num_steps
    }

    /// Whether the state is kept after this many steps.
    pub fn is_checkpoint(&self, step: u64) -> bool {
        step.is_multiple_of(self.save_every) || step == self.num_steps
    }
}
