//! Greedy non-maximum suppression, as `torchvision.ops.nms` and `batched_nms` do it on the CPU
//! (`csrc/ops/cpu/nms_kernel.cpp`, `ops/boxes.py`): boxes by falling score, equal scores in their
//! given order, and a box goes when its IoU with a kept one is strictly above the threshold.
//!
//! Difference from torchvision: none known. NaN scores sort last; torchvision leaves that open.

mod grid;

use crate::BBox;
use grid::Grid;
use rayon::prelude::*;

/// Above this many boxes torchvision suppresses class by class instead of shifting each class to
/// its own region; the two differ in the last bit of an IoU, so the switch is copied with it.
const MAX_SHIFTED_BOXES: usize = 1000;

/// Boxes tested against the kept ones between two looks at the answer. Long enough for vector
/// code, short enough that a box that is suppressed at once costs little.
const STRIP: usize = 64;

/// From this many boxes on a grid is worth its making.
const GRID_FROM: usize = 512;

/// Indices of the boxes that survive, by falling score.
///
/// `iou_thresh` is compared in double precision with a float32 IoU, as torchvision does.
///
/// # Panics
/// When `boxes` and `scores` differ in length.
pub fn nms(boxes: &[BBox], scores: &[f32], iou_thresh: f64) -> Vec<usize> {
    assert_eq!(boxes.len(), scores.len(), "one score for each box");
    if boxes.len() >= GRID_FROM && iou_thresh >= grid::LOWEST_THRESH {
        return nms_by_grid(boxes, scores, iou_thresh);
    }
    let mut kept = Kept::with_capacity(boxes.len());
    let mut survivors = by_falling_score(scores);
    survivors.retain(|&index| kept.takes(&boxes[index], iou_thresh));
    survivors
}

/// The same answer for many boxes, each compared with its neighbours only.
fn nms_by_grid(boxes: &[BBox], scores: &[f32], iou_thresh: f64) -> Vec<usize> {
    let mut kept = Grid::new(boxes, iou_thresh);
    let mut survivors = by_falling_score(scores);
    survivors.retain(|&index| kept.takes(&boxes[index]));
    survivors
}

/// [`nms`] where only boxes of the same group (a class, a pyramid level) suppress each other.
///
/// # Panics
/// When the three slices differ in length.
pub fn batched_nms(boxes: &[BBox], scores: &[f32], groups: &[u32], iou_thresh: f64) -> Vec<usize> {
    assert_eq!(boxes.len(), groups.len(), "one group for each box");
    if boxes.len() <= MAX_SHIFTED_BOXES {
        return nms(&shifted_apart(boxes, groups), scores, iou_thresh);
    }
    let mut by_group: Vec<usize> = (0..boxes.len()).collect();
    by_group.sort_by_key(|&index| groups[index]);
    let of_group = |members: &[usize]| {
        let group_boxes: Vec<BBox> = members.iter().map(|&index| boxes[index]).collect();
        let group_scores: Vec<f32> = members.iter().map(|&index| scores[index]).collect();
        let kept = nms(&group_boxes, &group_scores, iou_thresh);
        kept.into_iter().map(|place| members[place]).collect::<Vec<usize>>()
    };
    let in_groups = by_group.par_chunk_by(|&a, &b| groups[a] == groups[b]).map(of_group);
    let mut survivors: Vec<usize> = in_groups.flatten_iter().collect();
    // In the given order first, so that the stable sort leaves equal scores in that order.
    survivors.sort_unstable();
    survivors.sort_by(|&a, &b| falling(scores[a], scores[b]));
    survivors
}

/// Every group moved by its number times more than the largest coordinate.
fn shifted_apart(boxes: &[BBox], groups: &[u32]) -> Vec<BBox> {
    let largest =
        boxes.iter().flat_map(|b| [b.x1, b.y1, b.x2, b.y2]).fold(f32::NEG_INFINITY, f32::max);
    let moved = |b: &BBox, group: u32| {
        let shift = group as f32 * (largest + 1.0);
        BBox::new(b.x1 + shift, b.y1 + shift, b.x2 + shift, b.y2 + shift)
    };
    boxes.iter().zip(groups).map(|(b, &group)| moved(b, group)).collect()
}

fn by_falling_score(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| falling(scores[a], scores[b]));
    order
}

/// Larger first, NaN last.
fn falling(a: f32, b: f32) -> std::cmp::Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The kept boxes, one array for each coordinate, so that the inner loop is vector code.
struct Kept {
    x1: Vec<f32>,
    y1: Vec<f32>,
    x2: Vec<f32>,
    y2: Vec<f32>,
    area: Vec<f32>,
}

impl Kept {
    fn with_capacity(boxes: usize) -> Self {
        let column = || Vec::with_capacity(boxes);
        Self { x1: column(), y1: column(), x2: column(), y2: column(), area: column() }
    }

    /// Keeps the box unless it overlaps one that is kept by more than the threshold.
    fn takes(&mut self, b: &BBox, iou_thresh: f64) -> bool {
        let survives = !self.suppresses(b, iou_thresh);
        if survives {
            self.push(b);
        }
        survives
    }

    fn push(&mut self, b: &BBox) {
        self.x1.push(b.x1);
        self.y1.push(b.y1);
        self.x2.push(b.x2);
        self.y2.push(b.y2);
        self.area.push(b.area());
    }

    fn suppresses(&self, b: &BBox, iou_thresh: f64) -> bool {
        let area = b.area();
        (0..self.area.len()).step_by(STRIP).any(|start| {
            let strip = start..self.area.len().min(start + STRIP);
            let corners = self.x1[strip.clone()]
                .iter()
                .zip(&self.y1[strip.clone()])
                .zip(&self.x2[strip.clone()])
                .zip(&self.y2[strip.clone()])
                .zip(&self.area[strip]);
            corners.fold(false, |found, ((((&x1, &y1), &x2), &y2), &kept_area)| {
                let width = (x2.min(b.x2) - x1.max(b.x1)).max(0.0);
                let height = (y2.min(b.y2) - y1.max(b.y1)).max(0.0);
                let shared = width * height;
                // The division is kept: a product would round differently at the threshold.
                found | (f64::from(shared / (kept_area + area - shared)) > iou_thresh)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, one pair at a time.
    fn slow_nms(boxes: &[BBox], scores: &[f32], iou_thresh: f64) -> Vec<usize> {
        let mut survivors: Vec<usize> = Vec::new();
        for index in by_falling_score(scores) {
            let above = |&kept: &usize| f64::from(boxes[kept].iou(&boxes[index])) > iou_thresh;
            if !survivors.iter().any(above) {
                survivors.push(index);
            }
        }
        survivors
    }

    /// The ties of `golden.json`, whose answers are torchvision's.
    #[test]
    fn an_iou_at_the_threshold_is_kept() {
        let boxes = [
            BBox::new(0.0, 0.0, 10.0, 10.0),
            BBox::new(0.0, 0.0, 10.0, 5.0),
            BBox::new(0.0, 0.0, 10.0, 4.9),
            BBox::new(20.0, 20.0, 30.0, 30.0),
            BBox::new(20.0, 20.0, 30.0, 29.0),
        ];
        let scores = [0.9, 0.8, 0.7, 0.6, 0.6];
        assert_eq!(nms(&boxes, &scores, 0.5), [0, 1, 3]);
        // 0.49 in float32 lies above 0.49 in double: the third box goes too.
        assert_eq!(nms(&boxes, &scores, 0.49), [0, 3]);
    }

    #[test]
    fn no_boxes_give_no_boxes() {
        assert!(nms(&[], &[], 0.5).is_empty());
        assert!(batched_nms(&[], &[], &[], 0.5).is_empty());
    }

    #[test]
    fn groups_do_not_meet() {
        let boxes = [BBox::new(0.0, 0.0, 9.0, 9.0); 3];
        assert_eq!(batched_nms(&boxes, &[0.5, 0.9, 0.7], &[0, 1, 0], 0.5), [1, 2]);
    }

    #[test]
    fn a_nan_score_comes_last() {
        let boxes = [BBox::new(0.0, 0.0, 1.0, 1.0), BBox::new(5.0, 5.0, 6.0, 6.0)];
        assert_eq!(nms(&boxes, &[f32::NAN, 0.1], 0.5), [1, 0]);
    }

    fn any_scene() -> impl Strategy<Value = Vec<(BBox, f32, u32)>> {
        let coordinate = 0.0f32..60.0;
        let one = (coordinate.clone(), coordinate, 1.0f32..40.0, 1.0f32..40.0, 0u8..20, 0u32..3)
            .prop_map(|(x, y, width, height, score, group)| {
                (BBox::new(x, y, x + width, y + height), f32::from(score) / 20.0, group)
            });
        proptest::collection::vec(one, 0..200)
    }

    proptest! {
        #[test]
        fn equal_to_the_slow_reference(scene in any_scene(), thresh in 0.0f64..1.0) {
            let boxes: Vec<BBox> = scene.iter().map(|s| s.0).collect();
            let scores: Vec<f32> = scene.iter().map(|s| s.1).collect();
            let kept = nms(&boxes, &scores, thresh);
            prop_assert_eq!(&kept, &slow_nms(&boxes, &scores, thresh));
            prop_assert!(kept.is_sorted_by(|&a, &b| scores[a] >= scores[b]));
        }

        /// Boxes of very different sizes, some of them none at all.
        #[test]
        fn the_grid_does_not_show(scene in any_scene(), thresh in 0.2f64..1.1, scale in 1.0f32..50.0) {
            let mut boxes: Vec<BBox> = scene.iter().map(|s| s.0).collect();
            boxes.extend(scene.iter().map(|s| s.0.scale(scale, 1.0 / scale)));
            boxes.extend(boxes.clone().iter().map(|b| BBox::new(b.x1 + 0.5, b.y1, b.x2, b.y2 - 0.5)));
            boxes.extend([f32::NAN, f32::INFINITY, -1e30].map(|x| BBox::new(x, 1.0, 5.0, x)));
            boxes.push(BBox::new(9.0, 9.0, 3.0, 3.0));
            let scores: Vec<f32> = (0..boxes.len()).map(|at| (at * 37 % 19) as f32).collect();
            let by_grid = nms_by_grid(&boxes, &scores, thresh);
            prop_assert_eq!(by_grid, slow_nms(&boxes, &scores, thresh));
        }

        #[test]
        fn both_ways_of_batching_agree(scene in any_scene()) {
            let boxes: Vec<BBox> = scene.iter().map(|s| s.0).collect();
            let scores: Vec<f32> = scene.iter().map(|s| s.1).collect();
            let groups: Vec<u32> = scene.iter().map(|s| s.2).collect();
            // Repeated past the switch; the copies are suppressed by the originals.
            let times = MAX_SHIFTED_BOXES / scene.len().max(1) + 2;
            let many_boxes = boxes.repeat(times);
            let many_scores = scores.repeat(times);
            let few = batched_nms(&boxes, &scores, &groups, 0.45);
            let many = batched_nms(&many_boxes, &many_scores, &groups.repeat(times), 0.45);
            prop_assert_eq!(few, many);
        }
    }
}
