//! Text in Noto Sans Mono: bitmap heights of 16 to 32 pixels, enlarged for larger pictures by
//! repeating pixels.

use crate::Color;
use crate::canvas::{Canvas, PixelRect};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar};
use noto_sans_mono_bitmap::{get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;

/// A font size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Font {
    raster: RasterHeight,
    /// Pixels on the canvas for one pixel of the font, along each side.
    enlarged: i64,
}

impl Font {
    /// The size whose lines are about `height` pixels high, at least 16.
    pub fn about(height: i64) -> Self {
        let (raster, enlarged) = match height {
            ..18 => (RasterHeight::Size16, 1),
            18..22 => (RasterHeight::Size20, 1),
            22..28 => (RasterHeight::Size24, 1),
            28..40 => (RasterHeight::Size32, 1),
            40..56 => (RasterHeight::Size24, 2),
            _ => (RasterHeight::Size32, (height + 16) / 32),
        };
        Self { raster, enlarged }
    }

    /// Pixels from one line to the next.
    pub fn line_height(&self) -> i64 {
        self.raster.val() as i64 * self.enlarged
    }

    /// Pixels that a text is wide.
    pub fn width(&self, text: &str) -> i64 {
        let advance = get_raster_width(WEIGHT, self.raster) as i64 * self.enlarged;
        advance * text.chars().count() as i64
    }

    /// Writes one line with its top left corner at `left`, `top`; characters that the font lacks
    /// come out as `?`.
    pub fn write(&self, canvas: &mut Canvas<'_>, text: &str, left: i64, top: i64, color: Color) {
        let mut x = left;
        for glyph in text.chars().filter_map(|character| self.glyph(character)) {
            self.stamp(canvas, glyph, x, top, color);
            x += glyph.width() as i64 * self.enlarged;
        }
    }

    fn glyph(&self, character: char) -> Option<RasterizedChar> {
        let raster = |character| get_raster(character, WEIGHT, self.raster);
        raster(character).or_else(|| raster('?'))
    }

    fn stamp(
        &self,
        canvas: &mut Canvas<'_>,
        glyph: RasterizedChar,
        left: i64,
        top: i64,
        color: Color,
    ) {
        let side = self.enlarged;
        for (row, inks) in (0i64..).zip(glyph.rows()) {
            for (column, &ink) in (0i64..).zip(inks) {
                let (x, y) = (left + column * side, top + row * side);
                canvas.blend(PixelRect::new(x, y, x + side, y + side), color, ink);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_core::{ImageSize, RgbImage};

    fn written(font: Font, text: &str) -> RgbImage {
        let size = ImageSize::new(font.line_height() as usize, font.width(text) as usize);
        let mut image = RgbImage::filled(size, [0; 3]);
        font.write(&mut Canvas::new(&mut image), text, 0, 0, Color::WHITE);
        image
    }

    #[test]
    fn lines_are_about_as_high_as_asked() {
        for height in 16..200 {
            let line = Font::about(height).line_height();
            // Between 32 and 48 and between 48 and 64 there is no size: 8 pixels, then 16.
            assert!((line - height).abs() <= 16, "asked {height}, got {line}");
        }
        assert_eq!(Font::about(-5).line_height(), 16);
    }

    #[test]
    fn characters_the_font_lacks_are_question_marks() {
        let font = Font::about(16);
        assert_eq!(written(font, "核\n"), written(font, "??"));
        assert_ne!(written(font, "é"), written(font, "?"));
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let (once, twice) = (written(Font::about(32), "A"), written(Font::about(64), "A"));
        let (width, pixel) =
            (once.size().width, |image: &RgbImage, at: usize| image.pixels()[at * 3]);
        for at in 0..once.size().area() {
            let (x, y) = (at % width, at / width);
            assert_eq!(pixel(&once, at), pixel(&twice, (2 * y + 1) * 2 * width + 2 * x));
        }
    }
}
