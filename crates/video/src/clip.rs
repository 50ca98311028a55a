//! Opening a source, whatever it is.

use crate::decoder::Decoder;
use crate::error::{VideoError, shown};
use crate::ffmpeg::Ffmpeg;
use crate::frame::{ClipFormat, Item};
use crate::pictures::PictureSequence;
use crate::{DecoderStop, FrameRate, Source};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Which frames of a source are wanted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Only each frame of this many.
    pub every: NonZeroUsize,
    /// Where the part that is wanted begins.
    pub start: Option<Duration>,
    /// Where it ends.
    pub end: Option<Duration>,
    /// Frames are shrunk until no side is longer, in pixels.
    pub max_side: Option<NonZeroUsize>,
    /// Of pictures, which have no time.
    pub frame_rate: Option<FrameRate>,
    /// Whether sound is wanted.
    pub audio: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        let (every, audio) = (NonZeroUsize::MIN, true);
        Self { every, start: None, end: None, max_side: None, frame_rate: None, audio }
    }
}

impl DecodeOptions {
    /// The part that is wanted, for people; `None` where it is the whole.
    pub(crate) fn part(&self) -> Option<String> {
        match (self.start, self.end) {
            (None, None) => None,
            (Some(start), None) => Some(format!("from {} on", shown(start))),
            (None, Some(end)) => Some(format!("before {}", shown(end))),
            (Some(start), Some(end)) => Some(format!("from {} to {}", shown(start), shown(end))),
        }
    }
}

/// A clip that is being read, frame after frame. After an error there are no more.
#[derive(Debug)]
pub struct Clip {
    frames: Frames,
}

#[derive(Debug)]
enum Frames {
    Decoded(Box<Decoder>),
    Pictures(Box<PictureSequence>),
}

impl Clip {
    /// Reads the source up to its first frame. `ffmpeg` is asked for where it is needed: pictures are
    /// read without. `stop` ends the clip from another thread, also before its first frame.
    ///
    /// # Errors
    /// When there is no frame, or what `ffmpeg` says.
    pub fn open<E: From<VideoError>>(
        source: &Source,
        options: &DecodeOptions,
        stop: &DecoderStop,
        ffmpeg: impl FnOnce() -> Result<Ffmpeg, E>,
    ) -> Result<Self, E> {
        let frames = match source {
            Source::Pictures(pictures) => {
                let name = source.to_string();
                Frames::Pictures(Box::new(PictureSequence::open(name, pictures, options, stop)?))
            }
            _ => Frames::Decoded(Box::new(Decoder::open(&ffmpeg()?, source, options, stop)?)),
        };
        Ok(Self { frames })
    }

    /// What all frames have in common.
    pub fn format(&self) -> &ClipFormat {
        match &self.frames {
            Frames::Decoded(decoder) => decoder.format(),
            Frames::Pictures(pictures) => pictures.format(),
        }
    }

    /// How many frames will come, as well as can be told.
    pub fn expected_frames(&self) -> Option<usize> {
        match &self.frames {
            Frames::Decoded(decoder) => decoder.expected_frames(),
            Frames::Pictures(pictures) => pictures.expected_frames(),
        }
    }
}

impl Iterator for Clip {
    type Item = Result<Item, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.frames {
            Frames::Decoded(decoder) => decoder.next(),
            Frames::Pictures(pictures) => pictures.next(),
        }
    }
}
