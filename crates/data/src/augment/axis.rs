//! Moves along the axes: mirroring, resizing and cutting out, for boxes and masks.
//!
//! Resized masks take the pixel in whose area the middle of the new pixel falls ("nearest-exact"
//! in PyTorch). torchvision's masks take the pixel its corner falls on ("nearest"), which lies half
//! a pixel off from the resized picture.

use super::objects::Movement;
use super::spans::{Span, mask_of, spans};
use kestrel_core::{BBox, ImageSize, Mask};

/// What happens to rows or to columns: `from` pixels become `resized`, are mirrored or not, and
/// `length` of them from `start` on are kept. A window that reaches beyond the end is padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub from: usize,
    pub resized: usize,
    pub mirrored: bool,
    pub start: usize,
    pub length: usize,
}

impl Axis {
    pub fn same(length: usize) -> Self {
        Self::resized(length, length)
    }

    pub fn mirrored(length: usize) -> Self {
        Self { mirrored: true, ..Self::same(length) }
    }

    pub fn resized(from: usize, resized: usize) -> Self {
        Self { from, resized, mirrored: false, start: 0, length: resized }
    }

    pub fn window(self, start: usize, length: usize) -> Self {
        Self { start, length, ..self }
    }

    /// Pixels of the window that show something of the old picture.
    pub fn shown(&self) -> usize {
        self.resized.saturating_sub(self.start).min(self.length)
    }

    fn ratio(&self) -> f64 {
        self.resized as f64 / self.from as f64
    }

    /// Where a coordinate goes; it may lie outside the window.
    fn coordinate(&self, at: f32) -> f32 {
        let resized = f64::from(at) * self.ratio();
        let turned = if self.mirrored { self.resized as f64 - resized } else { resized };
        (turned - self.start as f64) as f32
    }

    /// Where the edge between two pixels goes, such that pixels between two edges stay between
    /// them; clamped to the window.
    fn edge(&self, edge: usize) -> usize {
        // New pixel p lies over old pixel floor((p + 1/2) from / resized): the first one past the edge.
        let resized = (2 * self.resized * edge).saturating_sub(self.from).div_ceil(2 * self.from);
        let turned = if self.mirrored { self.resized - resized } else { resized };
        turned.saturating_sub(self.start).min(self.length)
    }

    fn between(&self, low: usize, high: usize) -> (usize, usize) {
        let (a, b) = (self.edge(low), self.edge(high));
        (a.min(b), a.max(b))
    }
}

/// A move along both axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub columns: Axis,
    pub rows: Axis,
}

impl Movement for Placement {
    fn size(&self) -> ImageSize {
        ImageSize::new(self.rows.length, self.columns.length)
    }

    fn bbox(&self, bbox: &BBox) -> BBox {
        let (x1, x2) = (self.columns.coordinate(bbox.x1), self.columns.coordinate(bbox.x2));
        let (y1, y2) = (self.rows.coordinate(bbox.y1), self.rows.coordinate(bbox.y2));
        BBox::new(x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2))
    }

    fn mask(&self, mask: &Mask) -> Mask {
        let mut moved = Vec::new();
        for Span { column, top, end } in spans(mask) {
            let (left, right) = self.columns.between(column, column + 1);
            let (top, end) = self.rows.between(top, end);
            moved.extend((left..right).map(|column| Span { column, top, end }));
        }
        mask_of(self.size(), moved)
    }

    fn area_ratio(&self) -> f64 {
        self.columns.ratio() * self.rows.ratio()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The old pixel that a new one shows, by the definition.
    fn source(axis: &Axis, new: usize) -> Option<usize> {
        let resized = new + axis.start;
        let turned = if axis.mirrored { axis.resized.checked_sub(resized + 1)? } else { resized };
        let old = (turned as f64 + 0.5) * axis.from as f64 / axis.resized as f64;
        (resized < axis.resized).then_some(old as usize)
    }

    fn any_axis(from: usize) -> impl Strategy<Value = Axis> {
        (1usize..20, any::<bool>(), 0usize..20, 1usize..20).prop_map(
            move |(resized, mirrored, start, length)| Axis {
                mirrored,
                ..Axis::resized(from, resized).window(start, length)
            },
        )
    }

    proptest! {
        #[test]
        fn masks_move_as_their_pixels_do(
            bitmap in proptest::collection::vec(0u8..2, 63),
            columns in any_axis(9),
            rows in any_axis(7),
        ) {
            let placement = Placement { columns, rows };
            let mask = Mask::from_bitmap(ImageSize::new(7, 9), &bitmap).unwrap();
            let size = placement.size();
            let pixel = |place: usize| {
                let y = source(&rows, place / size.width)?;
                Some(bitmap[y * 9 + source(&columns, place % size.width)?])
            };
            let expected: Vec<u8> = (0..size.area()).map(|at| pixel(at).unwrap_or(0)).collect();
            let moved = placement.mask(&mask);
            prop_assert_eq!(&moved, &Mask::from_bitmap(size, &expected).unwrap());
            if let (Some(old), Some(new)) = (mask.bounds(), moved.bounds()) {
                let around = placement.bbox(&old).clip(size);
                // A new pixel shows the middle of its area: half a pixel on each side is open.
                let outside = [around.x1 - new.x1, around.y1 - new.y1, new.x2 - around.x2,
                    new.y2 - around.y2];
                prop_assert!(outside.iter().all(|&by| by <= 0.5 + 1e-5), "{:?} {:?}", around, new);
            }
        }
    }
}
