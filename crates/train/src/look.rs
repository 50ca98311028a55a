//! How validation pictures are loaded: in their order, as they are, whatever is done to those that are
//! learnt from.

use crate::error::TrainError;
use kestrel_data::{BatchError, BatchOrderConfig, Loaded, LoaderConfig, Unreadable};
use std::fmt::Display;

/// The settings for batches of `batch_size` pictures, with the threads that training has.
pub(crate) fn in_order(loader: &LoaderConfig, batch_size: usize) -> LoaderConfig {
    let batches = BatchOrderConfig {
        batch_size,
        shuffle: false,
        aspect_ratio_groups: 0,
        ..BatchOrderConfig::default()
    };
    LoaderConfig { batches, augment: Vec::new(), ..*loader }
}

/// The batch, unless none of its pictures can be read. Those that cannot go to `unreadable`.
pub(crate) fn readable<B, E: Display>(
    loaded: Loaded<B, E>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Option<B>, TrainError> {
    unreadable.extend(loaded.unreadable);
    match loaded.batch {
        Ok(batch) => Ok(Some(batch)),
        Err(BatchError::NoPicture { .. }) => Ok(None),
        Err(error) => Err(TrainError::Look { reason: error.to_string() }),
    }
}
