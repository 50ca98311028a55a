//! Instance masks as COCO run lengths (column by column, background first).
//!
//! A mask never exists as a picture on its way from the network to a file: [`RunWriter`] takes
//! the columns that an instance touches and counts runs as they come.

use crate::{BBox, ImageSize};
use hotcoco::Rle;
use hotcoco::mask as coco;

/// The pixels of one instance in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    size: ImageSize,
    /// Lengths of runs in column-major order, background first; they sum to `size.area()`.
    counts: Vec<u32>,
}

/// Run lengths that do not describe a mask.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// The compressed string or the run list is broken or does not fit the size.
    #[error("invalid COCO run lengths for a {size} mask: {reason}")]
    Invalid {
        /// The size the mask claims.
        size: ImageSize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Mask {
    /// A mask from a bitmap in row order; any non-zero byte is foreground.
    ///
    /// # Errors
    /// When the bitmap is not `size.area()` long or has more than `u32::MAX` pixels.
    pub fn from_bitmap(size: ImageSize, bitmap: &[u8]) -> Result<Self, MaskError> {
        if bitmap.len() != size.area() || u32::try_from(size.area()).is_err() {
            let reason = format!("the bitmap has {} pixels", bitmap.len());
            return Err(MaskError::Invalid { size, reason });
        }
        let mut runs = RunWriter::new(size);
        let mut column = vec![false; size.height];
        for x in 0..size.width {
            for (y, inside) in column.iter_mut().enumerate() {
                *inside = bitmap[y * size.width + x] != 0;
            }
            runs.column(x, 0, &column);
        }
        Ok(runs.finish())
    }

    /// A mask from COCO's compressed `counts` string.
    ///
    /// # Errors
    /// When the string is no run-length code or does not sum to the size.
    pub fn from_coco_string(size: ImageSize, counts: &str) -> Result<Self, MaskError> {
        let (height, width) = coco_size(size)?;
        let rle = coco::rle_from_string(counts, height, width)
            .map_err(|error| MaskError::Invalid { size, reason: error.to_string() })?;
        Self::from_counts(size, rle.counts)
    }

    /// The union of closed polygons, `x y x y ...` in pixels each, drawn as pycocotools draws them.
    ///
    /// # Errors
    /// When a polygon has fewer than three points or holds something that is not a number.
    pub fn from_polygons(size: ImageSize, polygons: &[Vec<f64>]) -> Result<Self, MaskError> {
        let (height, width) = coco_size(size)?;
        for polygon in polygons {
            let wrong = match polygon {
                _ if polygon.len() < 6 || polygon.len() % 2 == 1 => {
                    "is no list of three or more points"
                }
                _ if !polygon.iter().all(|value| value.is_finite()) => "holds what is not a number",
                _ => continue,
            };
            let reason = format!("a polygon of {} numbers {wrong}", polygon.len());
            return Err(MaskError::Invalid { size, reason });
        }
        let rle = coco::fr_polys(polygons, height, width)
            .map_err(|error| MaskError::Invalid { size, reason: error.to_string() })?;
        Self::from_counts(size, rle.counts)
    }

    /// A mask from run lengths, background first, column by column.
    ///
    /// # Errors
    /// When they do not sum to the size.
    pub fn from_counts(size: ImageSize, counts: Vec<u32>) -> Result<Self, MaskError> {
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        if total != size.area() as u64 {
            let reason = format!("the runs sum to {total}, expected {}", size.area());
            return Err(MaskError::Invalid { size, reason });
        }
        Ok(Self { size, counts })
    }

    /// Height and width of the image the mask lies in.
    pub fn size(&self) -> ImageSize {
        self.size
    }

    /// Run lengths, background first, column by column.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// COCO's compressed `counts` string.
    pub fn to_coco_string(&self) -> String {
        coco::rle_to_string(&self.rle())
    }

    /// Number of foreground pixels.
    pub fn area(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).map(|&count| u64::from(count)).sum()
    }

    /// The tightest box around the foreground; `None` when there is none.
    pub fn bounds(&self) -> Option<BBox> {
        if self.area() == 0 {
            return None;
        }
        let [x, y, width, height] = coco::to_bbox(&self.rle()).map(|value| value as f32);
        Some(BBox::new(x, y, x + width, y + height))
    }

    /// Intersection over union of two masks of the same image.
    pub fn iou(&self, other: &Self) -> f64 {
        coco::iou(&[self.rle()], &[other.rle()], &[false])[0][0]
    }

    /// Every run of foreground as `(x, y from, y to)`, `y to` excluded, split at column ends.
    pub fn column_runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let height = self.size.height.max(1);
        let mut at = 0usize;
        let ends = self.counts.iter().map(move |&count| {
            let start = at;
            at += count as usize;
            (start, at)
        });
        ends.skip(1).step_by(2).flat_map(move |(start, end)| {
            let columns = if start == end { 0..0 } else { start / height..(end - 1) / height + 1 };
            columns.map(move |x| {
                let top = x * height;
                (x, start.max(top) - top, end.min(top + height) - top)
            })
        })
    }

    fn rle(&self) -> Rle {
        Rle { h: self.size.height as u32, w: self.size.width as u32, counts: self.counts.clone() }
    }
}

fn coco_size(size: ImageSize) -> Result<(u32, u32), MaskError> {
    match (u32::try_from(size.height), u32::try_from(size.width), u32::try_from(size.area())) {
        (Ok(height), Ok(width), Ok(_)) => Ok((height, width)),
        _ => Err(MaskError::Invalid { size, reason: "more than 2^32 pixels".into() }),
    }
}

/// Builds a [`Mask`] from the columns an instance touches, left to right; everything not written
/// is background.
pub struct RunWriter {
    size: ImageSize,
    counts: Vec<u32>,
    /// Pixels covered by `counts`.
    written: usize,
    /// Whether the last run is foreground.
    inside: bool,
}

impl RunWriter {
    /// An empty mask of this size.
    pub fn new(size: ImageSize) -> Self {
        Self { size, counts: vec![0], written: 0, inside: false }
    }

    /// Writes pixels `(x, top)` and below. Columns come by rising `x`, each at most once.
    ///
    /// # Panics
    /// When the pixels lie outside the image or before what is already written.
    pub fn column(&mut self, x: usize, top: usize, pixels: &[bool]) {
        assert!(x < self.size.width && top + pixels.len() <= self.size.height, "inside the image");
        let start = x * self.size.height + top;
        assert!(start >= self.written, "columns come from left to right");
        self.run(false, start - self.written);
        for run in pixels.chunk_by(|a, b| a == b) {
            self.run(run[0], run.len());
        }
    }

    /// The mask, with background to its end.
    pub fn finish(mut self) -> Mask {
        self.run(false, self.size.area() - self.written);
        Mask { size: self.size, counts: self.counts }
    }

    fn run(&mut self, inside: bool, length: usize) {
        if length == 0 {
            return;
        }
        if inside == self.inside {
            if let Some(last) = self.counts.last_mut() {
                *last += length as u32;
            }
        } else {
            self.counts.push(length as u32);
            self.inside = inside;
        }
        self.written += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: ImageSize = ImageSize::new(3, 4);

    #[test]
    fn runs_go_down_the_columns() {
        let bitmap = [0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0];
        let mask = Mask::from_bitmap(SIZE, &bitmap).unwrap();
        assert_eq!(mask.counts(), [3, 2, 2, 2, 3]);
        assert_eq!(mask.area(), 4);
        assert_eq!(mask.bounds(), Some(BBox::new(1.0, 0.0, 3.0, 3.0)));
        let runs: Vec<_> = mask.column_runs().collect();
        assert_eq!(runs, [(1, 0, 2), (2, 1, 3)]);
    }

    #[test]
    fn an_empty_mask_has_no_bounds() {
        let mask = RunWriter::new(SIZE).finish();
        assert_eq!((mask.counts(), mask.area(), mask.bounds()), (&[12][..], 0, None));
        assert_eq!(mask.column_runs().count(), 0);
    }

    #[test]
    fn an_image_without_pixels_is_a_mask_too() {
        let mask = Mask::from_bitmap(ImageSize::new(0, 4), &[]).unwrap();
        assert_eq!((mask.area(), mask.column_runs().count()), (0, 0));
    }

    #[test]
    fn broken_codes_are_named() {
        assert!(Mask::from_counts(SIZE, vec![5, 5]).is_err());
        let error = Mask::from_coco_string(SIZE, "zzzz").unwrap_err();
        assert!(error.to_string().contains("4x3 mask"), "{error}");
    }

    proptest! {
        #[test]
        fn a_bitmap_survives_the_string(bits in proptest::collection::vec(0u8..2, 35)) {
            let size = ImageSize::new(5, 7);
            let mask = Mask::from_bitmap(size, &bits).unwrap();
            let again = Mask::from_coco_string(size, &mask.to_coco_string()).unwrap();
            prop_assert_eq!(&again, &mask);
            let mut painted = vec![0u8; 35];
            for (x, from, to) in mask.column_runs() {
                for y in from..to {
                    painted[y * 7 + x] = 1;
                }
            }
            prop_assert_eq!(painted, bits);
        }
    }
}
