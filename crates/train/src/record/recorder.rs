//! All records of a run, kept up to date line by line.

use super::Metric;
use super::curves::draw_curves;
use super::events::EventWriter;
use super::log::{Log, LogWriter, Measured, read_log};
use super::sheet::{Looked, draw_sheet};
use crate::error::TrainError;
use kestrel_core::{Categories, RgbImage};
use kestrel_data::{EncodeError, write_picture};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every number, a line each.
pub const LOG_FILE: &str = "metrics.jsonl";
/// Losses, scores and learning rate over steps.
pub const CURVES_FILE: &str = "curves.png";
/// Validation pictures, ground truth beside what was found.
pub const SHEET_FILE: &str = "validation.png";

/// Keeps the records of one run in its folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    lines: Vec<Measured>,
    log: LogWriter,
    events: EventWriter,
}

impl Recorder {
    /// Opens the records in `folder`, which is made where it is not there. Lines of steps after
    /// `step`, the number of steps the run has done, are dropped: 0 begins anew.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn open(folder: &Path, step: u64) -> Result<Self, TrainError> {
        fs::create_dir_all(folder).map_err(TrainError::file(folder))?;
        let path = folder.join(LOG_FILE);
        let Log { mut lines, .. } = read_log(&path)?;
        lines.retain(|line| step_of(&line.metric) <= step && step > 0);
        let log = LogWriter::start(&path, &lines)?;
        let events = EventWriter::start(folder, &lines)?;
        Ok(Self { folder: folder.to_owned(), lines, log, events })
    }

    /// Adds a line; after a look at the validation data the curves are drawn anew.
    ///
    /// # Errors
    /// When a file cannot be written, as on a full disk.
    pub fn write(&mut self, metric: &Metric) -> Result<(), TrainError> {
        let line = Measured::now(metric.clone());
        self.log.write(&line)?;
        self.events.write(&line)?;
        self.lines.push(line);
        match metric {
            Metric::Step { .. } => Ok(()),
            Metric::Validation { .. } => self.draw_curves(),
        }
    }

    /// Draws validation pictures with what was found on them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_sheet(
        &self,
        pictures: &[Looked],
        categories: &Categories,
        min_score: f32,
    ) -> Result<(), TrainError> {
        self.write_picture(SHEET_FILE, &draw_sheet(pictures, categories, min_score))
    }

    /// Draws the curves a last time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(&self) -> Result<(), TrainError> {
        self.draw_curves()
    }

    /// Writes the log elsewhere from now on.
    #[cfg(test)]
    pub(super) fn redirect_log(&mut self, device: &Path) {
        self.log.redirect(device);
    }

    fn draw_curves(&self) -> Result<(), TrainError> {
        self.write_picture(CURVES_FILE, &draw_curves(&self.lines))
    }

    fn write_picture(&self, name: &str, picture: &RgbImage) -> Result<(), TrainError> {
        let path = self.folder.join(name);
        write_picture(&path, picture).map_err(|error| {
            let source = match error {
                // The system names the hidden file, which nobody has heard of.
                EncodeError::Io { source, .. } => source.kind().into(),
                other => io::Error::other(other),
            };
            TrainError::file(path)(source)
        })
    }
}

const fn step_of(metric: &Metric) -> u64 {
    match metric {
        Metric::Step { step, .. } | Metric::Validation { step, .. } => *step,
    }
}
