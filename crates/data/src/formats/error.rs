//! Why a data set cannot be read at all.

use crate::{Finding, FindingKind, Place};
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
         VIA or LabelMe json, instance PNGs, a folder of pictures for each class, or a dataset .yaml \
         that names the paths",
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

    /// The same as a finding, where only one of many files is concerned.
    pub(super) fn into_finding(self) -> Finding {
        let (file, line, detail) = match self {
            Self::Io { path, source } => (path, None, format!("cannot be read: {source}")),
            Self::Unknown { path, found } => (path, None, found),
            Self::Content { path, line, found, expected } => {
                (path, line, format!("found {found}, expected {expected}"))
            }
        };
        let place = Place { file, line, annotation: None };
        Finding { kind: FindingKind::MalformedAnnotation, place, detail }
    }
}
