//! The EXIF block of a PNG, wherever in the file it stands.
//!
//! Source: the PNG specification (third edition), 5.3 (a chunk: length, type, data, checksum) and
//! 11.3.4.5 (`eXIf`, which may stand before or behind the pixels), and ImageMagick, which wrote the
//! block as hexadecimal digits into a text chunk before there was `eXIf`: an empty line, the
//! profile's name, its length and then the digits, in lines of any length.
//!
//! Difference from Pillow: a chunk or a text of more than [`MAX_BYTES`], or with a wrong checksum,
//! is passed over; and so is a text with anything but digits, which Pillow answers with an error.

use png::{Info, StreamingDecoder};
use std::io::{self, BufRead, ErrorKind, Read, Seek};

/// Of a chunk, and of its text when unpacked. A JPEG's EXIF block, from which such a text was made,
/// is below 64 KiB, and two digits a byte and the ends of the lines below 140 KiB.
pub const MAX_BYTES: usize = 1 << 18;

const SIGNATURE: i64 = 8;
const CHECKSUM: u64 = 4;
const KEYWORD: &[u8] = b"Raw profile type exif\0";

/// Signature and header of a picture of one pixel, so that the chunks wanted can be read as a file
/// of their own, by the code that knows their checksums and compression.
const OWN_FILE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

/// The block of the `eXIf` chunk or else of the text chunk; `reader` is left at the start.
pub fn block<R: BufRead + Seek>(reader: &mut R) -> io::Result<Option<Vec<u8>>> {
    reader.rewind()?;
    reader.seek_relative(SIGNATURE)?;
    let candidates = Candidates::read(reader)?;
    reader.rewind()?;
    let by_precedence = [candidates.exif, candidates.profile];
    Ok(by_precedence.iter().flatten().find_map(|chunk| unpacked(chunk)))
}

/// Whole chunks as they stand in the file, of each kind the last. They are unpacked only when the
/// file has been walked, since it may hold any number of them that grow a thousandfold.
#[derive(Default)]
struct Candidates {
    exif: Option<Vec<u8>>,
    profile: Option<Vec<u8>>,
}

impl Candidates {
    fn read<R: BufRead + Seek>(reader: &mut R) -> io::Result<Self> {
        let mut found = Self::default();
        while let Some(start) = ChunkStart::read(reader)? {
            match &start.kind {
                b"IEND" => break,
                b"eXIf" => found.exif = start.whole(reader)?.or(found.exif),
                b"tEXt" | b"zTXt" | b"iTXt" => {
                    let chunk = start.whole(reader)?.filter(|chunk| is_profile(chunk));
                    found.profile = chunk.or(found.profile);
                }
                _ => start.skip(reader)?,
            }
        }
        Ok(found)
    }
}

fn is_profile(chunk: &[u8]) -> bool {
    chunk.get(ChunkStart::BYTES..).is_some_and(|data| data.starts_with(KEYWORD))
}

struct ChunkStart {
    length: u32,
    kind: [u8; 4],
}

impl ChunkStart {
    const BYTES: usize = 8;

    /// `None` at the end of the file, be it in the middle of a chunk.
    fn read<R: Read>(reader: &mut R) -> io::Result<Option<Self>> {
        let mut bytes = [0; Self::BYTES];
        match reader.read_exact(&mut bytes) {
            Ok(()) => {
                let [a, b, c, d, kind @ ..] = bytes;
                Ok(Some(Self { length: u32::from_be_bytes([a, b, c, d]), kind }))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn skip<R: Seek>(&self, reader: &mut R) -> io::Result<()> {
        reader.seek_relative(i64::from(self.length) + CHECKSUM as i64)
    }

    /// The chunk, or as much as the file has of it; a large one is skipped. The memory taken grows
    /// with what is read, whatever the length claims.
    fn whole<R: Read + Seek>(&self, reader: &mut R) -> io::Result<Option<Vec<u8>>> {
        if self.length as usize > MAX_BYTES {
            self.skip(reader)?;
            return Ok(None);
        }
        let mut chunk = [self.length.to_be_bytes(), self.kind].concat();
        reader.take(u64::from(self.length) + CHECKSUM).read_to_end(&mut chunk)?;
        Ok(Some(chunk))
    }
}

fn unpacked(chunk: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = StreamingDecoder::new();
    let file = [OWN_FILE, chunk].concat();
    let mut rest = &file[..];
    while !rest.is_empty() {
        let (read, _) = decoder.update(rest, None).ok()?;
        rest = &rest[read..];
    }
    let info = decoder.info()?;
    match &info.exif_metadata {
        Some(block) => Some(block.to_vec()),
        None => block_in_digits(&text(info)?),
    }
}

/// The text of the only text chunk.
fn text(info: &Info) -> Option<String> {
    if let Some(chunk) = info.uncompressed_latin1_text.first() {
        return Some(chunk.text.clone());
    }
    if let Some(mut chunk) = info.compressed_latin1_text.first().cloned() {
        chunk.decompress_text_with_limit(MAX_BYTES).ok()?;
        return chunk.get_text().ok();
    }
    let mut chunk = info.utf8_text.first()?.clone();
    chunk.decompress_text_with_limit(MAX_BYTES).ok()?;
    chunk.get_text().ok()
}

fn block_in_digits(text: &str) -> Option<Vec<u8>> {
    // The length is not needed, and some writers count it otherwise.
    let lines = text.split('\n').skip(3);
    let characters =
        lines.flat_map(str::chars).filter(|character| !character.is_ascii_whitespace());
    let digits = characters.map(|character| character.to_digit(16).map(|digit| digit as u8));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
