//! Writing: headers first, then frame after frame. Every frame says everything about itself, so one
//! frame code is enough, and as nobody seeks in a pipe so is one sync point.

use super::crc::crc;
use super::frame_code as flag;
use super::number::write_number;
use super::{CHECKED_HEAD_ABOVE, FILE_ID, MAIN, STREAM, SYNC_POINT, Stream, StreamKind};
use std::io::{self, Write};

/// What FFmpeg itself writes; larger frames carry a check, and ours all do.
const MAX_DISTANCE: u64 = 32_767;

/// The only frame code in use.
const FRAME: u8 = 1;

const FRAME_FLAGS: u64 =
    flag::KEY | flag::CODED_TIME | flag::STREAM_ID | flag::SIZE_MSB | flag::CHECKSUM;

/// Bits below which a time stamp would be taken for a short one.
const SHORT_BITS: u64 = 7;

/// Time may jump this far.
const MAX_TICKS_DISTANCE: u64 = 1 << 30;

/// A NUT stream whose headers are written.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Writes the headers.
    pub fn open(mut to: W, streams: &[Stream]) -> io::Result<Self> {
        to.write_all(FILE_ID)?;
        to.write_all(&packet(MAIN, &main_header(streams)))?;
        for (id, stream) in streams.iter().enumerate() {
            to.write_all(&packet(STREAM, &stream_header(id, stream)))?;
        }
        // Time 0 of the first time base; no sync point before it.
        to.write_all(&packet(SYNC_POINT, &[0, 0]))?;
        Ok(Self { to })
    }

    /// Writes a frame of stream number `stream`, shown at `ticks` of its time base.
    pub fn write(&mut self, stream: usize, ticks: i64, data: &[u8]) -> io::Result<()> {
        let mut head = vec![FRAME];
        write_number(&mut head, stream as u64);
        write_number(&mut head, ticks.max(0) as u64 + (1 << SHORT_BITS));
        write_number(&mut head, data.len() as u64);
        let check = crc(&head);
        self.to.write_all(&head)?;
        self.to.write_all(&check.to_be_bytes())?;
        self.to.write_all(data)
    }

    /// What is written to, with everything on its way.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

fn main_header(streams: &[Stream]) -> Vec<u8> {
    let mut header = Vec::new();
    let version = 3;
    let count = streams.len() as u64;
    write_numbers(&mut header, &[version, count, MAX_DISTANCE, count]);
    for Stream { time_base, .. } in streams {
        write_numbers(&mut header, &[time_base.numerator(), time_base.denominator()]);
    }
    // Flags, number of fields, then: time, size multiplier, stream, size rest, reserved, codes.
    write_numbers(&mut header, &[flag::INVALID, 6, 0, 1, 0, 0, 0, 1]);
    write_numbers(&mut header, &[FRAME_FLAGS, 6, 0, 1, 0, 0, 0, 1]);
    // All others but the `N` of start codes.
    write_numbers(&mut header, &[flag::INVALID, 6, 0, 1, 0, 0, 0, 256 - 3]);
    // No beginnings are left out.
    write_number(&mut header, 0);
    header
}

fn stream_header(id: usize, stream: &Stream) -> Vec<u8> {
    let Stream { tag, kind, .. } = stream;
    let mut header = Vec::new();
    let id = id as u64;
    let class = match kind {
        StreamKind::Video { .. } => 0,
        StreamKind::Audio { .. } => 1,
        StreamKind::Other => 3,
    };
    write_numbers(&mut header, &[id, class, tag.len() as u64]);
    header.extend(tag);
    let (decode_delay, flags, codec_bytes) = (0, 0, 0);
    let time = [id, SHORT_BITS, MAX_TICKS_DISTANCE, decode_delay, flags, codec_bytes];
    write_numbers(&mut header, &time);
    match kind {
        StreamKind::Video { size, pixel_aspect } => {
            let [aspect_width, aspect_height] = pixel_aspect.map(u64::from);
            let color_space = 0;
            let (width, height) = (size.width as u64, size.height as u64);
            write_numbers(&mut header, &[width, height, aspect_width, aspect_height, color_space]);
        }
        StreamKind::Audio { samples_per_sec, channels } => {
            write_numbers(&mut header, &[u64::from(*samples_per_sec), 1, u64::from(*channels)]);
        }
        StreamKind::Other => {}
    }
    header
}

fn write_numbers(header: &mut Vec<u8>, numbers: &[u64]) {
    numbers.iter().for_each(|&number| write_number(header, number));
}

fn packet(code: u64, content: &[u8]) -> Vec<u8> {
    let mut packet = code.to_be_bytes().to_vec();
    let check = crc(content).to_be_bytes();
    let length = (content.len() + check.len()) as u64;
    write_number(&mut packet, length);
    if length > CHECKED_HEAD_ABOVE {
        let head = crc(&packet).to_be_bytes();
        packet.extend(head);
    }
    packet.extend(content);
    packet.extend(check);
    packet
}
