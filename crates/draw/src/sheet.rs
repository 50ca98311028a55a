//! Many pictures on one: a contact sheet.
//!
//! Pictures are scaled down by averaging the area each new pixel covers, which keeps thin lines as
//! faint lines where picking pixels would break them. The average is of the stored values, not of
//! light, as most viewers do it. None is scaled up.

use crate::Color;
use crate::canvas::Canvas;
use crate::font::Font;
use kestrel_core::{ImageSize, RgbImage};
use std::ops::Range;

const GROUND: Color = Color([22, 24, 28]);
const LETTERS: Color = Color([205, 208, 214]);

/// Between tiles and around them, in pixels.
const GUTTER_PX: usize = 8;
/// Sides of tiles, in pixels.
const TILE_SIDES_PX: std::ops::RangeInclusive<usize> = 16..=2048;
/// Lines of the caption in one side of a tile.
const LINES_A_SIDE: i64 = 18;
const ELLIPSIS: &str = "...";

/// A picture on a sheet, with what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The picture, already drawn on; of any size.
    pub picture: RgbImage,
    /// One line; what does not fit is cut off and an ellipsis put there.
    pub caption: String,
}

/// Puts tiles side by side in rows of `columns`, each picture scaled down to fit a square of
/// `tile_side` pixels, with its caption below; a row is as high as its highest picture. Without
/// tiles the sheet is a strip of ground.
///
/// At least one column is drawn and no more than there are tiles; a side below 16 pixels or above
/// 2048 is taken as that. To keep memory small, scale large pictures down with [`shrunk`] as they
/// come.
pub fn contact_sheet(tiles: &[Tile], columns: usize, tile_side: usize) -> RgbImage {
    let tile_side = tile_side.clamp(*TILE_SIDES_PX.start(), *TILE_SIDES_PX.end());
    let pictures: Vec<RgbImage> =
        tiles.iter().map(|tile| shrunk(&tile.picture, tile_side)).collect();
    let layout = Layout::new(&pictures, columns.clamp(1, tiles.len().max(1)), tile_side);
    let mut sheet = RgbImage::filled(layout.size(), GROUND.0);
    for (number, (tile, picture)) in tiles.iter().zip(&pictures).enumerate() {
        let (left, row) = (layout.left(number), &layout.rows[number / layout.columns]);
        let ImageSize { height, width } = picture.size();
        let (x, y) = (left + (tile_side - width) / 2, row.start + (row.len() - height) / 2);
        paste(&mut sheet, picture, x, y);
        let caption = layout.fitted(&tile.caption);
        let indent = (tile_side as i64 - layout.font.width(&caption)) / 2;
        let mut canvas = Canvas::new(&mut sheet);
        layout.font.write(&mut canvas, &caption, left as i64 + indent, row.end as i64, LETTERS);
    }
    sheet
}

/// The picture scaled down so that neither side is longer than `max_side` pixels, which is at least
/// 1; as it is where it fits already.
pub fn shrunk(image: &RgbImage, max_side: usize) -> RgbImage {
    let size = image.size();
    let (longest, max_side) = (size.height.max(size.width), max_side.max(1));
    if longest <= max_side {
        return image.clone();
    }
    let side = |length: usize| {
        let rounded = (length * max_side + longest / 2) / longest;
        // A thread of a picture keeps a pixel; one without pixels stays so.
        rounded.clamp(length.min(1), max_side)
    };
    area_averaged(image, ImageSize::new(side(size.height), side(size.width)))
}

/// Where tiles stand.
struct Layout {
    columns: usize,
    tile_side: usize,
    font: Font,
    /// Top and bottom of the pictures of each row, in pixels of the sheet.
    rows: Vec<Range<usize>>,
}

impl Layout {
    fn new(pictures: &[RgbImage], columns: usize, tile_side: usize) -> Self {
        let font = Font::about(tile_side as i64 / LINES_A_SIDE);
        let mut top = GUTTER_PX;
        let row = |pictures: &[RgbImage]| {
            let height = pictures.iter().map(|picture| picture.size().height).max();
            let row = top..top + height.unwrap_or_default();
            top = row.end + font.line_height() as usize + GUTTER_PX;
            row
        };
        Self { rows: pictures.chunks(columns).map(row).collect(), columns, tile_side, font }
    }

    fn size(&self) -> ImageSize {
        let below = |row: &Range<usize>| row.end + self.font.line_height() as usize;
        let height = GUTTER_PX + self.rows.last().map_or(0, below);
        ImageSize::new(height, self.left(self.columns - 1) + self.tile_side + GUTTER_PX)
    }

    fn left(&self, number: usize) -> usize {
        GUTTER_PX + number % self.columns * (self.tile_side + GUTTER_PX)
    }

    /// As much of a caption as fits a tile.
    fn fitted(&self, caption: &str) -> String {
        let most = self.tile_side / self.font.width(" ").max(1) as usize;
        if caption.chars().count() <= most {
            return caption.to_owned();
        }
        let kept = caption.chars().take(most.saturating_sub(ELLIPSIS.len()));
        kept.chain(ELLIPSIS.chars()).take(most).collect()
    }
}

fn paste(sheet: &mut RgbImage, picture: &RgbImage, left: usize, top: usize) {
    let (sheet_width, width) = (sheet.size().width, picture.size().width);
    if width == 0 {
        return;
    }
    for (y, row) in picture.pixels().chunks_exact(width * 3).enumerate() {
        let start = ((top + y) * sheet_width + left) * 3;
        sheet.pixels_mut()[start..start + row.len()].copy_from_slice(row);
    }
}

/// The old pixels that a new one covers along one axis, and how much of each; the parts sum to 1.
struct Cover {
    pixels: Range<usize>,
    first_part: f32,
    last_part: f32,
    inner_part: f32,
}

impl Cover {
    fn of_all(old: usize, new: usize) -> Vec<Self> {
        (0..new).map(|number| Self::new(number, old, new)).collect()
    }

    /// Counted in parts of `1 / new` of an old pixel, so that nothing is rounded.
    fn new(number: usize, old: usize, new: usize) -> Self {
        let (start, end) = (number * old, (number + 1) * old);
        let pixels = start / new..end.div_ceil(new);
        let part = |length: usize| length as f32 / old as f32;
        Self {
            first_part: part(((pixels.start + 1) * new).min(end) - start),
            last_part: part(end - ((pixels.end - 1) * new).max(start)),
            inner_part: part(new),
            pixels,
        }
    }

    fn parts(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let last = self.pixels.end - 1;
        self.pixels.clone().map(move |pixel| match pixel {
            _ if pixel == self.pixels.start => (pixel, self.first_part),
            _ if pixel == last => (pixel, self.last_part),
            _ => (pixel, self.inner_part),
        })
    }
}

fn area_averaged(image: &RgbImage, new: ImageSize) -> RgbImage {
    let old = image.size();
    let (rows, columns) =
        (Cover::of_all(old.height, new.height), Cover::of_all(old.width, new.width));
    let mut pixels = Vec::with_capacity(new.area() * 3);
    let mut row_sum = vec![0.0; old.width * 3];
    for row in &rows {
        row_sum.fill(0.0);
        for (y, part) in row.parts() {
            let values = &image.pixels()[y * old.width * 3..(y + 1) * old.width * 3];
            for (sum, &value) in row_sum.iter_mut().zip(values) {
                *sum += part * f32::from(value);
            }
        }
        for column in &columns {
            for channel in 0..3 {
                let parts = column.parts().map(|(x, part)| part * row_sum[x * 3 + channel]);
                pixels.push(parts.sum::<f32>().round() as u8);
            }
        }
    }
    RgbImage::new(new, pixels)
        .unwrap_or_else(|error| unreachable!("three values a new pixel: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RED: [u8; 3] = [200, 10, 20];

    fn tile(height: usize, width: usize, caption: &str) -> Tile {
        let picture = RgbImage::filled(ImageSize::new(height, width), RED);
        Tile { picture, caption: caption.into() }
    }

    fn pixel(image: &RgbImage, x: usize, y: usize) -> [u8; 3] {
        let at = (y * image.size().width + x) * 3;
        image.pixels()[at..at + 3].try_into().unwrap()
    }

    /// Whether anything is written in these columns of the caption of the first row of tiles of 64.
    fn has_letters(sheet: &RgbImage, columns: Range<usize>) -> bool {
        let places = (72..88).flat_map(|y| columns.clone().map(move |x| (x, y)));
        places.into_iter().any(|(x, y)| pixel(sheet, x, y) != GROUND.0)
    }

    #[test]
    fn tiles_stand_in_rows_between_gutters() {
        let tiles = [tile(100, 200, "a"), tile(200, 100, "b"), tile(10, 20, "")];
        let sheet = contact_sheet(&tiles, 2, 64);
        // Two captions of 16 and three gutters around rows of 64 and 10.
        assert_eq!(sheet.size(), ImageSize::new(64 + 10 + 2 * 16 + 24, 2 * 64 + 24));
        let is_red = |x, y| pixel(&sheet, x, y) == RED;
        // 64 x 32 in the middle of the first tile.
        assert_eq!([23, 24, 55, 56].map(|y| is_red(40, y)), [false, true, true, false]);
        assert_eq!([7, 8, 71, 72].map(|x| is_red(x, 40)), [false, true, true, false]);
        // 32 x 64 in the second.
        assert_eq!([95, 96, 127, 128].map(|x| is_red(x, 8)), [false, true, true, false]);
        // The third as large as it was.
        assert_eq!([29, 30, 49, 50].map(|x| is_red(x, 96)), [false, true, true, false]);
        assert_eq!(pixel(&sheet, 0, 0), GROUND.0);
    }

    #[test]
    fn captions_stand_in_the_middle_below_and_are_cut() {
        let sheet = contact_sheet(&[tile(64, 64, "ab"), tile(64, 64, &"W".repeat(40))], 2, 64);
        // Two letters of 7 pixels.
        assert!(has_letters(&sheet, 33..47));
        assert!(!has_letters(&sheet, 0..33) && !has_letters(&sheet, 47..80));
        // Nine letters of 7 pixels fit.
        assert!(has_letters(&sheet, 80..144) && !has_letters(&sheet, 143..152));
        let layout = Layout::new(&[], 1, 64);
        assert_eq!(layout.fitted("picture_0017.png"), "pictur...");
        assert_eq!(layout.fitted("nine char"), "nine char");
        assert_eq!(Layout::new(&[], 1, 16).fitted("picture"), "..");
    }

    #[test]
    fn odd_wishes_give_a_sheet() {
        assert_eq!(contact_sheet(&[], 3, 64).size(), ImageSize::new(8, 80), "one empty tile wide");
        let one = contact_sheet(&[tile(0, 0, "nothing")], 0, 0);
        assert_eq!(one.size(), ImageSize::new(16 + 16, 16 + 16));
        let sheet = contact_sheet(&[tile(3000, 2, "a")], usize::MAX, usize::MAX);
        assert_eq!(sheet.size().width, 2048 + 16);
    }

    #[test]
    fn shrinking_averages() {
        let row: Vec<u8> = [0u8, 90, 30, 255, 100, 20].into_iter().flat_map(|it| [it; 3]).collect();
        let image = RgbImage::new(ImageSize::new(1, 6), row).unwrap();
        let small = shrunk(&image, 4);
        assert_eq!(small.size(), ImageSize::new(1, 4));
        // Each new pixel covers one and a half: (0 + 90/2) / 1.5, (90/2 + 30) / 1.5, ...
        let levels: Vec<u8> = small.pixels().chunks_exact(3).map(|rgb| rgb[1]).collect();
        assert_eq!(levels, [30, 50, 203, 47]);
        assert_eq!(shrunk(&image, 6), image);
    }

    proptest! {
        #[test]
        fn a_plain_picture_stays_plain(
            height in 0usize..200, width in 0usize..200, max_side in 0usize..90, level: u8,
        ) {
            let image = RgbImage::filled(ImageSize::new(height, width), [level; 3]);
            let small = shrunk(&image, max_side);
            prop_assert!(small.size().height <= max_side.max(1) && small.size().width <= max_side.max(1));
            prop_assert_eq!(small.size().area() == 0, image.size().area() == 0);
            prop_assert!(small.pixels().iter().all(|&value| value == level));
        }
    }
}
