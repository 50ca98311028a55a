//! Writing: headers first, then frame after frame. Every frame says everything about itself, so one
//! frame code is enough.

use super::crc::crc;
use super::frame_code as flag;
use super::number::write_number;
use super::{
    CHECKED_HEAD_ABOVE, FILE_ID, FRAME_RATE, INFO, MAIN, STREAM, SYNC_POINT, Stream, StreamKind,
};
use std::io::{self, Write};

/// What FFmpeg itself writes. A reader trusts no frame that begins further behind a sync point, so one
/// stands before each frame where that is needed.
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
    num_streams: u64,
    /// Bytes written so far, and before the last sync point.
    position: u64,
    last_sync_point: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the headers.
    pub fn open(to: W, streams: &[Stream]) -> io::Result<Self> {
        let num_streams = streams.len() as u64;
        let mut writer = Self { to, num_streams, position: 0, last_sync_point: 0 };
        writer.put(FILE_ID)?;
        writer.put(&packet(MAIN, &main_header(streams)))?;
        for (id, stream) in streams.iter().enumerate() {
            writer.put(&packet(STREAM, &stream_header(id, stream)))?;
        }
        for (id, stream) in streams.iter().enumerate() {
            if let StreamKind::Video { frame_rate: Some(rate), .. } = stream.kind {
                writer.put(&packet(INFO, &remark(id, FRAME_RATE, &rate.to_string())))?;
            }
        }
        // Without one before it.
        writer.last_sync_point = writer.position;
        writer.sync_point(0, 0)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    /// A place to begin reading at: the time, and how far back the last one is, in units of 16 bytes.
    fn sync_point(&mut self, stream: u64, ticks: u64) -> io::Result<()> {
        let mut content = Vec::new();
        let back = (self.position - self.last_sync_point) / 16;
        write_numbers(&mut content, &[ticks * self.num_streams + stream, back]);
        self.last_sync_point = self.position;
        self.put(&packet(SYNC_POINT, &content))
    }

    /// Writes a frame of stream number `stream`, shown at `ticks` of its time base.
    pub fn write(&mut self, stream: usize, ticks: i64, data: &[u8]) -> io::Result<()> {
        let (stream, ticks) = (stream as u64, ticks.max(0) as u64);
        if self.position + data.len() as u64 - self.last_sync_point > MAX_DISTANCE {
            self.sync_point(stream, ticks)?;
        }
        let mut head = vec![FRAME];
        write_numbers(&mut head, &[stream, ticks + (1 << SHORT_BITS), data.len() as u64]);
        let check = crc(&head).to_be_bytes();
        head.extend(check);
        self.put(&head)?;
        self.put(data)
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
        StreamKind::Video { size, pixel_aspect, .. } => {
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

/// A text about a stream.
fn remark(stream: usize, name: &str, text: &str) -> Vec<u8> {
    let mut content = Vec::new();
    let (no_chapter, count) = ([0, 0, 0], 1);
    write_numbers(&mut content, &[stream as u64 + 1]);
    write_numbers(&mut content, &no_chapter);
    write_numbers(&mut content, &[count, name.len() as u64]);
    content.extend(name.as_bytes());
    // -1, in the order 0, 1, -1: what follows is a text.
    write_numbers(&mut content, &[2, text.len() as u64]);
    content.extend(text.as_bytes());
    content
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
