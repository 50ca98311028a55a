//! A file that is worth having at any length: records of a run that may be stopped or fail.

use crate::place::at_place;
use anyhow::Result;
use kestrel_core::WholeFile;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Written at once, so that a disk is not asked for every line. On a disk that fills up, this much of
/// a file may be missing beside another.
const CHUNK_BYTES: usize = 1 << 13;

/// A file that gets its name at the end, with as many whole records as could be written.
pub(super) struct GrowingFile {
    path: PathBuf,
    file: WholeFile,
    waiting: Vec<u8>,
    /// Where the records in `waiting` end.
    ends: Vec<usize>,
    /// Bytes of whole records in the file.
    written: u64,
}

impl GrowingFile {
    pub fn create(path: &Path) -> Result<Self> {
        let file = at_place(path, WholeFile::create(path))?;
        let path = path.to_owned();
        Ok(Self { path, file, waiting: Vec::new(), ends: Vec::new(), written: 0 })
    }

    /// Takes a whole record.
    pub fn record(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let before = self.waiting.len();
        let outcome = match write(&mut self.waiting) {
            Ok(()) => {
                self.ends.push(self.waiting.len());
                if self.waiting.len() < CHUNK_BYTES { Ok(()) } else { self.flush() }
            }
            Err(error) => {
                self.waiting.truncate(before);
                Err(error)
            }
        };
        at_place(&self.path, outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let (num_bytes, outcome) = write_what_fits(self.file.as_file(), &self.waiting);
        // A record that broke off is none.
        let num_whole = self.ends.iter().rev().find(|end| **end <= num_bytes).copied();
        self.written += num_whole.unwrap_or(0) as u64;
        if outcome.is_err() {
            self.file.as_file().set_len(self.written)?;
        }
        self.waiting.clear();
        self.ends.clear();
        outcome
    }

    /// Gives the file its name, whatever happened to the last records.
    pub fn finish(mut self) -> Result<()> {
        let flushed = self.flush();
        at_place(&self.path, self.file.commit().and(flushed))
    }
}

/// How many bytes were written, and what kept the others out.
fn write_what_fits(mut file: &fs::File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut num_bytes = 0;
    while num_bytes < bytes.len() {
        match file.write(&bytes[num_bytes..]) {
            Ok(0) => return (num_bytes, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => num_bytes += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (num_bytes, Err(error)),
        }
    }
    (num_bytes, Ok(()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn records_are_there_once_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let mut file = GrowingFile::create(&path).unwrap();
        let line = "x".repeat(CHUNK_BYTES / 2) + "\n";
        for _ in 0..3 {
            file.record(|out| out.write_all(line.as_bytes())).unwrap();
        }
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), line.repeat(3));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_record_that_fails_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records");
        let mut file = GrowingFile::create(&path).unwrap();
        file.record(|out| out.write_all(b"whole\n")).unwrap();
        let broken = file.record(|out| {
            out.write_all(b"hal")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(broken.unwrap_err().to_string().contains("make room"));
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\n");
    }
    #[cfg(unix)]
    #[test]
    fn a_link_may_lead_to_another_disk() {
        let here = tempfile::tempdir().unwrap();
        // Memory is a disk of its own.
        let memory = Path::new("/dev/shm");
        let there = if memory.is_dir() { memory } else { here.path() };
        let there = tempfile::tempdir_in(there).unwrap();
        let (link, path) = (here.path().join("link"), there.path().join("records"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut file = GrowingFile::create(&link).unwrap();
        file.record(|out| out.write_all(b"whole\n")).unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
