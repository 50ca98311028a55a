//! What passes from stage to stage.

use crate::{FrameRate, TimeBase};
use kestrel_core::{ImageSize, RgbImage};

/// What all frames of a clip have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFormat {
    /// Height and width, after turning and shrinking.
    pub size: ImageSize,
    /// Ticks of the frames' time stamps.
    pub time_base: TimeBase,
    /// Frames a second, of a variable rate the usual number; time stamps are what counts.
    pub frame_rate: Option<FrameRate>,
    /// Width to height of a pixel; 0:0 where it is not known, which means square.
    pub pixel_aspect: [u32; 2],
    /// The sound, where there is some.
    pub audio: Option<AudioFormat>,
}

/// Sound as 16-bit samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Samples a second.
    pub samples_per_sec: u32,
    /// 1 mono, 2 stereo.
    pub channels: u32,
    /// Ticks of the sound's time stamps.
    pub time_base: TimeBase,
}

/// A picture and when it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its place among the frames of the run, from 0.
    pub index: usize,
    /// When it is shown, in ticks since the start of the run.
    pub ticks: i64,
    /// What it shows.
    pub picture: RgbImage,
    /// The sound that came before it in the stream; it travels with the picture, so that both arrive
    /// in the order they came.
    pub audio: Vec<AudioPacket>,
}

/// A piece of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPacket {
    /// When it is heard, in ticks of the sound.
    pub ticks: i64,
    /// Interleaved samples.
    pub samples: Vec<u8>,
}

/// What a source gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A picture, with the sound before it.
    Frame(Frame),
    /// The sound after the last picture.
    LastAudio(Vec<AudioPacket>),
}
