//! What can go wrong while batches are made.

use crate::{AugmentError, SampleError};
use std::path::PathBuf;

/// A loader that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// An augmentation.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// A number outside its range, or no number at all.
    #[error("loader {field}: found {found}, expected {expected}")]
    Setting {
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// The system gives no more threads.
    #[error("cannot start the loader's thread {thread}: {source}; set fewer threads")]
    Thread {
        /// Its number, counted from 1.
        thread: usize,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A batch that was not made.
#[derive(Debug, thiserror::Error)]
pub enum BatchError<E> {
    /// None of its pictures can be read; [`super::Loaded::unreadable`] names them.
    #[error("none of the {found} pictures of the batch can be read; expected at least one")]
    NoPicture {
        /// Pictures that were tried.
        found: usize,
    },
    /// Putting the samples together.
    #[error(transparent)]
    Collate(E),
    /// A bug: the code that made the batch panicked.
    #[error("making the batch panicked: {message}")]
    Panic {
        /// What it said.
        message: String,
    },
}

/// An image that is not in its batch.
#[derive(Debug, thiserror::Error)]
#[error("image {image_id} ({}) is left out of its batch: {source}", path.display())]
pub struct Unreadable {
    /// Id of the image in its data set.
    pub image_id: u64,
    /// Where its file lies, or should.
    pub path: PathBuf,
    /// Why.
    pub source: SampleError,
}
