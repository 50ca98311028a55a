//! `metrics.jsonl` as a file that survives being cut off at any moment.
//!
//! A line is written at once, so a run that is killed leaves at most its last line torn. A run that
//! is taken up again drops torn lines and those of steps it does over again.

use super::Metric;
use crate::error::TrainError;
use kestrel_core::write_whole;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A line: what was measured, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds since 1970.
    pub unix_secs: f64,
    /// What was measured.
    #[serde(flatten)]
    pub metric: Metric,
}

impl Measured {
    /// Now.
    pub fn now(metric: Metric) -> Self {
        // Milliseconds are plenty, and keep the lines short.
        Self { unix_secs: (unix_secs() * 1000.0).round() / 1000.0, metric }
    }
}

/// Seconds since 1970.
pub(super) fn unix_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// What a file of lines holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// The lines, in their order.
    pub lines: Vec<Measured>,
    /// Lines that could not be read, such as a torn one.
    pub num_torn: usize,
}

/// Reads a `metrics.jsonl`; one that is not there is empty.
///
/// # Errors
/// When the file cannot be read.
pub fn read_log(path: &Path) -> Result<Log, TrainError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Log::default()),
        Err(error) => return Err(TrainError::file(path)(error)),
    };
    let mut log = Log::default();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        // A line without its end may be the beginning of a longer number.
        let whole = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        match whole {
            Some(line) => log.lines.push(line),
            None => log.num_torn += 1,
        }
    }
    Ok(log)
}

/// A `metrics.jsonl` that is being written.
#[derive(Debug)]
pub(super) struct LogWriter {
    path: PathBuf,
    file: File,
}

impl LogWriter {
    /// Writes `lines` anew, beside and renamed, and goes on after them.
    pub(super) fn start(path: &Path, lines: &[Measured]) -> Result<Self, TrainError> {
        let text: String = lines.iter().map(text_of).collect();
        replace(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::file(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(super) fn write(&mut self, line: &Measured) -> Result<(), TrainError> {
        let text = text_of(line);
        self.file.write_all(text.as_bytes()).map_err(TrainError::file(&self.path))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl LogWriter {
    /// Writes to `device` from now on.
    pub(super) fn redirect(&mut self, device: &Path) {
        self.file = OpenOptions::new().write(true).open(device).unwrap();
    }
}

fn text_of(line: &Measured) -> String {
    // Words and numbers: nothing in it can fail to be written.
    format!("{}\n", serde_json::to_string(line).unwrap_or_default())
}

/// Puts a file in the place of another, whole or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    write_whole(path, bytes).map_err(TrainError::file(path))
}
