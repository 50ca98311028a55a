//! A decoded picture.

use crate::ImageSize;

/// An 8-bit RGB picture, rows from the top, three bytes a pixel, no padding between rows; turned
/// the way a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    size: ImageSize,
    pixels: Vec<u8>,
}

/// A pixel buffer that does not fit its size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {size} RGB image needs {expected} bytes, found {found}")]
pub struct ImageError {
    size: ImageSize,
    expected: usize,
    found: usize,
}

impl RgbImage {
    /// A picture from its bytes.
    ///
    /// # Errors
    /// When `pixels` is not `height * width * 3` bytes long.
    pub fn new(size: ImageSize, pixels: Vec<u8>) -> Result<Self, ImageError> {
        let expected = size.area() * 3;
        if pixels.len() != expected {
            return Err(ImageError { size, expected, found: pixels.len() });
        }
        Ok(Self { size, pixels })
    }

    /// A picture of one colour.
    pub fn filled(size: ImageSize, rgb: [u8; 3]) -> Self {
        Self { size, pixels: rgb.repeat(size.area()) }
    }

    /// Height and width.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// All bytes: row after row, `R G B` for each pixel.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All bytes, to be painted on.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// The bytes, given away.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let error = RgbImage::new(ImageSize::new(2, 3), vec![0; 17]).unwrap_err();
        assert_eq!(error.to_string(), "a 3x2 RGB image needs 18 bytes, found 17");
    }
}
