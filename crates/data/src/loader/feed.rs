//! Which batch comes next, epoch after epoch.

use super::make::Task;
use super::{BatchOrder, LoaderPosition};

/// Hands out the batches of all epochs in order; the order of an epoch is made when it begins.
pub(super) struct Feed {
    order: BatchOrder,
    seed: u64,
    num_epochs: u64,
    next: LoaderPosition,
    /// Batches of epoch `next.epoch`, once it has begun.
    batches: Option<Vec<Vec<usize>>>,
}

impl Feed {
    pub fn new(order: BatchOrder, seed: u64, num_epochs: u64, start_at: LoaderPosition) -> Self {
        Self { order, seed, num_epochs, next: start_at, batches: None }
    }

    /// The next batch; `None` after the last epoch.
    pub fn task(&mut self) -> Option<Task> {
        while self.next.epoch < self.num_epochs {
            let (order, seed, LoaderPosition { epoch, batch }) =
                (&self.order, self.seed, self.next);
            let batches = self.batches.get_or_insert_with(|| order.epoch(seed, epoch));
            if batches.is_empty() {
                return None;
            }
            let indices = usize::try_from(batch).ok().and_then(|batch| batches.get_mut(batch));
            if let Some(indices) = indices {
                let indices = std::mem::take(indices);
                self.next.batch += 1;
                return Some(Task { position: LoaderPosition { epoch, batch }, indices });
            }
            self.next = LoaderPosition { epoch: epoch + 1, batch: 0 };
            self.batches = None;
        }
        None
    }
}
