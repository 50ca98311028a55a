//! What was seen in a clip, written down frame by frame: JSON lines, MOTChallenge text, CSV, COCO with
//! videos. A run that stops early leaves whole records of everything before.

mod coco;
mod csv;
mod json;
mod mot;
mod summary;

pub(crate) use mot::write_object as write_mot_object;
pub(crate) use summary::{RunFacts, Summary};

use super::growing::GrowingFile;
use anyhow::Result;
use kestrel_args::VideoFormat;
use kestrel_core::{Categories, Detection, ImageSize};
use kestrel_video::TrackId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// An object in a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeenObject {
    /// Which object it is; `None` where none are followed.
    pub track: Option<TrackId>,
    /// Where and what.
    pub detection: Detection,
}

/// A frame and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeenFrame {
    /// Its place in the clip that is written, from 0.
    pub index: usize,
    /// When it is shown, in seconds of the source.
    pub secs: f64,
    /// Height and width.
    pub size: ImageSize,
    /// What was found, by falling score.
    pub objects: Vec<SeenObject>,
}

/// The file of a format beside a clip.
pub(crate) fn data_path(clip: &Path, format: VideoFormat) -> PathBuf {
    clip.with_extension(match format {
        VideoFormat::Json => "jsonl",
        VideoFormat::Mot => "mot.txt",
        VideoFormat::Csv => "csv",
        VideoFormat::Coco => "coco.json",
    })
}

/// Takes frames in their order and writes them in the formats asked for.
pub(crate) struct VideoSink {
    writers: Vec<(GrowingFile, Writer)>,
    categories: Categories,
}

enum Writer {
    Json,
    Mot,
    Csv,
    Coco(coco::Videos),
}

impl VideoSink {
    /// Opens a file for each format beside `clip`, which is what the frames are written to or would
    /// be; `name` is what they are read from.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn open(
        formats: &[VideoFormat],
        clip: &Path,
        name: &str,
        categories: &Categories,
    ) -> Result<Self> {
        let formats: BTreeSet<VideoFormat> = formats.iter().copied().collect();
        let open = |format: VideoFormat| -> Result<(GrowingFile, Writer)> {
            let mut file = GrowingFile::create(&data_path(clip, format))?;
            let writer = match format {
                VideoFormat::Json => Writer::Json,
                VideoFormat::Mot => Writer::Mot,
                VideoFormat::Csv => {
                    file.record(csv::write_header)?;
                    Writer::Csv
                }
                VideoFormat::Coco => {
                    file.record(|out| coco::write_start(out, categories))?;
                    Writer::Coco(coco::Videos::new(name))
                }
            };
            Ok((file, writer))
        };
        let writers = formats.into_iter().map(open).collect::<Result<_>>()?;
        Ok(Self { writers, categories: categories.clone() })
    }

    /// Writes what is in the next frame.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&mut self, frame: &SeenFrame) -> Result<()> {
        let categories = &self.categories;
        for (file, writer) in &mut self.writers {
            file.record(|out| match writer {
                Writer::Json => json::write_frame(out, frame, categories),
                Writer::Mot => mot::write_frame(out, frame),
                Writer::Csv => csv::write_frame(out, frame, categories),
                Writer::Coco(videos) => videos.write_frame(out, frame),
            })?;
        }
        Ok(())
    }

    /// Ends all files and gives them their names; also after a failure.
    ///
    /// # Errors
    /// The first that cannot be ended.
    pub fn finish(self) -> Result<()> {
        let mut outcome = Ok(());
        for (mut file, writer) in self.writers {
            let ended = match writer {
                Writer::Coco(videos) => file.record(|out| videos.write_end(out)),
                _ => Ok(()),
            };
            outcome = outcome.and(file.finish()).and(ended);
        }
        outcome
    }
}
