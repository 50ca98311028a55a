//! Masks moved run by run: no picture of a mask is made, but for the one inside its bounds where
//! runs cannot be followed.

use kestrel_core::{ImageSize, Mask, RunWriter};

/// Pixels `top..end` of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub column: usize,
    pub top: usize,
    pub end: usize,
}

pub(super) fn spans(mask: &Mask) -> impl Iterator<Item = Span> + '_ {
    mask.column_runs().map(|(column, top, end)| Span { column, top, end })
}

/// The mask of spans in any order, which lie inside `size` and apart from each other.
pub(super) fn mask_of(size: ImageSize, mut spans: Vec<Span>) -> Mask {
    spans.retain(|span| span.top < span.end);
    spans.sort_unstable();
    let mut counts: Vec<u32> = Vec::new();
    let mut written = 0;
    for Span { column, top, end } in spans {
        let start = column * size.height + top;
        let length = (end - top) as u32;
        match counts.last_mut() {
            // Below the end of a column comes the start of the next.
            Some(last) if start == written => *last += length,
            _ => counts.extend([(start - written) as u32, length]),
        }
        written = start + end - top;
    }
    if written < size.area() {
        counts.push((size.area() - written) as u32);
    }
    Mask::from_counts(size, counts)
        .unwrap_or_else(|error| unreachable!("spans lie inside and apart: {error}"))
}

/// The mask with rows and columns exchanged.
pub(super) fn transposed(mask: &Mask) -> Mask {
    let mut runs = RunWriter::new(ImageSize::new(mask.size().width, mask.size().height));
    if let Some(patch) = Patch::of(mask) {
        for (y, row) in patch.rows().enumerate() {
            runs.column(patch.top + y, patch.left, row);
        }
    }
    runs.finish()
}

/// A mask as a picture, inside its bounds only.
pub(super) struct Patch {
    pub left: usize,
    pub top: usize,
    width: usize,
    /// Rows from the top.
    inside: Vec<bool>,
}

impl Patch {
    /// `None` for a mask without pixels.
    pub fn of(mask: &Mask) -> Option<Self> {
        let bounds = mask.bounds()?;
        let [left, top] = [bounds.x1, bounds.y1].map(|edge| edge as usize);
        let [width, height] = [bounds.width(), bounds.height()].map(|side| side as usize);
        let mut inside = vec![false; width * height];
        for span in spans(mask) {
            for y in span.top..span.end {
                inside[(y - top) * width + span.column - left] = true;
            }
        }
        Some(Self { left, top, width, inside })
    }

    pub fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.inside.chunks_exact(self.width)
    }

    /// Whether a pixel belongs to the mask; it may lie anywhere.
    pub fn contains(&self, x: i64, y: i64) -> bool {
        let (x, y) = (x - self.left as i64, y - self.top as i64);
        if x < 0 || y < 0 || x >= self.width as i64 {
            return false;
        }
        self.inside.get(y as usize * self.width + x as usize).copied().unwrap_or(false)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: ImageSize = ImageSize::new(5, 7);

    fn any_bitmap() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0u8..2, SIZE.area())
    }

    #[test]
    fn no_span_is_an_empty_mask() {
        assert_eq!(mask_of(SIZE, Vec::new()), RunWriter::new(SIZE).finish());
        let nothing = Span { column: 2, top: 3, end: 3 };
        assert_eq!(mask_of(SIZE, vec![nothing]).area(), 0);
        assert!(Patch::of(&RunWriter::new(SIZE).finish()).is_none());
    }

    proptest! {
        #[test]
        fn spans_make_the_mask_they_come_from(bitmap in any_bitmap()) {
            let mask = Mask::from_bitmap(SIZE, &bitmap).unwrap();
            let mut backwards: Vec<Span> = spans(&mask).collect();
            backwards.reverse();
            prop_assert_eq!(mask_of(SIZE, backwards), mask);
        }

        #[test]
        fn a_patch_holds_the_pixels(bitmap in any_bitmap()) {
            if let Some(patch) = Patch::of(&Mask::from_bitmap(SIZE, &bitmap).unwrap()) {
                for (place, &bit) in bitmap.iter().enumerate() {
                    let (y, x) = (place / SIZE.width, place % SIZE.width);
                    prop_assert_eq!(patch.contains(x as i64, y as i64), bit == 1);
                }
                prop_assert!(!patch.contains(-1, 2) && !patch.contains(2, 99));
            }
        }

        #[test]
        fn exchanging_rows_and_columns_twice_changes_nothing(bitmap in any_bitmap()) {
            let mask = Mask::from_bitmap(SIZE, &bitmap).unwrap();
            let turned = transposed(&mask);
            prop_assert_eq!(turned.size(), ImageSize::new(7, 5));
            let column_first: Vec<u8> = (0..SIZE.width)
                .flat_map(|x| (0..SIZE.height).map(move |y| (x, y)))
                .map(|(x, y)| bitmap[y * SIZE.width + x])
                .collect();
            prop_assert_eq!(&turned, &Mask::from_bitmap(turned.size(), &column_first).unwrap());
            prop_assert_eq!(transposed(&turned), mask);
        }
    }
}
