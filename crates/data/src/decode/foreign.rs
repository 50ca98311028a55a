//! Picture formats that are met often and not read, told by their first bytes, so that the error
//! can name them.

use std::io::{self, BufRead, Seek, SeekFrom};

/// Bytes enough for every signature below.
const START: usize = 16;

/// Where in a file a signature stands, and whose it is.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF-", "PDF"),
    (0, b"<svg", "SVG"),
];

/// The first bytes of `reader`, fewer if it is shorter; `reader` is then back where it was.
pub fn first_bytes<R: BufRead + Seek>(reader: &mut R) -> io::Result<Vec<u8>> {
    let begin = reader.stream_position()?;
    let mut start = Vec::with_capacity(START);
    io::Read::read_to_end(&mut io::Read::take(&mut *reader, START as u64), &mut start)?;
    reader.seek(SeekFrom::Start(begin))?;
    Ok(start)
}

/// The format's name, if the file begins like one of them.
pub fn name(start: &[u8]) -> Option<&'static str> {
    let fits = |(at, signature, _): &&(usize, &[u8], &str)| {
        start.get(*at..).is_some_and(|rest| rest.starts_with(signature))
    };
    SIGNATURES.iter().find(fits).map(|&(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_photo_is_named() {
        assert_eq!(name(b"\0\0\0\x24ftypheic\0\0\0\0"), Some("HEIC"));
        assert_eq!(name(b"plain text"), None);
        assert_eq!(name(b""), None);
    }
}
