//! What the first byte of a frame says about it: a table that the main header builds.

use super::NutError;
use super::number::{read_number, signed_at};
use std::io::Read;

/// The frame is shown without others; unused here, since raw frames all are.
pub const KEY: u64 = 1;
/// The time stamp follows.
pub const CODED_TIME: u64 = 8;
/// The stream's number follows.
pub const STREAM_ID: u64 = 16;
/// The upper part of the size follows.
pub const SIZE_MSB: u64 = 32;
/// A check of the head follows.
pub const CHECKSUM: u64 = 64;
/// Numbers of a later version follow.
pub const RESERVED: u64 = 128;
/// The data begins with remarks of its own.
pub const SIDE_DATA: u64 = 256;
/// The number of a beginning that was left out follows.
pub const HEADER_INDEX: u64 = 1024;
/// A distance to the frame this one repeats follows.
pub const MATCH_TIME: u64 = 2048;
/// Flags to turn over follow.
pub const CODED_FLAGS: u64 = 4096;
/// No frame begins so.
pub const INVALID: u64 = 8192;

/// What one frame code stands for.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCode {
    pub flags: u64,
    pub stream: u64,
    pub size_multiplier: u64,
    pub size_rest: u64,
    pub ticks_delta: i64,
    pub num_reserved: u64,
    pub header: u64,
}

/// The code that is the beginning of a start code instead.
const START_CODE: usize = b'N' as usize;

/// Reads the table: entries that hold for several codes in a row.
pub fn read_table(from: &mut impl Read) -> Result<Vec<FrameCode>, NutError> {
    let mut table: Vec<FrameCode> = Vec::with_capacity(256);
    let (mut ticks_delta, mut multiplier, mut stream, mut header) = (0, 1, 0, 0);
    while table.len() < 256 {
        let flags = read_number(from)?;
        let num_fields = read_number(from)?;
        let mut field = |place: u64, default: u64| -> Result<u64, NutError> {
            if num_fields > place { read_number(from) } else { Ok(default) }
        };
        if num_fields > 0 {
            ticks_delta = signed_at(field(0, 0)?);
        }
        multiplier = field(1, multiplier)?;
        stream = field(2, stream)?;
        let size_rest = field(3, 0)?;
        let num_reserved = field(4, 0)?;
        let count = field(5, multiplier.saturating_sub(size_rest))?;
        let _match_time = field(6, 0)?;
        header = field(7, header)?;
        for _ in 8..num_fields {
            read_number(from)?;
        }
        if count == 0 {
            let found = "an entry for no frame code".into();
            return Err(NutError::Invalid { found, expected: "entries for 256 codes" });
        }
        for step in 0..count {
            if table.len() == START_CODE {
                table.push(FrameCode { flags: INVALID, ..FrameCode::default() });
            }
            if table.len() == 256 {
                break;
            }
            table.push(FrameCode {
                flags,
                stream,
                size_multiplier: multiplier,
                size_rest: size_rest + step,
                ticks_delta,
                num_reserved,
                header,
            });
        }
    }
    Ok(table)
}
