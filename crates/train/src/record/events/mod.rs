//! A run for TensorBoard: an event file with a value for each number of each line of the log.
//!
//! Source: `tensorflow/core/util/event.proto`, `framework/summary.proto`, and the framing of
//! `lib/io/record_writer.cc`. Each sitting of a run has a file of its own name, made of all lines so
//! far, and the one before is removed: a TensorBoard that looks on goes over to the new file.

mod message;

use super::Metric;
use super::log::{Measured, replace, unix_secs};
use crate::error::TrainError;
use message::{event, first_event, frame};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// TensorBoard knows event files by this part of their name.
const MARK: &str = ".tfevents.";

/// An event file that is being written.
#[derive(Debug)]
pub(super) struct EventWriter {
    path: PathBuf,
    file: File,
}

impl EventWriter {
    /// Writes a file of `lines` and removes those of earlier sittings.
    pub(super) fn start(folder: &Path, lines: &[Measured]) -> Result<Self, TrainError> {
        let (earlier, now) = (event_files(folder)?, unix_secs());
        // Later names are read later, so a number above all others.
        let number = earlier.iter().filter_map(|path| number_of(path)).max();
        let number = number.map_or(now as u64, |last| (now as u64).max(last + 1));
        let path = folder.join(format!("events.out{MARK}{number:010}.kestrel"));
        let mut bytes = frame(&first_event(now));
        lines.iter().for_each(|line| bytes.extend(frame(&event_of(line))));
        replace(&path, &bytes)?;
        for path in earlier {
            fs::remove_file(&path).map_err(TrainError::file(&path))?;
        }
        let file = OpenOptions::new().append(true).open(&path).map_err(TrainError::file(&path))?;
        Ok(Self { path, file })
    }

    pub(super) fn write(&mut self, line: &Measured) -> Result<(), TrainError> {
        let bytes = frame(&event_of(line));
        self.file.write_all(&bytes).map_err(TrainError::file(&self.path))
    }
}

fn event_files(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let paths = entries.map_err(TrainError::file(folder))?.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| number_of(path).is_some()).collect())
}

fn number_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_prefix("events.out")?;
    name.strip_prefix(MARK)?.strip_suffix(".kestrel")?.parse().ok()
}

fn event_of(line: &Measured) -> Vec<u8> {
    let (step, values) = values(&line.metric);
    event(line.unix_secs, step, &values)
}

/// The numbers of a line by the names TensorBoard shows; it groups them by what stands before `/`.
fn values(metric: &Metric) -> (u64, Vec<(String, f64)>) {
    match metric {
        Metric::Step { step, epoch, lr, losses, grad_norm, images_per_sec, memory_bytes } => {
            let gib = memory_bytes.map(|bytes| bytes as f64 / f64::from(1 << 30));
            let others = [
                ("train/learning_rate", Some(*lr)),
                ("train/gradient_norm", Some(*grad_norm)),
                ("train/epoch", Some(*epoch as f64)),
                ("speed/images_per_sec", Some(*images_per_sec)),
                ("speed/memory_gib", gib),
            ];
            let others =
                others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            (*step, named("loss", losses).chain(others).collect())
        }
        Metric::Validation { step, losses, scores, secs, .. } => {
            let secs = [("speed/validation_secs".to_owned(), *secs)];
            let numbers = named("validation_loss", losses).chain(named("score", scores));
            (*step, numbers.chain(secs).collect())
        }
    }
}

fn named<'a>(
    group: &'a str,
    numbers: &'a BTreeMap<String, f64>,
) -> impl Iterator<Item = (String, f64)> {
    numbers.iter().map(move |(name, value)| (format!("{group}/{name}"), *value))
}
