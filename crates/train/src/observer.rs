//! What a run tells whoever watches it; nothing here prints.

use crate::error::TrainError;
use crate::record::Metric;
use kestrel_data::Unreadable;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins, or goes on, after this many steps.
    Started {
        /// Steps done before.
        step: u64,
        /// Whether a checkpoint was taken up.
        resumed: bool,
    },
    /// A line for the log.
    Measured(&'a Metric),
    /// The validation data is about to be looked at.
    Looking {
        /// Steps done.
        step: u64,
    },
    /// The state was kept.
    Saved {
        /// Steps done.
        step: u64,
    },
    /// A picture was left out of its batch.
    Unreadable(&'a Unreadable),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps were done.
    Finished {
        /// Steps done.
        step: u64,
    },
    /// The scores did not get better any more.
    NoGain {
        /// Steps done.
        step: u64,
    },
    /// The observer wanted it; the run can be taken up again.
    Stopped {
        /// Steps done.
        step: u64,
    },
}

/// Watches a run.
pub trait Observer {
    /// Something happened.
    ///
    /// # Errors
    /// Whatever keeps it from being recorded; the run then ends.
    fn event(&mut self, event: &Event<'_>) -> Result<(), TrainError>;

    /// Whether the run should end after this step, with its state kept.
    fn wants_stop(&self) -> bool;
}
