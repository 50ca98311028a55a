//! The picture files of a data set: whether they are there and whole, and whether the annotations
//! speak of the picture a person sees.
//!
//! Every picture is decoded once, on all threads, and forgotten when its pixels have been hashed, so
//! that at most one picture a thread is in memory.
//!
//! The orientation is what the `image` crate tells of the header. Where `decode` turns a picture by
//! an orientation that stands elsewhere (an `eXIf` chunk behind the pixels of a PNG, ImageMagick's
//! text chunk), the exchanged sides still give it away, but not which turn it was.

use super::{CheckOptions, turn::Turn};
use crate::{DecodeError, Finding, FindingKind, ImageRecord, Place, decode, probe};
use image::{ImageDecoder, ImageError, ImageReader};
use kestrel_core::{ImageSize, RgbImage};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What became of the picture of an image record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PictureState {
    /// There is no such file.
    Missing,
    /// The file gives no picture.
    Unreadable {
        /// Why not.
        reason: String,
    },
    /// The file ends before the picture does.
    Truncated {
        /// Where it ends.
        reason: String,
    },
    /// The file is a picture.
    Readable(PictureFacts),
}

/// What a readable file says of its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFacts {
    /// Size before the EXIF orientation is applied.
    pub stored_size: ImageSize,
    /// Size as a person sees it.
    pub seen_size: ImageSize,
    /// Whether the file has one channel of brightness and no colour.
    pub is_grey: bool,
    /// Of size and pixels as seen; `None` where the pixels were not asked for.
    pub sha256: Option<[u8; 32]>,
    pub(super) turn: Turn,
}

impl PictureFacts {
    /// Whether `stated` is the size of the stored picture, and that is not what a person sees.
    pub(super) fn is_size_before_turn(&self, stated: ImageSize) -> bool {
        self.stored_size != self.seen_size && stated == self.stored_size
    }

    /// How the picture is turned, if that could be learnt.
    pub(super) fn known_turn(&self) -> Option<Turn> {
        (self.turn.size(self.stored_size) == self.seen_size).then_some(self.turn)
    }

    fn is_turned(&self) -> bool {
        self.turn != Turn::NONE || self.stored_size != self.seen_size
    }
}

/// Reads the pictures of `images`; `done` counts them over all splits.
pub(super) fn read_all(
    images: &[ImageRecord],
    options: &CheckOptions,
    done: &AtomicUsize,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<PictureState> {
    let read = |record: &ImageRecord| {
        let picture = read(&record.path, options);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        picture
    };
    images.par_iter().map(read).collect()
}

/// The size of the image that a record's objects were annotated in, where it is known: that of the
/// picture if there is one, else what the annotations state.
pub(super) fn annotated_size(record: &ImageRecord, picture: &PictureState) -> Option<ImageSize> {
    let PictureState::Readable(facts) = picture else {
        return record.stated_size.filter(|&size| has_countable_pixels(size));
    };
    match record.stated_size {
        Some(stated) if facts.is_size_before_turn(stated) => Some(facts.stored_size),
        _ => Some(facts.seen_size),
    }
}

/// COCO's run lengths are 32 bits; what annotations state may be anything.
fn has_countable_pixels(size: ImageSize) -> bool {
    let pixels = size.height.checked_mul(size.width);
    pixels.is_some_and(|pixels| pixels > 0 && u32::try_from(pixels).is_ok())
}

/// What is to be said of a record's picture as a file.
pub(super) fn findings(record: &ImageRecord, picture: &PictureState) -> Vec<Finding> {
    let at_picture = |kind, detail| Finding::new(kind, Place::file(&record.path), detail);
    let mut found = Vec::new();
    match picture {
        PictureState::Missing => {
            let detail = format!("no such file; \"{}\" in {}", record.name, record.place);
            found.push(at_picture(FindingKind::MissingImage, detail));
        }
        PictureState::Unreadable { reason } => {
            found.push(at_picture(FindingKind::UnreadableImage, reason.clone()));
        }
        PictureState::Truncated { reason } => {
            found.push(at_picture(FindingKind::TruncatedImage, reason.clone()));
        }
        PictureState::Readable(facts) => {
            found
                .extend(size_finding(record, facts).map(|(kind, detail)| at_picture(kind, detail)));
            if facts.is_grey {
                found.push(at_picture(FindingKind::GreyImage, "stored without colour".into()));
            }
        }
    }
    if record.objects.is_empty() {
        let detail = format!("{} names no object in it", record.place);
        found.push(at_picture(FindingKind::NoObjects, detail));
    }
    found
}

fn size_finding(record: &ImageRecord, facts: &PictureFacts) -> Option<(FindingKind, String)> {
    let PictureFacts { stored_size, seen_size, .. } = *facts;
    let stated = match record.stated_size {
        Some(stated) => format!("{stated} is stated in {}", record.place),
        None => "no size is stated".to_owned(),
    };
    match record.stated_size {
        Some(size) if facts.is_size_before_turn(size) => {
            let detail = format!("{stated}, but EXIF turns the picture to {seen_size}");
            Some((FindingKind::ExifRotation, detail))
        }
        Some(size) if size != seen_size => {
            let detail = format!("the picture is {seen_size}, but {stated}");
            Some((FindingKind::SizeMismatch, detail))
        }
        Some(_) if stored_size != seen_size => None,
        _ if facts.is_turned() && !record.objects.is_empty() => {
            let detail = format!("EXIF turns or mirrors the {stored_size} picture, and {stated}");
            Some((FindingKind::ExifUnclear, detail))
        }
        _ => None,
    }
}

fn read(path: &Path, options: &CheckOptions) -> PictureState {
    facts(path, options).map_or_else(|fault| fault, PictureState::Readable)
}

fn facts(path: &Path, options: &CheckOptions) -> Result<PictureFacts, PictureState> {
    let fault = |error| fault(path, &error);
    let (seen_size, sha256) = if options.decode_pictures {
        let image = decode(path, &options.limits).map_err(fault)?;
        (image.size(), Some(sha256(&image)))
    } else {
        (probe(path, &options.limits).map_err(fault)?, None)
    };
    let Header { stored_size, turn, is_grey } = Header::read(path)?;
    Ok(PictureFacts { stored_size, seen_size, is_grey, sha256, turn })
}

/// The size counts too: two plain pictures of one area have the same bytes.
fn sha256(image: &RgbImage) -> [u8; 32] {
    let ImageSize { height, width } = image.size();
    let mut hash = Sha256::new();
    hash.update((height as u64).to_le_bytes());
    hash.update((width as u64).to_le_bytes());
    hash.update(image.pixels());
    hash.finalize().into()
}

struct Header {
    stored_size: ImageSize,
    turn: Turn,
    is_grey: bool,
}

impl Header {
    /// Of a file that was read before, and within limits.
    fn read(path: &Path) -> Result<Self, PictureState> {
        let io = |source| fault(path, &DecodeError::Io { path: path.into(), source });
        let damaged = |error: ImageError| from_reason(path, error.to_string());
        let reader = ImageReader::open(path).map_err(io)?.with_guessed_format().map_err(io)?;
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        // A broken EXIF block says nothing about the pixels.
        let orientation = decoder.orientation().map_or(0, |orientation| orientation.to_exif());
        Ok(Self {
            stored_size: ImageSize::new(height as usize, width as usize),
            turn: Turn::from_exif(orientation),
            is_grey: !decoder.color_type().has_color(),
        })
    }
}

fn fault(path: &Path, error: &DecodeError) -> PictureState {
    match error {
        DecodeError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            PictureState::Missing
        }
        DecodeError::Damaged { reason, .. } => from_reason(path, reason.clone()),
        other => {
            let message = other.to_string();
            // The finding's place is the file already.
            let named = format!("{}: ", path.display());
            let reason = message.strip_prefix(&named).unwrap_or(&message).to_owned();
            PictureState::Unreadable { reason }
        }
    }
}

fn from_reason(path: &Path, reason: String) -> PictureState {
    if says_the_file_ended(&reason) || is_shorter_than_its_riff(path).unwrap_or(false) {
        PictureState::Truncated { reason }
    } else {
        PictureState::Unreadable { reason }
    }
}

/// The decoders have no error of their own for a file that ends early; these are their words.
fn says_the_file_ended(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    const WORDS: &[&str] =
        &["end of file", "end of the file", "eof", "fill whole buffer", "truncated"];
    WORDS.iter().any(|words| reason.contains(words))
}

/// WebP's decoder calls a short file corrupt. A RIFF file begins with the length of what follows the
/// first 8 bytes.
fn is_shorter_than_its_riff(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut start = [0; 8];
    file.read_exact(&mut start)?;
    let [name @ .., a, b, c, d] = start;
    let claimed = u64::from(u32::from_le_bytes([a, b, c, d])) + 8;
    Ok(name == *b"RIFF" && file.metadata()?.len() < claimed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "pictures_tests.rs"]
mod tests;
