//! An instance's pixels: its translucent inside and its contour.

use crate::Color;
use crate::canvas::{Canvas, PixelRect};
use kestrel_core::Mask;

/// Mixes `color` over the mask.
pub(crate) fn fill_mask(canvas: &mut Canvas<'_>, mask: &Mask, color: Color, opacity: u8) {
    for (x, from, to) in mask.column_runs() {
        canvas.blend(column(x, from, to), color, opacity);
    }
}

/// Draws along the outermost pixels of the mask, holes included.
pub(crate) fn draw_contour(canvas: &mut Canvas<'_>, mask: &Mask, color: Color, thickness: i64) {
    let inside = Inside::new(mask, canvas.frame());
    let before = (thickness - 1) / 2;
    for (x, y) in inside.edge() {
        let (left, top) = (x - before, y - before);
        canvas.fill(PixelRect::new(left, top, left + thickness, top + thickness), color);
    }
}

fn column(x: usize, from: usize, to: usize) -> PixelRect {
    PixelRect::new(x as i64, from as i64, x as i64 + 1, to as i64)
}

/// The part of a mask within the picture, as a bitmap of just that part.
struct Inside {
    bounds: PixelRect,
    /// Columns one after the other.
    bits: Vec<bool>,
}

impl Inside {
    fn new(mask: &Mask, frame: PixelRect) -> Self {
        let visible = || {
            let in_picture = |(x, from, to)| column(x, from, to).intersection(&frame);
            mask.column_runs().map(in_picture).filter(|run| !run.is_empty())
        };
        let around = |all: PixelRect, run: PixelRect| PixelRect {
            left: all.left.min(run.left),
            top: all.top.min(run.top),
            right: all.right.max(run.right),
            bottom: all.bottom.max(run.bottom),
        };
        let bounds = visible().reduce(around).unwrap_or(PixelRect::new(0, 0, 0, 0));
        let mut bits = vec![false; (bounds.width() * bounds.height()) as usize];
        for run in visible() {
            let start = (run.left - bounds.left) * bounds.height() - bounds.top;
            bits[(start + run.top) as usize..(start + run.bottom) as usize].fill(true);
        }
        Self { bounds, bits }
    }

    fn get(&self, x: i64, y: i64) -> bool {
        let PixelRect { left, top, right, bottom } = self.bounds;
        let within = (left..right).contains(&x) && (top..bottom).contains(&y);
        within && self.bits[((x - left) * self.bounds.height() + y - top) as usize]
    }

    /// Pixels of the mask with a neighbour (of four) outside it; the picture's border is outside.
    fn edge(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        let PixelRect { left, top, right, bottom } = self.bounds;
        let pixels = (left..right).flat_map(move |x| (top..bottom).map(move |y| (x, y)));
        pixels.filter(|&(x, y)| {
            let enclosed = || {
                self.get(x - 1, y) && self.get(x + 1, y) && self.get(x, y - 1) && self.get(x, y + 1)
            };
            self.get(x, y) && !enclosed()
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{ImageSize, RgbImage};

    /// A mask from rows of text, `#` inside.
    fn mask(rows: &[&str]) -> Mask {
        let size = ImageSize::new(rows.len(), rows.first().map_or(0, |row| row.len()));
        let bits: Vec<u8> = rows.concat().bytes().map(|byte| u8::from(byte == b'#')).collect();
        Mask::from_bitmap(size, &bits).unwrap()
    }

    fn contour(mask: &Mask, size: ImageSize, thickness: i64) -> Vec<String> {
        let mut image = RgbImage::filled(size, [0; 3]);
        draw_contour(&mut Canvas::new(&mut image), mask, Color::WHITE, thickness);
        let mark = |pixel: &[u8]| if pixel == [0; 3] { '.' } else { '#' };
        let row = |row: &[u8]| row.chunks_exact(3).map(mark).collect();
        image.pixels().chunks_exact(size.width * 3).map(row).collect()
    }

    #[test]
    fn the_contour_is_the_outermost_pixels() {
        let disc = mask(&["......", ".####.", "######", "######", ".####.", "......"]);
        let drawn = contour(&disc, disc.size(), 1);
        assert_eq!(drawn, ["......", ".####.", "#....#", "#....#", ".####.", "......"]);
    }

    #[test]
    fn the_border_of_the_picture_and_holes_have_a_contour() {
        let full = mask(&["#####", "#####", "#####", "#####", "#####"]);
        let drawn = contour(&full, full.size(), 1);
        assert_eq!(drawn, ["#####", "#...#", "#...#", "#...#", "#####"]);
        let ring = mask(&["######", "######", "##.###", "######", "######"]);
        let drawn = contour(&ring, ring.size(), 1);
        assert_eq!(drawn, ["######", "#.#..#", "##.#.#", "#.#..#", "######"]);
    }

    #[test]
    fn a_thicker_contour_spreads_both_ways() {
        let dot = mask(&[".....", ".....", "..#..", ".....", "....."]);
        let drawn = contour(&dot, dot.size(), 3);
        assert_eq!(drawn, [".....", ".###.", ".###.", ".###.", "....."]);
    }

    #[test]
    fn a_mask_larger_than_the_picture_is_cut() {
        let full = mask(&["####", "####", "####", "####"]);
        assert_eq!(contour(&full, ImageSize::new(3, 3), 1), ["###", "#.#", "###"]);
        assert_eq!(contour(&mask(&["...", "..."]), ImageSize::new(2, 2), 1), ["..", ".."]);
    }

    #[test]
    fn a_fill_touches_only_the_mask() {
        let mut image = RgbImage::filled(ImageSize::new(1, 3), [100; 3]);
        let middle = mask(&[".#."]);
        fill_mask(&mut Canvas::new(&mut image), &middle, Color([200, 100, 0]), 102);
        // 100 * 0.6 + 200 * 0.4 = 140, and so on.
        assert_eq!(image.pixels(), [100, 100, 100, 140, 100, 60, 100, 100, 100]);
    }
}
