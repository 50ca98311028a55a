//! The file a download grows in until it is whole and known to be right.

use crate::error::{Action, FetchError};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes read or written at a time.
pub(crate) const CHUNK: usize = 128 * 1024;

/// The beginning of a file, on disk.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Part {
    /// What an earlier download left at `path`, or an empty beginning.
    pub(crate) fn open(path: PathBuf) -> Result<Self, FetchError> {
        let mut options = OpenOptions::new();
        let opened = options.create(true).append(true).open(&path);
        let file = opened.map_err(failed(&path, Action::Open))?;
        let len = file.metadata().map_err(failed(&path, Action::Open))?.len();
        Ok(Self { file, path, len })
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds to the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(failed(&self.path, Action::Write))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Back to nothing.
    pub(crate) fn clear(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(failed(&self.path, Action::Write))?;
        self.len = 0;
        Ok(())
    }

    /// The SHA-256 of what is there, in hexadecimal.
    pub(crate) fn sha256(&self) -> Result<String, FetchError> {
        sha256(&self.path).map_err(failed(&self.path, Action::Read))
    }

    /// Gives the file its final name.
    pub(crate) fn rename(self, path: &Path) -> Result<(), FetchError> {
        // The name vouches for the content, so the content has to survive a power cut first.
        self.file.sync_all().map_err(failed(&self.path, Action::Write))?;
        fs::rename(&self.path, path).map_err(failed(path, Action::Rename))
    }

    /// Removes the file.
    pub(crate) fn remove(self) -> Result<(), FetchError> {
        fs::remove_file(&self.path).map_err(failed(&self.path, Action::Remove))
    }
}

/// Turns what the system said into an error that names the file.
pub(crate) fn failed(path: &Path, action: Action) -> impl FnOnce(io::Error) -> FetchError {
    move |cause| FetchError::File { path: path.to_owned(), action, cause }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(format!("{:x}", hasher.finalize())),
            Ok(read) => hasher.update(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_part_grows_over_several_openings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.part");
        Part::open(path.clone()).unwrap().append(b"ab").unwrap();
        let mut part = Part::open(path.clone()).unwrap();
        assert_eq!(part.len(), 2);
        part.append(b"c").unwrap();
        // The test vector of FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(part.sha256().unwrap(), abc);
        part.clear().unwrap();
        part.append(b"x").unwrap();
        part.rename(&folder.path().join("model")).unwrap();
        assert_eq!(fs::read(folder.path().join("model")).unwrap(), b"x");
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Part::open(folder.path().to_owned()).unwrap_err().to_string();
        let begin = format!("{}: cannot open the file: ", folder.path().display());
        assert!(error.starts_with(&begin), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_named() {
        // The device on which every write finds no space.
        let mut part = Part::open("/dev/full".into()).unwrap();
        let error = part.append(b"x").unwrap_err();
        assert_eq!(part.len(), 0);
        let FetchError::File { action: Action::Write, cause, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(cause.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("free space"), "{error}");
    }
}
