//! What a detector answers.

use crate::{BBox, ImageSize, Label, Mask};

/// One object found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Where, in pixels of the original image.
    pub bbox: BBox,
    /// What.
    pub label: Label,
    /// How surely, in `[0, 1]`.
    pub score: f32,
    /// Its pixels in the original image, from a mask model.
    pub mask: Option<Mask>,
}

/// All objects found in one image, by falling score.
#[derive(Clone, Debug, PartialEq)]
pub struct Detections {
    /// Size of the original image.
    pub image_size: ImageSize,
    /// The objects; there may be none.
    pub objects: Vec<Detection>,
}
