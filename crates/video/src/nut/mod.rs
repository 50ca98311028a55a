//! NUT, the container in which frames pass between ffmpeg and Kestrel: raw pictures and sound with
//! exact time stamps, so that a variable frame rate survives and no size has to be guessed.
//!
//! Source: the NUT specification of the FFmpeg project (nut.txt, version 3). What a pipe does not
//! need is left out: indices, seeking, and checks of what just left the process beside us.
//!
//! ```text
//! file     "nut/multimedia container" 0, packets and frames
//! packet   start code, length of the rest, [check], content, check
//! frame    frame code, what the code leaves open (time, size, ...), data
//! ```

mod crc;
mod frame_code;
mod number;
mod read;
mod write;

pub(crate) use read::Reader;
pub(crate) use write::Writer;

use crate::{FrameRate, TimeBase};
use kestrel_core::ImageSize;

/// What a file begins with.
const FILE_ID: &[u8] = b"nut/multimedia container\0";

/// The start codes of packets; each begins with `N`, which is no frame code.
const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
const SYNC_POINT: u64 = 0x4E4B_E4AD_EECA_4569;
const INFO: u64 = 0x4E49_AB68_B596_BA78;

/// The remark that FFmpeg keeps a stream's frame rate in.
const FRAME_RATE: &str = "r_frame_rate";

/// Above this length a packet has a check of its own head.
const CHECKED_HEAD_ABOVE: u64 = 4096;

/// What a stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Video {
        size: ImageSize,
        /// Of a variable rate the usual one.
        frame_rate: Option<FrameRate>,
        /// Width to height of a pixel; 0:0 where it is not known.
        pixel_aspect: [u32; 2],
    },
    Audio {
        samples_per_sec: u32,
        channels: u32,
    },
    /// Anything else.
    Other,
}

/// A stream as its header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// The codec, in FFmpeg's four letters.
    pub tag: [u8; 4],
    pub time_base: TimeBase,
    pub kind: StreamKind,
}

/// A frame of any stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Place of its stream.
    pub stream: usize,
    /// When it is shown, in the stream's time base.
    pub ticks: i64,
    pub data: Vec<u8>,
}

/// Interleaved 16-bit little-endian samples.
pub(crate) const PCM16: [u8; 4] = *b"PSD\x10";

/// A stream that is no NUT, or none that ends where it should.
#[derive(Debug, thiserror::Error)]
pub enum NutError {
    /// The pipe broke, or ended inside a frame.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Bytes that mean something else.
    #[error("found {found} in the stream of frames, expected {expected}")]
    Invalid {
        /// What was read.
        found: String,
        /// What should have come.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests;
