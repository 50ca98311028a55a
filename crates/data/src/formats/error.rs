//! Why a data set cannot be read at all.

use std::io;
use std::path::{Path, PathBuf};

/// A data set that cannot be read. Single bad records are not errors but findings.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file system.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Nothing at that place looks like a data set.
    #[error(
        "{} is no data set Kestrel knows: {found}; expected COCO json, Pascal VOC xml, YOLO txt, \
         VIA or LabelMe json, instance PNGs, or a dataset .yaml that names the paths",
        path.display()
    )]
    Unknown {
        /// What was named.
        path: PathBuf,
        /// What lies there.
        found: String,
    },
    /// A file whose content is not what its format asks for.
    #[error("{}{}: {found}; expected {expected}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where one can be named.
        line: Option<u64>,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
}

impl FormatError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }
}
