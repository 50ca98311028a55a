//! A picture file -> the 8-bit RGB picture a viewer shows.
//!
//! Source: the `image` crate's decoders. On top of them: the EXIF orientation is applied, 16 bits
//! become 8 (`value / 257`, rounded), transparency is laid over white, an animation gives its first
//! frame, and a size the header claims is checked before memory is taken for it.
//!
//! A JPEG without its end marker is refused, since the decoder would fill what is missing with grey
//! and say nothing. An orientation is read where the formats put it (EXIF in JPEG, WebP and PNG, the
//! tag in TIFF) and from the text chunk that old ImageMagick versions write into PNG, not from XMP.
//!
//! Difference from torchvision: it leaves EXIF orientation and transparency to the caller, and its
//! JPEG decoder (libjpeg) rounds differently, by at most 4 levels where it was compared.

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use kestrel_core::{ImageSize, RgbImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

mod error;
mod foreign;
mod jpeg_end;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod odd_images_tests;
mod png_exif;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod png_exif_tests;
mod probe;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use error::DecodeError;
pub use probe::probe;

/// How large a picture may be. A file of some bytes can claim any size; these are what keep it from
/// taking the machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Height times width, in pixels of the file.
    pub max_pixels: u64,
    /// Memory for the picture as the file stores it (up to 16 bytes a pixel), and again as much for
    /// the decoder's own work, in bytes.
    pub max_bytes: u64,
}

impl Default for DecodeLimits {
    /// 256 megapixels, more than any camera takes in one shot, and 1 GiB.
    fn default() -> Self {
        Self { max_pixels: 1 << 28, max_bytes: 1 << 30 }
    }
}

/// Reads a picture file. The format is told from the content; the extension matters for TGA alone,
/// which has no signature.
///
/// # Errors
/// When the file cannot be read, is no picture, uses a feature that is not supported, is damaged,
/// or is larger than `limits` allow. A file that ends early is damaged.
pub fn decode(path: &Path, limits: &DecodeLimits) -> Result<RgbImage, DecodeError> {
    let file = File::open(path).map_err(|source| DecodeError::io(path, source))?;
    decode_from(BufReader::new(file), path, limits)
}

/// [`decode`] of a file already in memory; `path` gives its name for errors and its extension.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_bytes(
    bytes: &[u8],
    path: &Path,
    limits: &DecodeLimits,
) -> Result<RgbImage, DecodeError> {
    decode_from(Cursor::new(bytes), path, limits)
}

/// A file may be anybody's, and a decoder that panics over one must not end a run over a thousand.
fn decode_from<R: BufRead + Seek>(
    reader: R,
    path: &Path,
    limits: &DecodeLimits,
) -> Result<RgbImage, DecodeError> {
    catch_unwind(AssertUnwindSafe(|| picture_of(reader, path, limits)))
        .unwrap_or_else(|_| Err(DecodeError::DecoderFault { path: path.into() }))
}

fn picture_of<R: BufRead + Seek>(
    mut reader: R,
    path: &Path,
    limits: &DecodeLimits,
) -> Result<RgbImage, DecodeError> {
    let format = known_format(&mut reader, path)?;
    if format == ImageFormat::Jpeg {
        check_jpeg_bytes(&mut reader, path, limits)?;
        check_jpeg_end(&mut reader, path)?;
    }
    let (decoder, orientation) = opened(reader, path, limits)?;
    let mut picture = DynamicImage::from_decoder(decoder)
        .map_err(|error| DecodeError::from_image(path, format, limits, error))?;
    picture.apply_orientation(orientation);
    Ok(over_white(picture))
}

/// A decoder that has read the header, and how the picture is to be turned.
fn opened<'r, R: BufRead + Seek + 'r>(
    mut reader: R,
    path: &Path,
    limits: &DecodeLimits,
) -> Result<(Box<dyn ImageDecoder + 'r>, Orientation), DecodeError> {
    let format = known_format(&mut reader, path)?;
    if format == ImageFormat::Jpeg {
        check_jpeg_bytes(&mut reader, path, limits)?;
    }
    let png_exif = match format {
        ImageFormat::Png => {
            png_exif::block(&mut reader).map_err(|source| DecodeError::io(path, source))?
        }
        _ => None,
    };
    let in_this_file = |error| DecodeError::from_image(path, format, limits, error);
    let mut decoder = with_limits(reader, format, limits).into_decoder().map_err(in_this_file)?;
    check_size(&decoder, path, format, limits)?;
    let orientation = match png_exif {
        Some(block) => orientation_in(&block),
        None => orientation(&mut decoder),
    };
    Ok((Box::new(decoder), orientation))
}

/// The format by content, and for TGA by name; `reader` is left at the start.
fn known_format<R: BufRead + Seek>(
    reader: &mut R,
    path: &Path,
) -> Result<ImageFormat, DecodeError> {
    let start = foreign::first_bytes(reader).map_err(|source| DecodeError::io(path, source))?;
    let not_read = |name| DecodeError::unsupported(path, format!("{name}, a format not read here"));
    if let Some(name) = foreign::name(&start, path) {
        return Err(not_read(name.to_owned()));
    }
    match (image::guess_format(&start), ImageFormat::from_path(path)) {
        (Ok(format), _) if format.reading_enabled() => Ok(format),
        (Ok(format), _) => Err(not_read(error::name(format))),
        (Err(_), Ok(ImageFormat::Tga)) => Ok(ImageFormat::Tga),
        (Err(_), _) => Err(DecodeError::UnknownFormat { path: path.into(), start }),
    }
}

/// The file, all of which the JPEG decoder takes into memory, against the limits.
fn check_jpeg_bytes<R: BufRead + Seek>(
    reader: &mut R,
    path: &Path,
    limits: &DecodeLimits,
) -> Result<(), DecodeError> {
    let io = |source| DecodeError::io(path, source);
    let num_bytes = reader.seek(SeekFrom::End(0)).map_err(io)?;
    reader.rewind().map_err(io)?;
    if num_bytes > limits.max_bytes {
        return Err(DecodeError::too_many_bytes(path, limits));
    }
    Ok(())
}

/// That a JPEG has its end marker.
fn check_jpeg_end<R: BufRead + Seek>(reader: &mut R, path: &Path) -> Result<(), DecodeError> {
    let io = |source| DecodeError::io(path, source);
    let ends = jpeg_end::is_present(reader).map_err(io)?;
    reader.rewind().map_err(io)?;
    if ends {
        return Ok(());
    }
    let reason = "the end of the file before the end of the picture".into();
    Err(DecodeError::damaged(path, ImageFormat::Jpeg, reason))
}

fn with_limits<R: BufRead + Seek>(
    reader: R,
    format: ImageFormat,
    limits: &DecodeLimits,
) -> ImageReader<R> {
    let mut reader = ImageReader::with_format(reader, format);
    let mut decoder_limits = Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_bytes);
    reader.limits(decoder_limits);
    reader
}

/// What the header claims, against the limits: nothing has been allocated yet.
fn check_size(
    decoder: &impl ImageDecoder,
    path: &Path,
    format: ImageFormat,
    limits: &DecodeLimits,
) -> Result<(), DecodeError> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        let reason = format!("{width}x{height} pixels");
        return Err(DecodeError::damaged(path, format, reason));
    }
    let size = ImageSize::new(height as usize, width as usize);
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(DecodeError::too_many_pixels(path, size, limits));
    }
    if decoder.total_bytes() > limits.max_bytes {
        return Err(DecodeError::too_many_bytes(path, limits));
    }
    Ok(())
}

/// How the picture is to be turned; a broken EXIF block says nothing about the pixels.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    match decoder.orientation() {
        Ok(Orientation::NoTransforms) | Err(_) => {
            orientation_in(&decoder.exif_metadata().ok().flatten().unwrap_or_default())
        }
        Ok(turned) => turned,
    }
}

/// The orientation an EXIF block gives. Some programs begin it with JPEG's prefix in WebP and PNG
/// too.
fn orientation_in(exif: &[u8]) -> Orientation {
    let block = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(block).unwrap_or(Orientation::NoTransforms)
}

fn over_white(picture: DynamicImage) -> RgbImage {
    let size = ImageSize::new(picture.height() as usize, picture.width() as usize);
    let pixels = if picture.color().has_alpha() {
        let pixels = picture.into_rgba8().into_raw();
        let (pixels, _) = pixels.as_chunks::<4>();
        pixels.iter().flat_map(|&[r, g, b, alpha]| [r, g, b].map(|v| blend(v, alpha))).collect()
    } else {
        picture.into_rgb8().into_raw()
    };
    RgbImage::new(size, pixels).unwrap_or_else(|error| unreachable!("three bytes a pixel: {error}"))
}

/// `value` over white; `alpha` 255 is opaque. Rounded to the nearest level.
fn blend(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
