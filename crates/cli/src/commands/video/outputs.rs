//! The files of a run: the clip, the data beside it, the summary.

use crate::commands::originals::Originals;
use crate::output::video::{Summary, VideoSink, data_path};
use crate::output::{Destination, write_text};
use crate::place::check_file;
use anyhow::{Context, Result, bail};
use kestrel_args::VideoArgs;
use kestrel_core::Categories;
use kestrel_video::{Clip, Container, Encoder, Ffmpeg, Source};
use std::path::PathBuf;

/// Where the files go.
pub(super) struct Places {
    clip: PathBuf,
    container: Container,
    summary: PathBuf,
}

impl Places {
    /// Chooses the names and refuses what cannot be written or would be written over.
    pub fn new(arguments: &VideoArgs, source: &Source) -> Result<Self> {
        let default = || PathBuf::from(format!("{}-kestrel.mp4", source.stem()));
        let clip = arguments.output.clone().unwrap_or_else(default);
        let Some(container) = Container::of(&clip) else {
            bail!(
                "--output: found {}, expected a name that ends in .mp4, .m4v, .mov or .mkv",
                clip.display()
            );
        };
        let summary = clip.with_extension("summary.json");
        let read = source.files().iter().map(PathBuf::as_path);
        let read = read.chain(arguments.detector.paths());
        let originals = Originals::of(read);
        let data = arguments.format.iter().map(|format| data_path(&clip, *format));
        let clips = (!arguments.no_video).then(|| clip.clone());
        for path in clips.into_iter().chain(data).chain([summary.clone()]) {
            originals.spare(&path, "--output")?;
            check_file(&path)?;
        }
        Ok(Self { clip, container, summary })
    }
}

/// The files, opened.
pub(super) struct Outputs {
    pub sink: VideoSink,
    /// `None` where only data is wanted.
    pub encoder: Option<Encoder>,
    summary: PathBuf,
}

impl Outputs {
    pub fn open(
        arguments: &VideoArgs,
        places: Places,
        source: &Source,
        clip: &Clip,
        categories: &Categories,
        ffmpeg: impl FnOnce() -> Result<Ffmpeg>,
    ) -> Result<Self> {
        let Places { clip: path, container, summary } = places;
        let name = source.to_string();
        let sink = VideoSink::open(&arguments.format, &path, &name, categories)?;
        let encoder = match arguments.no_video {
            true => None,
            false => Some(Encoder::open(&ffmpeg()?, &path, container, clip.format())?),
        };
        Ok(Self { sink, encoder, summary })
    }

    /// Ends all files; each even where another cannot be ended.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn finish(self, summary: &Summary) -> Result<()> {
        let Self { sink, encoder, summary: path } = self;
        let clip = encoder.map_or(Ok(()), |encoder| encoder.finish().map_err(Into::into));
        let text = serde_json::to_string_pretty(summary).context("cannot write the summary")?;
        let summary = write_text(&Destination::Path(path), &(text + "\n"));
        let sink = sink.finish();
        clip.and(sink).and(summary)
    }
}
