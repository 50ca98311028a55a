//! What was detected, written down: JSON lines, a COCO results list, CSV, YOLO text files, and a
//! table for a terminal.
//!
//! A [`Sink`] takes one image at a time and keeps nothing of it. A file comes into being under its
//! own name only when the sink is finished; a sink dropped before leaves no file, and leaves one
//! that was there as it was. Of a YOLO folder each text file does so by itself.
//!
//! Scores and coordinates are printed with the fewest digits that read back as the same float32.
//! A detection has no NaN or infinite number; JSON would print one as `null`.

mod classes;
mod coco;
mod csv;
mod destination;
mod growing;
mod image_id;
mod json;
mod table;
pub(crate) mod video;
mod yolo;

pub use classes::{ClassResult, ClassSink, ClassTable};
pub use destination::Destination;
pub use image_id::image_ids;
pub use table::Table;
pub(crate) use table::table;

use anyhow::{Result, bail};
use destination::Output;
use kestrel_args::Format;
use kestrel_core::{Categories, Detections};
use std::path::{Path, PathBuf};

/// Writes a text, whole or not at all.
///
/// # Errors
/// When the destination cannot be written.
pub(crate) fn write_text(destination: &Destination, text: &str) -> Result<()> {
    let mut output = Output::open(destination)?;
    output.write(|writer| writer.write_all(text.as_bytes()))?;
    output.finish()
}

/// What was found in one image.
#[derive(Clone, Copy, Debug)]
pub struct ImageResult<'a> {
    /// The image as the user named it.
    pub path: &'a Path,
    /// Its number in a COCO list, see [`image_ids`].
    pub image_id: i64,
    /// The objects, in pixels of the image as a person sees it.
    pub detections: &'a Detections,
    /// What the labels are called.
    pub categories: &'a Categories,
}

/// Takes results one image at a time and writes them in one format.
pub struct Sink {
    writer: Writer,
}

enum Writer {
    Json(Output),
    Coco(Output, coco::List),
    Csv(Output),
    Yolo(yolo::Folder),
}

impl Sink {
    /// Opens the destination for the results of `images`, so that what would fail at the end of
    /// a long run fails before it starts.
    ///
    /// # Errors
    /// When the destination cannot be written, YOLO is asked for on standard output, or two images
    /// would share a YOLO file.
    pub fn open(format: Format, destination: &Destination, images: &[PathBuf]) -> Result<Self> {
        let writer = match (format, destination) {
            (Format::Yolo, Destination::Path(folder)) => {
                Writer::Yolo(yolo::Folder::open(folder, images)?)
            }
            (Format::Yolo, Destination::StandardOutput) => bail!(
                "YOLO results are a folder of text files, not a stream; name a folder with --output"
            ),
            (Format::Json, _) => Writer::Json(Output::open(destination)?),
            (Format::Coco, _) => Writer::Coco(Output::open(destination)?, coco::List::default()),
            (Format::Csv, _) => {
                let mut output = Output::open(destination)?;
                output.write(csv::write_header)?;
                Writer::Csv(output)
            }
        };
        Ok(Self { writer })
    }

    /// Writes the result of one image.
    ///
    /// # Errors
    /// When it cannot be written, see [`crate::place::is_broken_pipe`] for the one that is no failure.
    pub fn write(&mut self, result: &ImageResult<'_>) -> Result<()> {
        match &mut self.writer {
            Writer::Json(output) => output.write(|out| json::write_image(out, result)),
            Writer::Coco(output, list) => output.write(|out| list.write_image(out, result)),
            Writer::Csv(output) => output.write(|out| csv::write_image(out, result)),
            Writer::Yolo(folder) => folder.write_image(result),
        }
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// When it cannot be written; then there is no file.
    pub fn finish(self) -> Result<()> {
        match self.writer {
            Writer::Json(output) | Writer::Csv(output) => output.finish(),
            Writer::Coco(mut output, list) => {
                output.write(|out| list.write_end(out))?;
                output.finish()
            }
            Writer::Yolo(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    fn written(format: Format) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results");
        let mut sink = Sink::open(format, &path.clone().into(), &[]).unwrap();
        samples::with_results(|results| results.iter().for_each(|r| sink.write(r).unwrap()));
        sink.finish().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the file and nothing else");
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_json_file_has_a_line_for_every_image() {
        let text = written(Format::Json);
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn a_coco_file_is_one_list() {
        let list: Vec<serde_json::Value> = serde_json::from_str(&written(Format::Coco)).unwrap();
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn a_csv_file_starts_with_its_header() {
        let text = written(Format::Csv);
        assert!(text.starts_with("image,width,"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn an_unfinished_sink_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        fs::write(&path, "old").unwrap();
        let mut sink = Sink::open(Format::Json, &path.clone().into(), &[]).unwrap();
        samples::with_results(|results| sink.write(&results[0]).unwrap());
        drop(sink);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn yolo_needs_a_folder() {
        let error = Sink::open(Format::Yolo, &Destination::StandardOutput, &[]).err().unwrap();
        assert!(error.to_string().contains("name a folder with --output"), "{error}");
    }
}
