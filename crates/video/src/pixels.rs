//! How a picture's bytes lie in the pipes to and from ffmpeg.
//!
//! Clips have half the colours in each direction (4:2:0), so their frames pass the pipes that way, in
//! half the bytes of RGB: ffmpeg keeps some twenty raw frames in its queues, and 4K frames would take
//! half a gigabyte there. The conversion happens here, by BT.709 in the range of television.
//!
//! Shape letters: `H, W` the frame's height and width.

use kestrel_core::{ImageSize, RgbImage};
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvError, YuvPlanarImage, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix,
};

const MATRIX: YuvStandardMatrix = YuvStandardMatrix::Bt709;
const RANGE: YuvRange = YuvRange::Limited;

/// The orders of bytes that frames may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PixelFormat {
    /// `[H, W, 3]`.
    Rgb24,
    /// Brightness `[H, W]`, then two differences of colour, each `[H/2, W/2]`, rounded up.
    Yuv420,
}

impl PixelFormat {
    /// Its codec in the container NUT, in FFmpeg's four letters.
    pub const fn tag(self) -> [u8; 4] {
        match self {
            Self::Rgb24 => *b"RGB\x18",
            Self::Yuv420 => *b"I420",
        }
    }

    /// The one with this tag.
    pub fn of_tag(tag: [u8; 4]) -> Option<Self> {
        [Self::Rgb24, Self::Yuv420].into_iter().find(|format| format.tag() == tag)
    }

    fn num_bytes(self, size: ImageSize) -> usize {
        match self {
            Self::Rgb24 => 3 * size.area(),
            Self::Yuv420 => size.area() + 2 * chroma(size).area(),
        }
    }

    /// A frame of this format as a picture.
    ///
    /// # Errors
    /// In words, what was found and expected, when the bytes are not those of such a frame.
    pub fn read(self, size: ImageSize, bytes: Vec<u8>) -> Result<RgbImage, String> {
        let (found, expected) = (bytes.len(), self.num_bytes(size));
        if found != expected {
            return Err(format!("a frame of {found} bytes where {size} takes {expected}"));
        }
        let pixels = match self {
            Self::Rgb24 => bytes,
            Self::Yuv420 => rgb(size, &bytes).map_err(|error| error.to_string())?,
        };
        RgbImage::new(size, pixels).map_err(|error| error.to_string())
    }
}

fn chroma(size: ImageSize) -> ImageSize {
    ImageSize::new(size.height.div_ceil(2), size.width.div_ceil(2))
}

fn rgb(size: ImageSize, planes: &[u8]) -> Result<Vec<u8>, YuvError> {
    let mut pixels = vec![0; 3 * size.area()];
    if size.area() == 0 {
        return Ok(pixels);
    }
    let (y_plane, colors) = planes.split_at(size.area());
    let (u_plane, v_plane) = colors.split_at(chroma(size).area());
    let (width, half_width) = (size.width as u32, chroma(size).width as u32);
    let image = YuvPlanarImage {
        y_plane,
        y_stride: width,
        u_plane,
        u_stride: half_width,
        v_plane,
        v_stride: half_width,
        width,
        height: size.height as u32,
    };
    yuv::yuv420_to_rgb(&image, &mut pixels, 3 * width, RANGE, MATRIX)?;
    Ok(pixels)
}

/// Writes the picture as [`PixelFormat::Yuv420`] over `planes`.
///
/// # Errors
/// When the picture is larger than such frames can be.
pub(crate) fn write_yuv420(picture: &RgbImage, planes: &mut Vec<u8>) -> Result<(), YuvError> {
    let size = picture.size();
    planes.resize(PixelFormat::Yuv420.num_bytes(size), 0);
    if size.area() == 0 {
        return Ok(());
    }
    let (y_plane, colors) = planes.split_at_mut(size.area());
    let (u_plane, v_plane) = colors.split_at_mut(chroma(size).area());
    let (width, half_width) = (size.width as u32, chroma(size).width as u32);
    let mut image = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y_plane),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u_plane),
        u_stride: half_width,
        v_plane: BufferStoreMut::Borrowed(v_plane),
        v_stride: half_width,
        width,
        height: size.height as u32,
    };
    let mode = YuvConversionMode::Balanced;
    yuv::rgb_to_yuv420(&mut image, picture.pixels(), 3 * width, RANGE, MATRIX, mode)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// BT.709: 16 + 219 Y, and 128 + 224 / 1.8556 (B - Y), 128 + 224 / 1.5748 (R - Y), for colours
    /// from 0 to 1 (Recommendation ITU-R BT.709-6, 3).
    fn expected(rgb: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
    }

    #[test]
    fn colours_are_those_of_bt_709() {
        let size = ImageSize::new(3, 5);
        for color in [[0; 3], [255; 3], [255, 0, 0], [0, 255, 0], [0, 0, 255], [30, 144, 255]] {
            let picture = RgbImage::filled(size, color);
            let mut planes = Vec::new();
            write_yuv420(&picture, &mut planes).unwrap();
            assert_eq!(planes.len(), 15 + 2 * 6);
            let [y, u, v] = expected(color);
            for (found, expected) in [(planes[14], y), (planes[15], u), (planes[26], v)] {
                // Half a step of rounding, and as much for sums of rounded coefficients.
                assert!((f64::from(found) - expected).abs() <= 1.0, "{color:?}: {planes:?}");
            }
            let back = PixelFormat::Yuv420.read(size, planes).unwrap();
            for (found, expected) in back.pixels().iter().zip(picture.pixels()) {
                // A step of 1/219 in brightness and of 1/224 in colour, which counts 1.8 times.
                assert!(found.abs_diff(*expected) <= 3, "{color:?}: {:?}", back.pixels());
            }
        }
    }

    #[test]
    fn an_odd_side_and_no_side_are_frames_too() {
        for (height, width) in [(1, 1), (2, 3), (0, 4), (0, 0), (33, 65)] {
            let picture = RgbImage::filled(ImageSize::new(height, width), [90, 90, 90]);
            let mut planes = vec![7; 4];
            write_yuv420(&picture, &mut planes).unwrap();
            let back = PixelFormat::Yuv420.read(picture.size(), planes).unwrap();
            assert_eq!(back.size(), picture.size());
            assert!(back.pixels().iter().all(|value| value.abs_diff(90) <= 1));
        }
    }

    #[test]
    fn a_frame_of_another_length_is_refused() {
        let error = PixelFormat::Yuv420.read(ImageSize::new(2, 3), vec![0; 9]).unwrap_err();
        assert_eq!(error, "a frame of 9 bytes where 3x2 takes 10");
        let error = PixelFormat::Rgb24.read(ImageSize::new(2, 3), vec![0; 17]).unwrap_err();
        assert_eq!(error, "a frame of 17 bytes where 3x2 takes 18");
    }
}
