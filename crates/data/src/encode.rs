//! A picture -> a PNG or JPEG file, written beside its place and moved there, so that a run that is
//! stopped leaves no half file.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
pub(crate) use kestrel_core::write_whole;
use kestrel_core::{ImageSize, RgbImage};
use std::io;
use std::path::{Path, PathBuf};

/// High enough that lines and letters stay sharp.
const JPEG_QUALITY: u8 = 92;

/// Why a picture was not written. Every message begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// An extension that names no format written here.
    #[error(
        "{}: cannot tell the format to write: found no known extension, expected .png, .jpg or \
         .jpeg",
        path.display()
    )]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The disk, the folder or a permission stands in the way.
    #[error("{}: cannot write the file: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A picture the format cannot hold.
    #[error(
        "{}: cannot encode a picture of {found} pixels: {source}; PNG takes any size from 1x1, \
         JPEG up to 65535x65535",
        path.display()
    )]
    Picture {
        /// The file.
        path: PathBuf,
        /// Size of the picture.
        found: ImageSize,
        /// What the encoder said.
        source: ImageError,
    },
}

#[derive(Clone, Copy)]
enum Format {
    Png,
    Jpeg,
}

/// Writes `image` as PNG (lossless) or JPEG (quality 92), by the extension of `path`. A file that is
/// already there is replaced whole or not at all.
///
/// # Errors
/// When the extension names neither format, the format cannot hold the picture, or the file cannot
/// be written.
pub fn write_picture(path: &Path, image: &RgbImage) -> Result<(), EncodeError> {
    let format = format_of(path).ok_or_else(|| EncodeError::Extension { path: path.into() })?;
    let bytes = encode(image, format).map_err(|source| EncodeError::Picture {
        path: path.into(),
        found: image.size(),
        source,
    })?;
    write_whole(path, &bytes).map_err(|source| EncodeError::Io { path: path.into(), source })
}

/// `image` as the bytes of a JPEG file (quality 92), for a page that embeds it.
///
/// # Errors
/// When the format cannot hold the picture.
pub fn jpeg_bytes(image: &RgbImage) -> Result<Vec<u8>, EncodeError> {
    encode(image, Format::Jpeg).map_err(|source| EncodeError::Picture {
        path: "embedded picture".into(),
        found: image.size(),
        source,
    })
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "png" => Some(Format::Png),
        "jpg" | "jpeg" => Some(Format::Jpeg),
        _ => None,
    }
}

fn encode(image: &RgbImage, format: Format) -> Result<Vec<u8>, ImageError> {
    // Above u32 the encoders' own checks refuse the picture.
    let [height, width] = [image.size().height, image.size().width]
        .map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    let (pixels, colour) = (image.pixels(), ExtendedColorType::Rgb8);
    let mut bytes = Vec::new();
    match format {
        Format::Png => PngEncoder::new(&mut bytes).write_image(pixels, width, height, colour)?,
        Format::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
            .write_image(pixels, width, height, colour)?,
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{DecodeLimits, decode};

    fn ramp() -> RgbImage {
        let pixels = (0..20 * 30).flat_map(|place| [(place / 3) as u8, 90, (place / 5) as u8]);
        RgbImage::new(ImageSize::new(20, 30), pixels.collect()).unwrap()
    }

    #[test]
    fn a_png_comes_back_as_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.PNG");
        write_picture(&path, &RgbImage::filled(ImageSize::new(1, 1), [0; 3])).unwrap();
        write_picture(&path, &ramp()).unwrap();
        assert_eq!(decode(&path, &DecodeLimits::default()).unwrap(), ramp());
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no temporary file stays");
    }

    #[test]
    fn a_jpeg_comes_back_nearly_as_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpeg");
        write_picture(&path, &ramp()).unwrap();
        let again = decode(&path, &DecodeLimits::default()).unwrap();
        let differences = ramp()
            .pixels()
            .iter()
            .zip(again.pixels())
            .map(|(&a, &b)| u64::from(a.abs_diff(b)))
            .sum::<u64>();
        // Half the quantiser step of 92 is about 3 levels at low frequencies.
        assert!(differences <= 4 * ramp().pixels().len() as u64, "{differences} levels in all");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = RgbImage::filled(ImageSize::new(0, 5), [0; 3]);
        for name in ["a.png", "a.jpg"] {
            let error = write_picture(&folder.path().join(name), &empty).unwrap_err();
            assert!(matches!(error, EncodeError::Picture { .. }), "{error}");
        }
        for name in ["a.gif", "a", ".png"] {
            let error = write_picture(&folder.path().join(name), &ramp()).unwrap_err();
            assert!(matches!(error, EncodeError::Extension { .. }), "{error}");
        }
        let error = write_picture(&folder.path().join("none/a.png"), &ramp()).unwrap_err();
        assert!(matches!(error, EncodeError::Io { .. }), "{error}");
        assert!(error.to_string().contains("a.png"), "{error}");
        assert!(!error.to_string().contains(".kestrel-"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }
    #[cfg(unix)]
    #[test]
    fn a_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link.png"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_picture(&link, &ramp()).unwrap();
        assert_eq!(decode(&file, &DecodeLimits::default()).unwrap(), ramp());
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
