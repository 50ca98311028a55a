//! Which objects no anchor of a detector matches (Ren et al. 2015, arXiv:1506.01497, section 3.1.1).
//!
//! The grid is that of `torchvision/models/detection/anchor_utils.py`, with its corners rounded half
//! to even and its distances as whole pixels. Of all anchors of one shape on one level the best is the
//! one whose centre is nearest, so that no grid need be made. Known difference: sums are in double
//! precision, which moves an overlap by less than 1e-6.

use super::{annotated::AnnotatedImage, boxes};
use crate::{Finding, FindingKind, ObjectBox};
use kestrel_core::ImageSize;
use serde::Serialize;

/// The anchors of a detector and how large it sees a picture. The defaults are those of torchvision's
/// Faster and Mask R-CNN.
#[derive(Clone, Debug, PartialEq)]
pub struct AnchorGrid {
    /// Square root of an anchor's area in pixels of the resized image, one for each level.
    pub sizes: Vec<f64>,
    /// Height divided by width.
    pub ratios: Vec<f64>,
    /// Pixels of the resized image a position of each level.
    pub strides: Vec<usize>,
    /// What the shorter side of a picture is resized to, in pixels.
    pub min_side: f64,
    /// What the longer side may not exceed, in pixels.
    pub max_side: f64,
    /// Both sides are padded to a multiple of this.
    pub padded_to: usize,
    /// The least overlap that counts as a match.
    pub min_iou: f64,
}

impl Default for AnchorGrid {
    fn default() -> Self {
        Self {
            sizes: vec![32.0, 64.0, 128.0, 256.0, 512.0],
            ratios: vec![0.5, 1.0, 2.0],
            strides: vec![4, 8, 16, 32, 64],
            min_side: 800.0,
            max_side: 1333.0,
            padded_to: 32,
            min_iou: 0.5,
        }
    }
}

/// How many objects are matched by some anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AnchorFit {
    /// Objects with a proper box in an image of known size, crowds left out.
    pub objects: usize,
    /// Those of them that no anchor matches.
    pub unmatched: usize,
    /// `unmatched / objects`; `None` without objects.
    pub unmatched_share: Option<f64>,
}

impl AnchorFit {
    /// So many objects, and how many of them no anchor matches.
    pub fn new(objects: usize, unmatched: usize) -> Self {
        let share = (objects > 0).then(|| unmatched as f64 / objects as f64);
        Self { objects, unmatched, unmatched_share: share }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self::new(self.objects + other.objects, self.unmatched + other.unmatched)
    }
}

impl AnchorGrid {
    /// The overlap of a box, in pixels of an image of `size`, with the anchor that suits it best; 0
    /// where there are no anchors or no pixels.
    pub fn best_iou(&self, bbox: &ObjectBox, size: ImageSize) -> f64 {
        let resized = self.resized(size);
        let x_ratio = resized.width as f64 / size.width as f64;
        let y_ratio = resized.height as f64 / size.height as f64;
        let bbox_in_resized = ObjectBox {
            x: bbox.x * x_ratio,
            y: bbox.y * y_ratio,
            width: bbox.width * x_ratio,
            height: bbox.height * y_ratio,
        };
        let padded = ImageSize::new(self.padded(resized.height), self.padded(resized.width));
        let levels = self.sizes.iter().zip(&self.strides);
        let anchors = levels.flat_map(|(&anchor_size, &stride)| {
            let centre = nearest_centre(&bbox_in_resized, padded, stride);
            self.ratios.iter().map(move |&ratio| anchor(centre, anchor_size, ratio))
        });
        anchors.map(|anchor| boxes::iou(&bbox_in_resized, &anchor)).fold(0.0, f64::max)
    }

    fn resized(&self, size: ImageSize) -> ImageSize {
        let (height, width) = (size.height as f64, size.width as f64);
        let scale = (self.min_side / height.min(width)).min(self.max_side / height.max(width));
        ImageSize::new((height * scale) as usize, (width * scale) as usize)
    }

    fn padded(&self, side: usize) -> usize {
        side.next_multiple_of(self.padded_to.max(1))
    }
}

/// The position of a level that is nearest to the centre of a box, `(x, y)` in resized pixels.
fn nearest_centre(bbox: &ObjectBox, padded: ImageSize, stride: usize) -> (f64, f64) {
    let nearest = |centre: f64, side: usize| {
        let positions = side.div_ceil(stride.max(1)).max(1);
        let distance = (side / positions) as f64;
        // A distance of zero gives NaN, and that the first position.
        (centre / distance).round().max(0.0).min(positions as f64 - 1.0) * distance
    };
    let x = nearest(bbox.x + bbox.width / 2.0, padded.width);
    (x, nearest(bbox.y + bbox.height / 2.0, padded.height))
}

fn anchor((x, y): (f64, f64), size: f64, ratio: f64) -> ObjectBox {
    let half = |side: f64| (side / 2.0).round_ties_even();
    let (half_width, half_height) = (half(size / ratio.sqrt()), half(size * ratio.sqrt()));
    ObjectBox {
        x: x - half_width,
        y: y - half_height,
        width: 2.0 * half_width,
        height: 2.0 * half_height,
    }
}

/// How the objects of an image fit, and those that do not.
pub(super) fn check(image: &AnnotatedImage, grid: &AnchorGrid) -> (AnchorFit, Vec<Finding>) {
    let Some(size) = image.size else { return Default::default() };
    let is_proper = |bbox: &ObjectBox| boxes::is_finite(bbox) && !boxes::is_empty(bbox);
    let proper: Vec<_> = image
        .record
        .objects
        .iter()
        .filter(|object| !object.crowd && is_proper(&object.bbox))
        .collect();
    let unmatched = proper.iter().filter_map(|object| {
        let iou = grid.best_iou(&object.bbox, size);
        let detail = format!(
            "{:.1} x {:.1} pixels overlap no anchor by {}, at best by {iou:.2}",
            object.bbox.width, object.bbox.height, grid.min_iou
        );
        (iou < grid.min_iou).then(|| image.finding(FindingKind::NoAnchor, object, detail))
    });
    let unmatched: Vec<_> = unmatched.collect();
    (AnchorFit::new(proper.len(), unmatched.len()), unmatched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::{image, object};
    use proptest::prelude::*;

    /// Seen at its own size, so that boxes can be compared with anchors written by hand.
    const SIZE: ImageSize = ImageSize::new(800, 1056);

    fn best(x: f64, y: f64, width: f64, height: f64) -> f64 {
        AnchorGrid::default().best_iou(&ObjectBox { x, y, width, height }, SIZE)
    }

    #[test]
    fn an_anchor_matches_itself() {
        assert_eq!(best(400.0 - 23.0, 400.0 - 11.0, 46.0, 22.0), 1.0);
        // The second position of the coarsest level is at 62, not at 64.
        assert_eq!(best(62.0 - 362.0, -181.0, 724.0, 362.0), 1.0);
        assert!(best(64.0 - 362.0, -181.0, 724.0, 362.0) < 1.0);
    }

    #[test]
    fn a_square_of_half_the_area_is_the_limit() {
        let side = 32.0 / 2.0f64.sqrt();
        let at = 400.0 - side / 2.0;
        let [below, above] = [side - 0.1, side + 0.1].map(|side| best(at, at, side, side));
        assert!(below < 0.5 && above >= 0.5, "{below} {above}");
    }

    #[test]
    fn the_picture_is_resized_first() {
        let small = ImageSize::new(256, 256);
        let bbox = ObjectBox { x: 100.0, y: 100.0, width: 10.24, height: 10.24 };
        // 800 / 256 = 3.125, and 10.24 * 3.125 = 32, at most 2 pixels from a position each way.
        let least = 30.0 * 30.0 / (2.0 * 32.0 * 32.0 - 30.0 * 30.0);
        assert!(AnchorGrid::default().best_iou(&bbox, small) >= least);
        let in_large = AnchorGrid::default().best_iou(&bbox, ImageSize::new(800, 800));
        assert!(in_large < 0.5, "{in_large}");
    }

    #[test]
    fn a_grid_without_anchors_or_a_picture_without_pixels_matches_nothing() {
        let bbox = ObjectBox { x: 1.0, y: 1.0, width: 5.0, height: 5.0 };
        let none = AnchorGrid { sizes: vec![], ..AnchorGrid::default() };
        assert_eq!(none.best_iou(&bbox, SIZE), 0.0);
        let no_grid = AnchorGrid { strides: vec![0; 5], min_side: 0.0, ..AnchorGrid::default() };
        assert_eq!(no_grid.best_iou(&bbox, SIZE), 0.0);
        assert_eq!(AnchorGrid::default().best_iou(&bbox, ImageSize::new(0, 5)), 0.0);
    }

    #[test]
    fn crowds_and_improper_boxes_are_not_counted() {
        let fits = object(ObjectBox { x: 100.0, y: 100.0, width: 64.0, height: 64.0 });
        let sliver = object(ObjectBox { x: 100.0, y: 100.0, width: 300.0, height: 4.0 });
        let empty = object(ObjectBox::default());
        let crowd = crate::Object { crowd: true, ..sliver.clone() };
        let record = image(SIZE, vec![fits, sliver, empty, crowd]);
        let annotated = AnnotatedImage::of_size(&record, Some(SIZE));
        let (fit, findings) = check(&annotated, &AnchorGrid::default());
        assert_eq!(fit, AnchorFit { objects: 2, unmatched: 1, unmatched_share: Some(0.5) });
        assert_eq!(findings.len(), 1);
        let unknown = AnnotatedImage::of_size(&record, None);
        assert_eq!(check(&unknown, &AnchorGrid::default()).0.unmatched_share, None);
    }

    /// Every anchor, made one by one.
    fn slow_best(bbox: &ObjectBox) -> f64 {
        let grid = AnchorGrid::default();
        let mut best = 0.0f64;
        for (&size, &stride) in grid.sizes.iter().zip(&grid.strides) {
            let (rows, columns) = (SIZE.height.div_ceil(stride), SIZE.width.div_ceil(stride));
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |c| (row, c))) {
                let x = (column * (SIZE.width / columns)) as f64;
                let y = (row * (SIZE.height / rows)) as f64;
                for &ratio in &grid.ratios {
                    best = best.max(boxes::iou(bbox, &anchor((x, y), size, ratio)));
                }
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn the_nearest_anchor_is_the_best(
            x in -20.0..1000.0f64, y in -20.0..780.0f64, width in 1.0..700.0f64, height in 1.0..700.0f64,
        ) {
            let bbox = ObjectBox { x, y, width, height };
            // Both take the same overlaps; only which of two equal ones comes first may differ.
            prop_assert_eq!(best(x, y, width, height), slow_best(&bbox));
        }
    }
}
