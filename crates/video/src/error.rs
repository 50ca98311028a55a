//! What can go wrong between a clip and its frames.

use crate::nut::NutError;
use kestrel_core::ImageSize;
use kestrel_data::DecodeError;
use std::io;
use std::path::PathBuf;

/// Why a clip was not read or written to its end. Frames that came before stay valid.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// The program cannot be started.
    #[error("cannot start {}: {source}; check that it may be run", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of no bytes.
    #[error("{input}: the file is empty; expected a clip")]
    Empty {
        /// The clip.
        input: String,
    },
    /// Nothing in it could be shown.
    #[error(
        "{input}: ffmpeg finds no picture in it: {reason}; check that it is a clip and complete"
    )]
    NoFrames {
        /// The clip.
        input: String,
        /// What ffmpeg said.
        reason: String,
    },
    /// Frames came, and then no more.
    #[error(
        "{input}: stopped after {frames} frames: {reason}; the clip seems cut short or damaged there"
    )]
    CutShort {
        /// The clip.
        input: String,
        /// Frames read.
        frames: usize,
        /// What ffmpeg said.
        reason: String,
    },
    /// Something on the way was no stream of frames.
    #[error("{input}: cannot read frame {frame} from ffmpeg: {source}")]
    Stream {
        /// The clip.
        input: String,
        /// The frame.
        frame: usize,
        /// What was wrong.
        source: NutError,
    },
    /// A picture of a sequence.
    #[error("{0}")]
    Picture(#[from] DecodeError),
    /// A picture of another size than those before.
    #[error("{}: the picture is {found}, those before it are {expected}; a clip has one size", path.display())]
    PictureSize {
        /// The picture.
        path: PathBuf,
        /// Its size.
        found: ImageSize,
        /// The size of the first.
        expected: ImageSize,
    },
    /// The encoder died.
    #[error("{}: ffmpeg stopped writing after {frames} frames: {reason}; what could be written is kept", path.display())]
    Encoder {
        /// The clip.
        path: PathBuf,
        /// Frames handed over.
        frames: usize,
        /// What ffmpeg or the system said.
        reason: String,
    },
    /// The clip cannot get its name.
    #[error("{}: cannot write the clip: {source}", path.display())]
    Write {
        /// The clip.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
