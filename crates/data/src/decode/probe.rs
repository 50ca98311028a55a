//! The size of a picture, of whose file only the header is understood.

use super::{DecodeError, DecodeLimits, opened};
use image::ImageDecoder;
use image::metadata::Orientation;
use kestrel_core::ImageSize;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Height and width a picture has for a viewer, in pixels: after its EXIF orientation, as
/// [`crate::decode`] gives it. A file that is damaged behind its header has a size too.
///
/// # Errors
/// When the file cannot be read, is no picture, or is larger than `limits` allow.
pub fn probe(path: &Path, limits: &DecodeLimits) -> Result<ImageSize, DecodeError> {
    let file = File::open(path).map_err(|source| DecodeError::io(path, source))?;
    let (decoder, orientation) = opened(BufReader::new(file), path, limits)?;
    let (width, height) = decoder.dimensions();
    let stored = ImageSize::new(height as usize, width as usize);
    Ok(if swaps_sides(orientation) { ImageSize::new(stored.width, stored.height) } else { stored })
}

fn swaps_sides(orientation: Orientation) -> bool {
    match orientation {
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
    }
}
