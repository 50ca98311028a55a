//! Whether a JPEG has its end marker.
//!
//! Source: ITU-T T.81, B.1.1 (markers) and B.2.1 (segments): within compressed data the byte FF is
//! followed by 00 or a restart marker, so the first FF D9 after the scan begins is the end. What
//! stands after it (a phone's video clip) and before it (a thumbnail, itself a JPEG) must not count.

use std::io::{self, BufRead, Read};

const TEMPORARY: u8 = 0x01;
const RESTART_0: u8 = 0xd0;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Reads from the start of the file to the end marker, or to the end of the file where there is
/// none.
pub fn is_present<R: BufRead>(reader: &mut R) -> io::Result<bool> {
    if !skip_to_scan(reader)? {
        return Ok(false);
    }
    while let Some(marker) = next_marker(reader)? {
        if marker == END_OF_IMAGE {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there is a scan; `reader` is then just behind its marker.
fn skip_to_scan<R: BufRead>(reader: &mut R) -> io::Result<bool> {
    while let Some(marker) = next_marker(reader)? {
        match marker {
            START_OF_SCAN => return Ok(true),
            TEMPORARY | RESTART_0..=END_OF_IMAGE => {}
            _ => skip_segment(reader)?,
        }
    }
    Ok(false)
}

/// The next byte after an FF that is neither fill (FF) nor an FF of the data (00).
fn next_marker<R: BufRead>(reader: &mut R) -> io::Result<Option<u8>> {
    loop {
        reader.skip_until(0xff)?;
        let mut byte = 0xff;
        while byte == 0xff {
            let Some(&next) = reader.fill_buf()?.first() else { return Ok(None) };
            reader.consume(1);
            byte = next;
        }
        if byte != 0 {
            return Ok(Some(byte));
        }
    }
}

/// Skips a segment by its length, which counts its own two bytes.
fn skip_segment<R: BufRead>(reader: &mut R) -> io::Result<()> {
    let mut length = Vec::with_capacity(2);
    reader.by_ref().take(2).read_to_end(&mut length)?;
    if let [high, low] = length[..] {
        let rest = u64::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        io::copy(&mut reader.by_ref().take(rest), &mut io::sink())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\xff\xd8\xff\xe1\x00\x06\xff\xd9\xff\xda\xff\xda\x00\x02";

    fn ends(rest: &[u8]) -> bool {
        is_present(&mut [HEADER, rest].concat().as_slice()).unwrap_or(false)
    }

    #[test]
    fn only_the_marker_behind_the_scan_counts() {
        assert!(ends(b"\x12\x34\xff\xd9"));
        assert!(ends(b"\x12\xff\x00\xd9\xff\xd0\xff\xff\xd9 a clip \xff\xda"));
        assert!(!ends(b"\x12\x34\xff\x00\xd9"), "a byte of the data");
        assert!(!ends(b""), "the thumbnail's");
    }

    #[test]
    fn a_file_that_ends_anywhere_has_no_end_marker() {
        let whole = [HEADER, b"\x12\x34\xff\xd9"].concat();
        for length in 0..whole.len() {
            assert!(!is_present(&mut &whole[..length]).unwrap_or(true), "{length} bytes");
        }
    }
}
