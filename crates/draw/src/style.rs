//! What is drawn, and how large.

use crate::font::Font;
use kestrel_core::ImageSize;

/// What decides an object's colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorBy {
    /// The instance where the objects have masks, so that touching ones differ; else the category.
    #[default]
    Auto,
    /// The object's place in the list.
    Instance,
    /// The object's label.
    Category,
}

/// Which boxes are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boxes {
    /// Those that add something: not around small objects whose mask has a contour already.
    #[default]
    Auto,
    /// All.
    All,
    /// None.
    None,
}

/// Which tags with name and score are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// Those that leave the picture visible: tags no larger than their object that cover no tag
    /// of a better one.
    #[default]
    Fitting,
    /// All, over each other if need be.
    All,
    /// None.
    None,
}

/// How detections are drawn. Lines and letters scale with the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawStyle {
    /// What decides an object's colour.
    pub color_by: ColorBy,
    /// How much of the picture a mask hides: 0 nothing, 1 all of it; the contour is opaque.
    pub mask_opacity: f32,
    /// Which boxes are drawn.
    pub boxes: Boxes,
    /// Which tags are drawn.
    pub labels: Labels,
}

impl Default for DrawStyle {
    fn default() -> Self {
        Self {
            color_by: ColorBy::Auto,
            mask_opacity: 0.45,
            boxes: Boxes::Auto,
            labels: Labels::Fitting,
        }
    }
}

/// Lengths in pixels for one size of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Of box outlines and mask contours.
    pub thickness: i64,
    /// Side below which a box around a mask adds nothing.
    pub small_side: i64,
    pub font: Font,
}

impl Lengths {
    /// Lines of about one pixel for 400 of the short side, letters of one for 36.
    pub fn for_picture(size: ImageSize) -> Self {
        let short_side = size.height.min(size.width) as i64;
        let thickness = ((short_side + 200) / 400).clamp(1, 6);
        Self { thickness, small_side: 40 * thickness, font: Font::about(short_side / 36) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_letters_grow_with_the_picture() {
        let lengths = |height, width| {
            let lengths = Lengths::for_picture(ImageSize::new(height, width));
            (lengths.thickness, lengths.font.line_height())
        };
        assert_eq!(lengths(1, 1), (1, 16));
        assert_eq!(lengths(480, 640), (1, 16));
        assert_eq!(lengths(1080, 1920), (3, 32));
        assert_eq!(lengths(3000, 4000), (6, 96));
        assert_eq!(lengths(30_000, 40_000).0, 6);
    }
}
