//! Picture formats that are met often and not read, told by their first bytes, so that the error
//! can name them.

use std::io::{self, BufRead, Seek, SeekFrom};
use std::path::Path;

/// Bytes enough for every signature below.
const START: usize = 16;

/// What cameras store besides JPEG.
const RAW: &str = "a camera's raw file";

/// Extensions of raw files that are TIFF by their first bytes, in lower case. What a reader of TIFF
/// finds first in them is a thumbnail.
const RAW_EXTENSIONS: [&str; 6] = ["arw", "cr2", "dng", "nef", "pef", "srw"];

/// Where in a file a signature stands, and whose it is.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypcrx", RAW),
    (0, b"II*\0\x10\0\0\0CR", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"IIU\0", RAW),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
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

/// The format's name, if the file begins like one of them, or is a raw file by its extension.
pub fn name(start: &[u8], path: &Path) -> Option<&'static str> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if RAW_EXTENSIONS.iter().any(|known| extension == *known) {
        return Some(RAW);
    }
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
        let named = |start: &[u8]| name(start, Path::new("photo"));
        assert_eq!(named(b"\0\0\0\x24ftypheic\0\0\0\0"), Some("HEIC"));
        assert_eq!(named(b"\xff\x4f\xff\x51\0\x29\0\0"), Some("JPEG 2000"));
        assert_eq!(named(b"plain text"), None);
        assert_eq!(named(b""), None);
    }

    #[test]
    fn a_raw_file_is_no_tiff() {
        let tiff = b"II*\0\x08\0\0\0\x10\0\xfe\0";
        assert_eq!(name(tiff, Path::new("a.NEF")), Some(RAW));
        assert_eq!(name(tiff, Path::new("a.tif")), None);
        assert_eq!(name(b"II*\0\x10\0\0\0CR\x02\0", Path::new("photo")), Some(RAW));
    }
}
