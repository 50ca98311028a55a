//! The folder of the crops, which stays hidden until all of them are there.

use super::CropsError;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A hidden folder, which is gone when it goes out of scope before it appeared.
pub struct Output {
    hidden: TempDir,
    /// Where it is to appear.
    folder: PathBuf,
    /// Whether there is a folder already. It stays, since it may be one that cannot be replaced: where
    /// a disk is mounted, where a link leads, where somebody works.
    is_there: bool,
}

impl Output {
    /// What is to become `folder`: in it where it is there already, else beside it.
    ///
    /// # Errors
    /// When something is in `folder`, it is something else, or nothing can be written there.
    pub fn at(folder: &Path) -> Result<Self, CropsError> {
        let folder =
            std::path::absolute(folder).map_err(|source| CropsError::io(folder, source))?;
        let parent = folder.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(|source| CropsError::io(parent, source))?;
        require_empty(&folder)?;
        let is_there = folder.is_dir();
        let around = if is_there { &folder } else { parent };
        // Its own error names the hidden folder, which nobody asked for.
        let unmade = |error: io::Error| CropsError::io(around, error.kind().into());
        let hidden = hidden_folder().tempdir_in(around).map_err(unmade)?;
        Ok(Self { hidden, folder, is_there })
    }

    /// Where the crops are written.
    pub fn path(&self) -> &Path {
        self.hidden.path()
    }

    /// Shows what was written, all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn appear(self) -> Result<(), CropsError> {
        let moved = match self.is_there {
            true => move_entries(self.hidden.path(), &self.folder),
            false => fs::rename(self.hidden.path(), &self.folder),
        };
        moved.map_err(|source| CropsError::io(&self.folder, source))?;
        if !self.is_there {
            // There is nothing left to remove.
            let _ = self.hidden.keep();
        }
        Ok(())
    }
}

fn require_empty(folder: &Path) -> Result<(), CropsError> {
    match fs::read_dir(folder).map(Iterator::count) {
        Ok(1..) => Err(CropsError::NotEmpty { path: folder.into() }),
        Err(source) if source.kind() != ErrorKind::NotFound => Err(CropsError::io(folder, source)),
        Err(_) if folder.is_symlink() => Err(CropsError::LostLink { path: folder.into() }),
        _ => Ok(()),
    }
}

fn hidden_folder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".kestrel-crops-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary folder is its owner's alone; this one becomes an ordinary one, less the umask.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder
}

/// Moves what is in one folder into another; back again where that fails.
fn move_entries(from: &Path, to: &Path) -> io::Result<()> {
    let entries = fs::read_dir(from)?.collect::<io::Result<Vec<DirEntry>>>()?;
    let names: Vec<_> = entries.iter().map(DirEntry::file_name).collect();
    for (place, name) in names.iter().enumerate() {
        if let Err(error) = fs::rename(from.join(name), to.join(name)) {
            for name in &names[..place] {
                let _ = fs::rename(to.join(name), from.join(name));
            }
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_folder_appears_at_the_end() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crops");
        let output = |folder: &Path| {
            let output = Output::at(folder).unwrap();
            fs::create_dir(output.path().join("cell")).unwrap();
            output
        };
        drop(output(&folder));
        assert_eq!(names(root.path()), [""; 0]);
        let complete = output(&folder);
        assert!(!folder.exists());
        complete.appear().unwrap();
        assert_eq!(names(root.path()), ["crops"]);
        assert_eq!(names(&folder), ["cell"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path| fs::metadata(path).unwrap().permissions().mode();
            let other = root.path().join("other");
            fs::create_dir(&other).unwrap();
            assert_eq!(mode(folder), mode(other), "as any other folder");
        }
    }

    #[test]
    fn what_cannot_appear_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let there = root.path().join("there");
        fs::create_dir(&there).unwrap();
        for folder in [there, root.path().join("new")] {
            let output = Output::at(&folder).unwrap();
            for class in ["a", "b", "c"] {
                fs::create_dir(output.path().join(class)).unwrap();
            }
            // Somebody else writes there meanwhile.
            fs::create_dir_all(folder.join("b/other")).unwrap();
            let error = output.appear().unwrap_err().to_string();
            assert!(error.contains("cannot write"), "{error}");
            assert_eq!(names(&folder), ["b"]);
        }
        assert_eq!(names(root.path()), ["new", "there"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_refused_at_the_beginning() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(root.path().join("gone"), &link).unwrap();
        let error = Output::at(&link).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("link") && error.contains("leads nowhere"), "{error}");
        assert_eq!(names(root.path()), ["link"]);
    }
}
