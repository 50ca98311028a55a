//! Reading: headers first, then frame after frame.

use super::frame_code::{self as flag, FrameCode, read_table};
use super::number::{read_byte, read_number, signed_at};
use super::{
    CHECKED_HEAD_ABOVE, FILE_ID, FRAME_RATE, INFO, MAIN, NutError, Packet, STREAM, SYNC_POINT,
    Stream, StreamKind,
};
use crate::TimeBase;
use kestrel_core::ImageSize;
use std::io::{ErrorKind, Read};

/// No header is nearly as long, and no frame; a broken stream must not ask for all memory.
const MAX_HEADER_BYTES: u64 = 1 << 24;
const MAX_FRAME_BYTES: u64 = 1 << 31;

/// A NUT stream whose headers have been read.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    from: R,
    frame_codes: Vec<FrameCode>,
    /// Beginnings that frames share and leave out.
    left_out: Vec<Vec<u8>>,
    time_bases: Vec<TimeBase>,
    streams: Vec<ReadStream>,
}

#[derive(Debug)]
struct ReadStream {
    stream: Stream,
    /// Width of time stamps that are given without their upper part.
    short_bits: u32,
    last_ticks: i64,
}

impl<R: Read> Reader<R> {
    /// Reads up to the first frame.
    pub fn open(mut from: R) -> Result<Self, NutError> {
        let mut id = [0; FILE_ID.len()];
        from.read_exact(&mut id)?;
        if id != FILE_ID {
            return Err(invalid(format!("{id:?}"), "the beginning of a NUT stream"));
        }
        let mut reader = Self {
            from,
            frame_codes: Vec::new(),
            left_out: Vec::new(),
            time_bases: Vec::new(),
            streams: Vec::new(),
        };
        // The first sync point comes after all headers.
        loop {
            let first = read_byte(&mut reader.from)?;
            if reader.packet(first)? == SYNC_POINT {
                break;
            }
        }
        if reader.frame_codes.is_empty() || reader.streams.is_empty() {
            return Err(invalid("frames".into(), "headers before them"));
        }
        Ok(reader)
    }

    /// The streams, by their numbers.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().map(|stream| &stream.stream)
    }

    /// The next frame; `None` where the stream ends between two.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, NutError> {
        loop {
            let code = match read_byte(&mut self.from) {
                Err(NutError::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                code => code?,
            };
            if code == b'N' {
                self.packet(code)?;
            } else {
                return self.frame(code).map(Some);
            }
        }
    }

    /// Reads a packet, of which `first` is read; its start code.
    fn packet(&mut self, first: u8) -> Result<u64, NutError> {
        let mut code = [first, 0, 0, 0, 0, 0, 0, 0];
        self.from.read_exact(&mut code[1..])?;
        let code = u64::from_be_bytes(code);
        if code >> 56 != u64::from(b'N') {
            return Err(invalid(format!("{code:016x}"), "a start code"));
        }
        let length = read_number(&mut self.from)?;
        if length > MAX_HEADER_BYTES {
            return Err(invalid(format!("a header of {length} bytes"), "a shorter one"));
        }
        if length > CHECKED_HEAD_ABOVE {
            self.skip(4)?;
        }
        let mut content = vec![0; length as usize];
        self.from.read_exact(&mut content)?;
        match code {
            MAIN => self.main_header(&mut content.as_slice())?,
            STREAM => self.stream_header(&mut content.as_slice())?,
            INFO => self.info(&mut content.as_slice())?,
            SYNC_POINT => self.sync_point(&mut content.as_slice())?,
            // Indices, and what later versions bring.
            _ => {}
        }
        Ok(code)
    }

    fn main_header(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let version = read_number(content)?;
        if version > 3 {
            let _minor_version = read_number(content)?;
        }
        let [_num_streams, _max_distance] = numbers(content)?;
        self.time_bases = (0..read_number(content)?)
            .map(|_| {
                let [numerator, denominator] = numbers(content)?;
                TimeBase::new(numerator, denominator)
                    .ok_or_else(|| invalid(format!("{numerator}/{denominator}"), "a time base"))
            })
            .collect::<Result<_, _>>()?;
        self.frame_codes = read_table(content)?;
        // The first beginning is empty and not written.
        self.left_out = vec![Vec::new()];
        for _ in 0..read_number(content)? {
            let beginning = bytes(content)?;
            self.left_out.push(beginning);
        }
        Ok(())
    }

    fn stream_header(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let [id, class] = numbers(content)?;
        if id != self.streams.len() as u64 {
            // A header that is repeated for readers who come late.
            return Ok(());
        }
        let tag = bytes(content)?;
        let [time_base, short_bits, _max_ticks_distance, _decode_delay, _flags] = numbers(content)?;
        let _codec_data = bytes(content)?;
        let kind = match class {
            0 => {
                let [width, height, aspect_width, aspect_height] = numbers(content)?;
                let aspect = [aspect_width, aspect_height].map(|side| side as u32);
                let size = ImageSize::new(height as usize, width as usize);
                StreamKind::Video { size, frame_rate: None, pixel_aspect: aspect }
            }
            1 => {
                let [rate, rate_divisor, channels] = numbers(content)?;
                let samples_per_sec = (rate / rate_divisor.max(1)) as u32;
                StreamKind::Audio { samples_per_sec, channels: channels as u32 }
            }
            _ => StreamKind::Other,
        };
        let time_base = self.time_bases.get(time_base as usize).copied();
        let time_base = time_base.ok_or_else(|| invalid("no time base".into(), "one a stream"))?;
        let stream = Stream { tag: tag.try_into().unwrap_or_default(), time_base, kind };
        self.streams.push(ReadStream {
            stream,
            short_bits: short_bits.min(32) as u32,
            last_ticks: 0,
        });
        Ok(())
    }

    /// Remarks on a stream, of which the frame rate matters.
    fn info(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let [stream, _chapter, _chapter_start, _chapter_length, count] = numbers(content)?;
        let stream = stream.checked_sub(1).map(|stream| stream as usize);
        for _ in 0..count {
            let name = bytes(content)?;
            let text = match signed_at(read_number(content)?) {
                -1 => Some(bytes(content)?),
                // A value with the name of its type before it.
                -2 => Some((bytes(content)?, bytes(content)?).1),
                // A signed number, a time, a fraction, or the number itself.
                ..=-3 => {
                    read_number(content)?;
                    None
                }
                _ => None,
            };
            let state = stream.and_then(|stream| self.streams.get_mut(stream));
            if let (Some(text), Some(state)) = (text, state)
                && name == FRAME_RATE.as_bytes()
                && let StreamKind::Video { frame_rate, .. } = &mut state.stream.kind
            {
                *frame_rate = String::from_utf8_lossy(&text).parse().ok();
            }
        }
        Ok(())
    }

    fn sync_point(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let coded = read_number(content)?;
        let num_bases = self.time_bases.len().max(1) as u64;
        let Some(&base) = self.time_bases.get((coded % num_bases) as usize) else { return Ok(()) };
        for stream in &mut self.streams {
            stream.last_ticks = base.ticks_in((coded / num_bases) as i64, stream.stream.time_base);
        }
        Ok(())
    }

    fn frame(&mut self, code: u8) -> Result<Packet, NutError> {
        let code = self.frame_codes[usize::from(code)];
        let mut flags = code.flags;
        if flags & flag::CODED_FLAGS != 0 {
            flags ^= read_number(&mut self.from)?;
        }
        if flags & (flag::INVALID | flag::SIDE_DATA) != 0 {
            return Err(invalid(format!("a frame with flags {flags:#x}"), "a plain frame"));
        }
        let mut field = |bit: u64, default: u64| match flags & bit {
            0 => Ok(default),
            _ => read_number(&mut self.from),
        };
        let stream = field(flag::STREAM_ID, code.stream)? as usize;
        let coded_ticks = (flags & flag::CODED_TIME != 0).then(|| field(flag::CODED_TIME, 0));
        let coded_ticks = coded_ticks.transpose()?;
        let size_msb = field(flag::SIZE_MSB, 0)?;
        let _match_time = field(flag::MATCH_TIME, 0)?;
        let header = field(flag::HEADER_INDEX, code.header)?;
        let num_reserved = field(flag::RESERVED, code.num_reserved)?;
        for _ in 0..num_reserved {
            read_number(&mut self.from)?;
        }
        if flags & flag::CHECKSUM != 0 {
            self.skip(4)?;
        }
        let size = size_msb.saturating_mul(code.size_multiplier).saturating_add(code.size_rest);
        let data = self.data(size, header as usize)?;
        let state = self.streams.get_mut(stream);
        let state = state.ok_or_else(|| invalid(format!("stream {stream}"), "a known one"))?;
        state.last_ticks = match coded_ticks {
            Some(coded) => state.full_ticks(coded),
            None => state.last_ticks + code.ticks_delta,
        };
        Ok(Packet { stream, ticks: state.last_ticks, data })
    }

    fn data(&mut self, size: u64, header: usize) -> Result<Vec<u8>, NutError> {
        if size > MAX_FRAME_BYTES {
            return Err(invalid(format!("a frame of {size} bytes"), "a smaller one"));
        }
        let beginning = self.left_out.get(header).map(Vec::as_slice).unwrap_or_default();
        let mut data = Vec::with_capacity(beginning.len() + size as usize);
        data.extend_from_slice(beginning);
        let num_read = (&mut self.from).take(size).read_to_end(&mut data)?;
        if num_read as u64 != size {
            return Err(NutError::Io(ErrorKind::UnexpectedEof.into()));
        }
        Ok(data)
    }

    fn skip(&mut self, num_bytes: u64) -> Result<(), NutError> {
        for _ in 0..num_bytes {
            read_byte(&mut self.from)?;
        }
        Ok(())
    }
}

impl ReadStream {
    /// A time stamp given in full, or by its lower bits: then the nearest to the last one.
    fn full_ticks(&self, coded: u64) -> i64 {
        let full = 1i64 << self.short_bits;
        let coded = coded as i64;
        if coded >= full {
            return coded - full;
        }
        let mask = full - 1;
        let least = self.last_ticks - mask / 2;
        ((coded - least) & mask) + least
    }
}

fn invalid(found: String, expected: &'static str) -> NutError {
    NutError::Invalid { found, expected }
}

fn numbers<const N: usize>(content: &mut &[u8]) -> Result<[u64; N], NutError> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = read_number(content)?;
    }
    Ok(numbers)
}

/// Bytes with their number before them.
fn bytes(content: &mut &[u8]) -> Result<Vec<u8>, NutError> {
    let length = read_number(content)?;
    if length > content.len() as u64 {
        return Err(invalid(format!("a text of {length} bytes"), "one that fits its header"));
    }
    let (text, rest) = content.split_at(length as usize);
    *content = rest;
    Ok(text.to_vec())
}
