//! A data set -> batches, ahead of time and in order.
//!
//! Threads decode and augment the samples of a batch and hand them to the caller's `collate`, which
//! makes of them whatever the network takes. Batches come out in the order of [`BatchOrder`], with
//! the same bytes whatever the number of threads: the random numbers of a sample belong to its place
//! in the run ([`crate::Chance::of_sample`]), and a run can be taken up again at any
//! [`LoaderPosition`].

mod error;
mod feed;
mod make;
mod order;
mod pool;
mod repeats;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod tests;

pub use error::{BatchError, LoaderError, Unreadable};
pub use order::{BatchOrder, BatchOrderConfig};

use crate::{Augmentation, Augmenter, Dataset, DecodeLimits, Sample};
use feed::Feed;
use make::Maker;
use pool::Pool;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// More threads than this are a slip of the pen.
const MAX_THREADS: usize = 1024;

/// How batches are made, as a config file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoaderConfig {
    /// Which images make up a batch.
    pub batches: BatchOrderConfig,
    /// What is done to each sample, one after the other; nothing by default.
    pub augment: Vec<Augmentation>,
    /// Threads that make batches, up to 1024; with 0 the caller's thread makes them when asked. The
    /// default is 2.
    pub threads: usize,
    /// Batches that may exist, in the making or made, besides the one the caller was given; at least
    /// 1, and as many as there are threads to keep them all busy. The default is 4.
    pub prefetch: usize,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self { batches: BatchOrderConfig::default(), augment: Vec::new(), threads: 2, prefetch: 4 }
    }
}

/// What is to be loaded, as the run knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderRun {
    /// Where the order of the images and all random choices come from.
    pub seed: u64,
    /// The first batch.
    pub start_at: LoaderPosition,
    /// The loader ends before the epoch of this number.
    pub num_epochs: u64,
    /// Whether samples have masks; objects without one are then left out ([`Dataset::sample`]).
    pub with_masks: bool,
    /// How large a picture may be.
    pub limits: DecodeLimits,
}

impl LoaderRun {
    /// One epoch from its start, with the default limits.
    pub fn one_epoch(seed: u64, with_masks: bool) -> Self {
        let (start_at, limits) = (LoaderPosition::default(), DecodeLimits::default());
        Self { seed, start_at, num_epochs: 1, with_masks, limits }
    }
}

/// A batch of a run. One past the last batch of an epoch is the start of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LoaderPosition {
    /// Counted from 0.
    pub epoch: u64,
    /// Counted from 0 in each epoch.
    pub batch: u64,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Loaded<B, E> {
    /// Which batch of the run it is.
    pub position: LoaderPosition,
    /// What `collate` made of its samples.
    pub batch: Result<B, BatchError<E>>,
    /// Images that are not in it, since they cannot be read. Whether that ends a run is the caller's
    /// affair.
    pub unreadable: Vec<Unreadable>,
}

/// Makes the batches of a run ahead of time; an iterator over them in order.
///
/// Dropped in the middle, it stops its threads at the sample each is at.
///
/// ```no_run
/// # use kestrel_data::{Loader, LoaderConfig, LoaderRun, Sample, read_collection};
/// # use std::{path::Path, sync::Arc};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dataset = read_collection(Path::new("cells"))?.splits.remove(0).dataset;
/// let count = |samples: Vec<Sample>| Ok::<_, std::fmt::Error>(samples.len());
/// let run = LoaderRun::one_epoch(7, true);
/// for loaded in Loader::new(Arc::new(dataset), &LoaderConfig::default(), run, count)? {
///     let num_samples = loaded.batch?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Loader<B, E> {
    source: Source<B, E>,
    next_position: LoaderPosition,
}

enum Source<B, E> {
    /// Threads make them.
    Pool(Pool<B, E>),
    /// The caller's thread makes them.
    Here(Box<(Maker<B, E>, Feed)>),
}

impl<B: Send + 'static, E: Send + 'static> Loader<B, E> {
    /// Starts to load. `collate` is called in the loader's threads; an error of its own comes out in
    /// the place of the batch, and so does a panic.
    ///
    /// # Errors
    /// When a setting makes no sense, or the system gives no thread.
    pub fn new(
        dataset: Arc<Dataset>,
        config: &LoaderConfig,
        run: LoaderRun,
        collate: impl Fn(Vec<Sample>) -> Result<B, E> + Send + Sync + 'static,
    ) -> Result<Self, LoaderError> {
        config.validate()?;
        let order = BatchOrder::new(&dataset, &config.batches)?;
        let LoaderRun { seed, start_at, num_epochs, with_masks, limits } = run;
        let augmenter = Augmenter::new(&config.augment)?;
        let collate = Box::new(collate);
        let maker = Maker { dataset, augmenter, collate, seed, with_masks, limits };
        let feed = Feed::new(order, seed, num_epochs, start_at);
        let source = match config.threads {
            0 => Source::Here(Box::new((maker, feed))),
            threads => Source::Pool(Pool::new(maker, feed, threads, config.prefetch)?),
        };
        Ok(Self { source, next_position: start_at })
    }

    /// Where a run that has used all batches so far is to be taken up again.
    pub fn position(&self) -> LoaderPosition {
        self.next_position
    }
}

impl<B: Send + 'static, E: Send + 'static> Iterator for Loader<B, E> {
    type Item = Loaded<B, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let loaded = match &mut self.source {
            Source::Pool(pool) => pool.next()?,
            Source::Here(here) => {
                let (maker, feed) = here.as_mut();
                maker.make(&feed.task()?, || false)?
            }
        };
        let LoaderPosition { epoch, batch } = loaded.position;
        self.next_position = LoaderPosition { epoch, batch: batch + 1 };
        Some(loaded)
    }
}

impl LoaderConfig {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first setting that makes no sense, and what would.
    pub fn validate(&self) -> Result<(), LoaderError> {
        if self.threads > MAX_THREADS {
            let (found, expected) = (self.threads as f64, "0 to 1024");
            return Err(LoaderError::Setting { field: "threads", found, expected });
        }
        if self.prefetch == 0 {
            let expected = "at least 1";
            return Err(LoaderError::Setting { field: "prefetch", found: 0.0, expected });
        }
        self.batches.validate()?;
        self.augment.iter().try_for_each(Augmentation::validate)?;
        Ok(())
    }
}
