//! Why a file gave no picture.

use super::DecodeLimits;
use image::{ImageError, ImageFormat};
use kestrel_core::ImageSize;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// What Kestrel reads, for messages.
const READABLE: &str = "JPEG, PNG, GIF, WebP, TIFF, BMP, TGA, QOI, ICO or PNM";

/// Why a file gave no picture. Every message begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The system did not hand the file over.
    #[error("{}: cannot read the file: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is no picture, as far as can be told.
    #[error(
        "{}: unknown format: found a file that begins with \"{}\", expected {READABLE}",
        path.display(),
        start.escape_ascii()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        start: Vec<u8>,
    },
    /// A picture, in a format or with a feature that is not read.
    #[error(
        "{}: unsupported picture: found {feature}, expected {READABLE} of an ordinary kind; \
         convert it to PNG",
        path.display()
    )]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is missing here.
        feature: String,
    },
    /// A picture that is cut off or breaks the rules of its format.
    #[error(
        "{}: cannot decode the {} picture: found {reason}, expected an undamaged file; get the \
         file again",
        path.display(),
        name(*format)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the file claims to be.
        format: ImageFormat,
        /// What the decoder stumbled over.
        reason: String,
    },
    /// The decoder panicked.
    #[error(
        "{}: cannot decode the picture: its decoder failed in a way it should not; convert the picture \
         to PNG with another program",
        path.display()
    )]
    DecoderFault {
        /// The file.
        path: PathBuf,
    },
    /// More pixels than [`DecodeLimits::max_pixels`].
    #[error(
        "{}: too large: found {found} pixels, expected at most {max_pixels} in all; scale the \
         picture down or cut it into tiles",
        path.display()
    )]
    TooManyPixels {
        /// The file.
        path: PathBuf,
        /// Size the header claims.
        found: ImageSize,
        /// The limit.
        max_pixels: u64,
    },
    /// More memory than [`DecodeLimits::max_bytes`].
    #[error(
        "{}: too large: found that decoding takes more than the {max_bytes} bytes of memory \
         allowed; scale the picture down or store it with 8 bits a channel",
        path.display()
    )]
    TooManyBytes {
        /// The file.
        path: PathBuf,
        /// The limit.
        max_bytes: u64,
    },
}

impl DecodeError {
    /// The file that gave no picture.
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::UnknownFormat { path, .. }
            | Self::Unsupported { path, .. }
            | Self::Damaged { path, .. }
            | Self::DecoderFault { path }
            | Self::TooManyPixels { path, .. }
            | Self::TooManyBytes { path, .. } => path,
        }
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    pub(super) fn unsupported(path: &Path, feature: String) -> Self {
        Self::Unsupported { path: path.into(), feature }
    }

    pub(super) fn damaged(path: &Path, format: ImageFormat, reason: String) -> Self {
        Self::Damaged { path: path.into(), format, reason }
    }

    pub(super) fn too_many_pixels(path: &Path, found: ImageSize, limits: &DecodeLimits) -> Self {
        Self::TooManyPixels { path: path.into(), found, max_pixels: limits.max_pixels }
    }

    pub(super) fn too_many_bytes(path: &Path, limits: &DecodeLimits) -> Self {
        Self::TooManyBytes { path: path.into(), max_bytes: limits.max_bytes }
    }

    pub(super) fn from_image(
        path: &Path,
        format: ImageFormat,
        limits: &DecodeLimits,
        error: ImageError,
    ) -> Self {
        match error {
            // The system's errors have a number; a decoder that reads past the end makes its own.
            ImageError::IoError(source) if source.raw_os_error().is_some() => {
                Self::io(path, source)
            }
            ImageError::Unsupported(error) => Self::unsupported(path, error.to_string()),
            ImageError::Limits(_) => Self::too_many_bytes(path, limits),
            other => Self::damaged(path, format, innermost(&other)),
        }
    }
}

/// The decoder's own words, without what `image` wraps around them.
fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// The name people know a format by.
pub(super) fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        ImageFormat::OpenExr => "OpenEXR".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}
