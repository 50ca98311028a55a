//! What can go wrong between a clip and its frames.

use crate::nut::NutError;
use kestrel_core::ImageSize;
use kestrel_data::DecodeError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Nothing is wrong with it, but nothing is shown in the part asked for.
    #[error(
        "{input}: found no picture {part}{}; choose another part with --start or --end",
        length.map(ending).unwrap_or_default()
    )]
    NothingInPart {
        /// The clip.
        input: String,
        /// The part: `from 600 s on`.
        part: String,
        /// How long the clip is, where that is known.
        length: Option<Duration>,
    },
    /// Frames came, and then no more.
    #[error(
        "{input}: stopped after {}: {reason}; the clip seems cut short or damaged there",
        counted(*frames)
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
    #[error(
        "{}: ffmpeg stopped writing after {}: {reason}; what could be written is kept",
        path.display(),
        counted(*frames)
    )]
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

/// A time for people, to the millisecond.
pub(crate) fn shown(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 1000.0).round() / 1000.0)
}

fn ending(length: Duration) -> String {
    format!("; the clip ends after {}", shown(length))
}

fn counted(frames: usize) -> String {
    format!("{frames} frame{}", if frames == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_has_no_s_and_an_unknown_length_is_not_said() {
        let (input, reason) = ("a.mp4".to_owned(), "no index".to_owned());
        let short = VideoError::CutShort { input, frames: 1, reason }.to_string();
        assert!(short.starts_with("a.mp4: stopped after 1 frame: no index; "), "{short}");
        let (input, part) = ("-".to_owned(), "before 0.1 s".to_owned());
        let nothing = VideoError::NothingInPart { input, part, length: None }.to_string();
        assert!(
            nothing.starts_with("-: found no picture before 0.1 s; choose another"),
            "{nothing}"
        );
    }
}
