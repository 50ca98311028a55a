//! The eight EXIF orientations, and what they do to sizes, boxes and shapes.
//!
//! Source: CIPA DC-008 (EXIF 2.32), 4.6.4, tag 0x0112 `Orientation`. Each is a mirroring of the stored
//! picture along either axis or both, and then, for 5 to 8, an exchange of rows and columns.

use crate::{ObjectBox, Outline};
use kestrel_core::{ImageSize, Mask};

/// How a viewer turns a stored picture before showing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    mirrors_x: bool,
    mirrors_y: bool,
    /// After the mirroring.
    swaps_sides: bool,
}

impl Turn {
    /// As stored.
    pub const NONE: Self = Self { mirrors_x: false, mirrors_y: false, swaps_sides: false };

    /// By EXIF's number, 1 to 8; any other says nothing.
    pub fn from_exif(orientation: u8) -> Self {
        Self {
            mirrors_x: matches!(orientation, 2 | 3 | 7 | 8),
            mirrors_y: matches!(orientation, 3 | 4 | 6 | 7),
            swaps_sides: matches!(orientation, 5..=8),
        }
    }

    /// Size of the picture as seen.
    pub fn size(self, stored: ImageSize) -> ImageSize {
        let ImageSize { height, width } = stored;
        if self.swaps_sides { ImageSize::new(width, height) } else { stored }
    }

    /// A box in pixels as seen. Its sides keep their sign: an empty box stays one.
    pub fn bbox(self, in_stored: ObjectBox, stored: ImageSize) -> ObjectBox {
        let ObjectBox { x, y, width, height } = in_stored;
        let x = if self.mirrors_x { stored.width as f64 - in_stored.right() } else { x };
        let y = if self.mirrors_y { stored.height as f64 - in_stored.bottom() } else { y };
        if self.swaps_sides {
            ObjectBox { x: y, y: x, width: height, height: width }
        } else {
            ObjectBox { x, y, width, height }
        }
    }

    /// A shape in pixels as seen; `None` for a mask that is not one of the stored picture.
    pub fn outline(self, in_stored: &Outline, stored: ImageSize) -> Option<Outline> {
        match in_stored {
            Outline::Polygons(polygons) => {
                let turned = polygons.iter().map(|polygon| self.polygon(polygon, stored));
                Some(Outline::Polygons(turned.collect()))
            }
            Outline::Mask(mask) if mask.size() == stored => self.mask(mask).map(Outline::Mask),
            Outline::Mask(_) => None,
        }
    }

    /// An odd last number, which is no point, stays where it is for a check to find.
    fn polygon(self, in_stored: &[f64], stored: ImageSize) -> Vec<f64> {
        let (points, rest) = in_stored.as_chunks::<2>();
        let turned = points.iter().flat_map(|&[x, y]| {
            let point = self.bbox(ObjectBox { x, y, width: 0.0, height: 0.0 }, stored);
            [point.x, point.y]
        });
        turned.chain(rest.iter().copied()).collect()
    }

    fn mask(self, in_stored: &Mask) -> Option<Mask> {
        let stored = in_stored.size();
        let seen = self.size(stored);
        let mut bitmap = vec![0; seen.area()];
        for (x, top, bottom) in in_stored.column_runs() {
            for y in top..bottom {
                let (row, column) = self.pixel(y, x, stored);
                bitmap[row * seen.width + column] = 1;
            }
        }
        Mask::from_bitmap(seen, &bitmap).ok()
    }

    /// Row and column as seen.
    fn pixel(self, row: usize, column: usize, stored: ImageSize) -> (usize, usize) {
        let row = if self.mirrors_y { stored.height - 1 - row } else { row };
        let column = if self.mirrors_x { stored.width - 1 - column } else { column };
        if self.swaps_sides { (column, row) } else { (row, column) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STORED: ImageSize = ImageSize::new(4, 6);

    /// A pixel mask, its box and its outline turned by the same orientation stay together.
    #[test]
    fn box_polygon_and_mask_agree_for_every_orientation() {
        let bbox = ObjectBox { x: 1.0, y: 0.0, width: 3.0, height: 2.0 };
        let corners = Outline::Polygons(vec![vec![1.0, 0.0, 4.0, 0.0, 4.0, 2.0, 1.0, 2.0]]);
        let mask = Outline::Mask(corners.to_mask(STORED).unwrap());
        for orientation in 1..=8 {
            let turn = Turn::from_exif(orientation);
            let seen = turn.size(STORED);
            let bbox = turn.bbox(bbox, STORED);
            let drawn = |outline| turn.outline(outline, STORED).unwrap().to_mask(seen).unwrap();
            let bounds = drawn(&mask).bounds().unwrap();
            let around = [bounds.x1, bounds.y1, bounds.width(), bounds.height()].map(f64::from);
            assert_eq!([bbox.x, bbox.y, bbox.width, bbox.height], around, "{orientation}");
            assert_eq!(drawn(&corners), drawn(&mask), "{orientation}");
        }
    }

    /// By the standard's words: 6 has its first row at the right, its first column at the top.
    #[test]
    fn the_quarter_turns_go_the_right_way() {
        let first_row_and_column = ObjectBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
        let corner = |orientation| {
            let turned = Turn::from_exif(orientation).bbox(first_row_and_column, STORED);
            (turned.x, turned.y)
        };
        assert_eq!(corner(6), (3.0, 0.0), "top right");
        assert_eq!(corner(8), (0.0, 5.0), "bottom left");
        assert_eq!(corner(3), (5.0, 3.0), "bottom right");
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        let turn = Turn::from_exif(7);
        let inside_out = ObjectBox { x: 3.0, y: 1.0, width: -2.0, height: 1.0 };
        assert!(turn.bbox(inside_out, STORED).height < 0.0);
        let broken = ObjectBox { x: f64::NAN, ..inside_out };
        assert!(turn.bbox(broken, STORED).y.is_nan());
        let odd = turn.outline(&Outline::Polygons(vec![vec![1.0; 7]]), STORED);
        assert!(odd.unwrap().to_mask(turn.size(STORED)).is_err());
        let other = Mask::from_bitmap(ImageSize::new(2, 2), &[1; 4]).unwrap();
        assert_eq!(turn.outline(&Outline::Mask(other), STORED), None);
    }
}
