//! Sizes of images and feature maps.

use serde::{Deserialize, Serialize};

/// Height and width in pixels, always named, since a bare pair is read the wrong way round
/// sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageSize {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageSize {
    /// A size from rows and columns.
    pub const fn new(height: usize, width: usize) -> Self {
        Self { height, width }
    }

    /// Number of pixels.
    pub const fn area(self) -> usize {
        self.height * self.width
    }
}

impl std::fmt::Display for ImageSize {
    /// Width first, as people write picture sizes: `640x480`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}
