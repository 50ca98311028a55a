//! One batch: its samples decoded, augmented, and put together.

use super::error::{BatchError, Unreadable};
use super::{Loaded, LoaderPosition};
use crate::{Augmenter, Chance, Dataset, DecodeLimits, Sample, SampleError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Makes one thing of the samples of a batch.
pub(super) type Collate<B, E> = Box<dyn Fn(Vec<Sample>) -> Result<B, E> + Send + Sync>;

/// All that is needed to make any batch; nothing of it changes.
pub(super) struct Maker<B, E> {
    pub dataset: Arc<Dataset>,
    pub augmenter: Augmenter,
    pub collate: Collate<B, E>,
    pub seed: u64,
    pub with_masks: bool,
    pub limits: DecodeLimits,
}

/// A batch to be made.
pub(super) struct Task {
    pub position: LoaderPosition,
    /// Places in [`Dataset::images`].
    pub indices: Vec<usize>,
}

impl<B, E> Maker<B, E> {
    /// The batch, or why there is none; `None` when `stopped` says that nobody waits for it.
    pub fn make(&self, task: &Task, stopped: impl Fn() -> bool) -> Option<Loaded<B, E>> {
        let mut unreadable = Vec::new();
        // What a panic leaves half done is dropped with the batch.
        let made = catch_unwind(AssertUnwindSafe(|| self.try_make(task, &mut unreadable, stopped)));
        let batch = made.unwrap_or_else(|panic| {
            Some(Err(BatchError::Panic { message: panic_message(panic.as_ref()) }))
        })?;
        Some(Loaded { position: task.position, batch, unreadable })
    }

    fn try_make(
        &self,
        task: &Task,
        unreadable: &mut Vec<Unreadable>,
        stopped: impl Fn() -> bool,
    ) -> Option<Result<B, BatchError<E>>> {
        let mut samples = Vec::with_capacity(task.indices.len());
        for (&index, place) in task.indices.iter().zip(0..) {
            if stopped() {
                return None;
            }
            let LoaderPosition { epoch, batch } = task.position;
            match self.sample(index, Chance::of_sample(self.seed, epoch, batch, place)) {
                Ok(sample) => samples.push(sample),
                Err(source) => {
                    let record = &self.dataset.images[index];
                    let (image_id, path) = (record.id, record.path.clone());
                    unreadable.push(Unreadable { image_id, path, source });
                }
            }
        }
        if samples.is_empty() {
            return Some(Err(BatchError::NoPicture { found: task.indices.len() }));
        }
        Some((self.collate)(samples).map_err(BatchError::Collate))
    }

    fn sample(&self, index: usize, mut chance: Chance) -> Result<Sample, SampleError> {
        let sample = self.dataset.sample(index, self.with_masks, &self.limits)?;
        // A donor that cannot be read is named when its own turn comes.
        let mut donors = |chance: &mut Chance| {
            let index = chance.below(self.dataset.images.len());
            self.dataset.sample(index, self.with_masks, &self.limits).ok()
        };
        Ok(self.augmenter.apply(sample, &mut chance, &mut donors))
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
