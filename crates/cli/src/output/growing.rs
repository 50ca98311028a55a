//! A file that is worth having at any length: records of a run that may be stopped or fail.

use crate::place::{at_place, folder_of};
use anyhow::Result;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Written at once, so that a disk is not asked for every line. On a disk that fills up, this much of
/// a file may be missing beside another.
const CHUNK_BYTES: usize = 1 << 13;

/// A file that gets its name at the end, with as many whole records as could be written.
pub(super) struct GrowingFile {
    path: PathBuf,
    hidden: NamedTempFile,
    waiting: Vec<u8>,
    /// Where the records in `waiting` end.
    ends: Vec<usize>,
    /// Bytes of whole records in the file.
    written: u64,
}

impl GrowingFile {
    pub fn create(path: &Path) -> Result<Self> {
        // The full message would name the hidden file, which nobody has heard of.
        let hidden = super::destination::hidden_file(folder_of(path));
        let hidden = at_place(path, hidden.map_err(|error| error.kind().into()))?;
        Ok(Self {
            path: path.to_owned(),
            hidden,
            waiting: Vec::new(),
            ends: Vec::new(),
            written: 0,
        })
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
        let (num_bytes, outcome) = write_what_fits(self.hidden.as_file(), &self.waiting);
        // A record that broke off is none.
        let num_whole = self.ends.iter().rev().find(|end| **end <= num_bytes).copied();
        self.written += num_whole.unwrap_or(0) as u64;
        if outcome.is_err() {
            self.hidden.as_file().set_len(self.written)?;
        }
        self.waiting.clear();
        self.ends.clear();
        outcome
    }

    /// Gives the file its name, whatever happened to the last records.
    pub fn finish(mut self) -> Result<()> {
        let flushed = self.flush();
        // Through a link to the file it means.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let named = self.hidden.persist(&path).map(drop).map_err(|error| error.error);
        at_place(&self.path, named.and(flushed))
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
}
