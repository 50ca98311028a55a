//! Why no crops were written.

use crate::{EncodeError, SampleError};
use std::io;
use std::path::{Path, PathBuf};

/// Crops that were not written. Their folder is then not there, or as empty as it was.
#[derive(Debug, thiserror::Error)]
pub enum CropsError {
    /// A setting that makes no sense.
    #[error("crops: {field} is {found}; expected {expected}")]
    Setting {
        /// Its key.
        field: &'static str,
        /// Its value.
        found: f64,
        /// What would do.
        expected: &'static str,
    },
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
        "cannot write crops into {}: found files in it, expected a new or an empty folder; name \
         another one",
        path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A link to a folder that is not there.
    #[error(
        "cannot write crops into {}: found a link that leads nowhere, expected a new or an empty \
         folder; make the folder it leads to, or name another one",
        path.display()
    )]
    LostLink {
        /// The link.
        path: PathBuf,
    },
    /// Nothing to cut out.
    #[error(
        "{}: found no object to cut out; expected some whose longer side has at least `min_side_px` \
         pixels in a picture that can be read; `kestrel data check` says what is wrong",
        path.display()
    )]
    NoObjects {
        /// The data set.
        path: PathBuf,
    },
    /// A record whose objects contradict each other.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A picture that was not written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl CropsError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
