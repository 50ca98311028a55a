//! The pixels under the brush: every stroke is clipped to the picture.

use crate::Color;
use kestrel_core::{BBox, ImageSize, RgbImage};

/// How far outside the picture a corner is still told apart. It keeps the sums of coordinates that
/// a network made up far from overflow.
const BEYOND: f32 = 1e6;

/// Whole pixels `left..right` by `top..bottom`; they may lie outside the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PixelRect {
    pub left: i64,
    pub top: i64,
    pub right: i64,
    pub bottom: i64,
}

impl PixelRect {
    pub const fn new(left: i64, top: i64, right: i64, bottom: i64) -> Self {
        Self { left, top, right, bottom }
    }

    /// The pixels a box touches, at least one; `None` where its corners are NaN or swapped.
    pub fn touched_by(bbox: &BBox) -> Option<Self> {
        // NaN fails both.
        if !(bbox.x1 <= bbox.x2 && bbox.y1 <= bbox.y2) {
            return None;
        }
        let first = |from: f32| from.clamp(-BEYOND, BEYOND).floor() as i64;
        let end = |to: f32| to.clamp(-BEYOND, BEYOND).ceil() as i64;
        let (left, top) = (first(bbox.x1), first(bbox.y1));
        let (right, bottom) = (end(bbox.x2).max(left + 1), end(bbox.y2).max(top + 1));
        Some(Self { left, top, right, bottom })
    }

    pub fn width(&self) -> i64 {
        self.right - self.left
    }

    pub fn height(&self) -> i64 {
        self.bottom - self.top
    }

    /// Number of pixels of a rectangle that is not empty.
    pub fn area(&self) -> i64 {
        self.width() * self.height()
    }

    pub fn is_empty(&self) -> bool {
        self.width() <= 0 || self.height() <= 0
    }

    /// The same centre, every side moved out.
    pub fn grown(&self, by: i64) -> Self {
        Self::new(self.left - by, self.top - by, self.right + by, self.bottom + by)
    }

    /// The common part; empty where there is none.
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub fn contains(&self, other: &Self) -> bool {
        self.intersection(other) == *other
    }
}

/// A picture to paint on.
pub(crate) struct Canvas<'a> {
    size: ImageSize,
    pixels: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    pub fn new(image: &'a mut RgbImage) -> Self {
        Self { size: image.size(), pixels: image.pixels_mut() }
    }

    /// The whole picture.
    pub fn frame(&self) -> PixelRect {
        PixelRect::new(0, 0, self.size.width as i64, self.size.height as i64)
    }

    /// Mixes `color` over the pixels of `rect`; opacity 0 changes nothing, 255 replaces.
    pub fn blend(&mut self, rect: PixelRect, color: Color, opacity: u8) {
        let inside = rect.intersection(&self.frame());
        if inside.is_empty() {
            return;
        }
        for y in inside.top..inside.bottom {
            let row = y as usize * self.size.width;
            let (first, end) = (row + inside.left as usize, row + inside.right as usize);
            for pixel in self.pixels[first * 3..end * 3].chunks_exact_mut(3) {
                for (old, new) in pixel.iter_mut().zip(color.0) {
                    *old = mixed(*old, new, opacity);
                }
            }
        }
    }

    /// Covers the pixels of `rect`.
    pub fn fill(&mut self, rect: PixelRect, color: Color) {
        self.blend(rect, color, u8::MAX);
    }

    /// A frame along the inside of `rect`'s border; filled where `rect` is too thin to have an
    /// inside.
    pub fn outline(&mut self, rect: PixelRect, thickness: i64, color: Color) {
        let PixelRect { left, top, right, bottom } = rect;
        let (upper, lower) = ((top + thickness).min(bottom), (bottom - thickness).max(top));
        self.fill(PixelRect { bottom: upper, ..rect }, color);
        self.fill(PixelRect { top: lower, ..rect }, color);
        self.fill(PixelRect::new(left, upper, (left + thickness).min(right), lower), color);
        self.fill(PixelRect::new((right - thickness).max(left), upper, right, lower), color);
    }
}

fn mixed(old: u8, new: u8, opacity: u8) -> u8 {
    let (old, new, opacity) = (u32::from(old), u32::from(new), u32::from(opacity));
    ((old * (255 - opacity) + new * opacity + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Color = Color([255, 0, 0]);

    /// The picture as text: `#` where it is not black.
    fn painted(size: ImageSize, paint: impl FnOnce(&mut Canvas<'_>)) -> Vec<String> {
        let mut image = RgbImage::filled(size, [0; 3]);
        paint(&mut Canvas::new(&mut image));
        let mark = |pixel: &[u8]| if pixel == [0; 3] { '.' } else { '#' };
        let row = |row: &[u8]| row.chunks_exact(3).map(mark).collect();
        image.pixels().chunks_exact(size.width * 3).map(row).collect()
    }

    #[test]
    fn an_outline_lies_inside_its_rectangle() {
        let picture = painted(ImageSize::new(5, 6), |canvas| {
            canvas.outline(PixelRect::new(1, 0, 5, 4), 1, RED);
        });
        assert_eq!(picture, [".####.", ".#..#.", ".#..#.", ".####.", "......"]);
    }

    #[test]
    fn a_thin_outline_is_filled_once() {
        let picture = painted(ImageSize::new(3, 6), |canvas| {
            canvas.outline(PixelRect::new(1, 1, 5, 2), 3, RED);
        });
        assert_eq!(picture, ["......", ".####.", "......"]);
    }

    #[test]
    fn strokes_end_at_the_picture() {
        let size = ImageSize::new(2, 3);
        let everywhere = PixelRect::new(-9, -9, 9, 9);
        assert_eq!(painted(size, |canvas| canvas.fill(everywhere, RED)), ["###", "###"]);
        let elsewhere = PixelRect::new(7, 0, 9, 2);
        assert_eq!(painted(size, |canvas| canvas.fill(elsewhere, RED)), ["...", "..."]);
        let nowhere = ImageSize::new(0, 4);
        assert!(painted(nowhere, |canvas| canvas.fill(everywhere, RED)).is_empty());
    }

    #[test]
    fn opacity_mixes_and_rounds() {
        assert_eq!(mixed(10, 200, 0), 10);
        assert_eq!(mixed(10, 200, 255), 200);
        // (10 * 153 + 200 * 102) / 255 = 86
        assert_eq!(mixed(10, 200, 102), 86);
    }

    #[test]
    fn a_box_touches_whole_pixels() {
        let touched = |x1, y1, x2, y2| PixelRect::touched_by(&BBox::new(x1, y1, x2, y2));
        assert_eq!(touched(0.4, 1.0, 2.0, 2.1), Some(PixelRect::new(0, 1, 2, 3)));
        assert_eq!(touched(3.0, 3.0, 3.0, 3.0), Some(PixelRect::new(3, 3, 4, 4)));
        assert_eq!(touched(f32::NAN, 0.0, 5.0, 5.0), None);
        assert_eq!(touched(5.0, 0.0, 4.0, 5.0), None);
        let all = touched(f32::NEG_INFINITY, 0.0, f32::INFINITY, 1.0);
        assert_eq!(all, Some(PixelRect::new(-1_000_000, 0, 1_000_000, 1)));
    }
}
