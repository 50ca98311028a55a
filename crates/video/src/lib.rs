//! Video: a clip is read as frames ([`Clip`]), objects are followed from frame to frame ([`Tracker`]),
//! and frames are written as a clip ([`Encoder`]). [`run`] lets frames flow through all that in
//! threads, in order and with bounded memory.
//!
//! Pictures are decoded and encoded by the program ffmpeg ([`Ffmpeg`]), which sees to codecs,
//! containers, rotation and cameras. Frames pass through pipes in a container that carries exact time
//! stamps, so that a variable frame rate survives. Nothing here knows of tensors.

mod clip;
mod counting;
mod decoder;
mod encoder;
mod error;
mod ffmpeg;
mod frame;
mod nut;
mod pictures;
mod pipeline;
mod pixels;
mod source;
mod stop;
mod summary;
mod time;
mod timing;
mod track;

pub use clip::{Clip, DecodeOptions};
pub use counting::{Counter, Line, LineTotals, Point, Zone, ZoneTotals};
pub use encoder::{Container, Encoder};
pub use error::VideoError;
pub use ffmpeg::{FFMPEG_IN_CACHE, FFMPEG_VARIABLE, Ffmpeg, FfmpegError};
pub use frame::{AudioFormat, AudioPacket, ClipFormat, Frame, Item};
pub use nut::NutError;
pub use pipeline::{Run, Stages, run};
pub use source::{Source, SourceError};
pub use stop::DecoderStop;
pub use summary::{TrackSummaries, TrackSummary};
pub use time::{FrameRate, TimeBase};
pub use timing::StageTime;
pub use track::{TrackConfig, TrackId, Tracker};
