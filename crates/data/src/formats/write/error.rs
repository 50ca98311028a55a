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
    /// YOLO labels away from their pictures.
    #[error(
        "cannot write YOLO labels into {}: found that the pictures stay where they are, expected them \
         beside the labels, the only place where YOLO's tools look for a picture's label; link to the \
         pictures (--images link), which takes no room, or write COCO",
        path.display()
    )]
    LabelsApart {
        /// The folder for the labels.
        path: PathBuf,
    },
}

impl WriteError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
