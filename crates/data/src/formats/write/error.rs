//! Why a data set was not written.

use std::io;
use std::path::{Path, PathBuf};

/// A data set that was not written. What a format cannot hold is no error but a loss in the summary.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A folder that other files would be mixed with.
    #[error(
        "cannot write a data set into {}: found files in it, expected a new or an empty folder; \
         name another one",
        path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}

impl WriteError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
