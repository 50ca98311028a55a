//! Places that results go to, and what is said when they cannot.

use anyhow::Result;
use kestrel_core::folder_of;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// A write that failed.
#[derive(Debug)]
struct WriteError {
    place: String,
    source: io::Error,
}

impl WriteError {
    fn cause(&self) -> String {
        match self.source.kind() {
            // Said of a file that is to be made; /proc is such a folder.
            ErrorKind::NotFound => "no such folder, or none that takes files".into(),
            _ => self.source.to_string(),
        }
    }

    fn remedy(&self) -> &'static str {
        match self.source.kind() {
            ErrorKind::NotFound => "make the folder first or name another place",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "name a place that may be written to"
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room or name another place",
            ErrorKind::IsADirectory => "name a file in it",
            ErrorKind::NotADirectory => "name a folder",
            _ => "name another place",
        }
    }
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot write to {}: {}; {}", self.place, self.cause(), self.remedy())
    }
}

// No source: the message has said it already.
impl std::error::Error for WriteError {}

/// Whether writing ended because the reader of standard output went away, as `head` does: no
/// reason to complain.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let write_error = error.downcast_ref::<WriteError>();
    write_error.is_some_and(|error| error.source.kind() == ErrorKind::BrokenPipe)
}

/// Names the place in whatever failed there.
pub(crate) fn at_place<T>(place: &Path, outcome: io::Result<T>) -> Result<T> {
    named(&place.display().to_string(), outcome)
}

/// [`at_place`] for what has no path.
pub(crate) fn named<T>(place: &str, outcome: io::Result<T>) -> Result<T> {
    outcome.map_err(|source| WriteError { place: place.to_owned(), source }.into())
}

/// Makes a folder, and those it lies in, where there is none.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    let is_something_else = folder.exists() && !folder.is_dir();
    let outcome = match is_something_else {
        true => Err(ErrorKind::NotADirectory.into()),
        false => fs::create_dir_all(folder),
    };
    at_place(folder, outcome)
}

/// Whether a file can take this name, so that what would fail at the end of long work fails before
/// it starts.
pub(crate) fn check_file(path: &Path) -> Result<()> {
    let outcome = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ErrorKind::IsADirectory.into()),
        // A device would be replaced by a file.
        Ok(found) if !found.is_file() => Err(io::Error::other("not an ordinary file")),
        Ok(_) => Ok(()),
        Err(_) if folder_of(path).is_dir() => Ok(()),
        Err(_) => Err(ErrorKind::NotFound.into()),
    };
    at_place(path, outcome)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_reader_is_a_broken_pipe() {
        let failed = |kind: ErrorKind| named::<()>("x", Err(kind.into())).unwrap_err();
        assert!(is_broken_pipe(&failed(ErrorKind::BrokenPipe)));
        assert!(!is_broken_pipe(&failed(ErrorKind::StorageFull)));
    }

    #[test]
    fn each_cause_has_its_remedy() {
        let message = |kind: ErrorKind| named::<()>("x", Err(kind.into())).unwrap_err().to_string();
        assert!(message(ErrorKind::StorageFull).ends_with("; make room or name another place"));
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            assert!(message(kind).ends_with("; name a place that may be written to"));
        }
    }

    #[test]
    fn a_folder_is_made_where_nothing_else_is() {
        let root = tempfile::tempdir().unwrap();
        let (file, deep) = (root.path().join("file"), root.path().join("a/b"));
        fs::write(&file, "").unwrap();
        make_folder(&deep).unwrap();
        make_folder(&deep).unwrap();
        assert!(deep.is_dir());
        let error = make_folder(&file).unwrap_err().to_string();
        assert!(error.ends_with("file: not a directory; name a folder"), "{error}");
    }

    #[test]
    fn a_file_needs_a_folder_and_a_free_name() {
        let root = tempfile::tempdir().unwrap();
        let message = |path: &Path| check_file(path).map_err(|error| error.to_string());
        fs::write(root.path().join("old"), "").unwrap();
        assert_eq!(message(&root.path().join("new")), Ok(()));
        assert_eq!(message(&root.path().join("old")), Ok(()));
        assert_eq!(message(Path::new("new")), Ok(()));
        assert!(message(root.path()).unwrap_err().contains("is a directory"));
        let error = message(&root.path().join("no/new")).unwrap_err();
        assert!(error.contains("no such folder") && error.contains("make the folder"), "{error}");
        #[cfg(unix)]
        assert!(message(Path::new("/dev/null")).unwrap_err().contains("not an ordinary file"));
    }
}
