//! Single operations against torchvision's, on `tests/fixtures/ops.safetensors` (its layout is at
//! the top of `tests/parity/op_fixtures.py`). Stages that can be reached from outside are compared
//! in `tests/parity`.

use crate::batch::ResizedTarget;
use crate::box_branch::{BoxBranchConfig, BoxPredictions, detections};
use crate::mask_branch::wanted_masks;
use crate::matcher::{Match, MatcherConfig, match_by};
use crate::numbers::to_vec;
use crate::paste::paste_mask;
use crate::resample::nearest;
use kestrel_core::{BBox, ImageSize, Mask};
use kestrel_weights::StateDict;
use std::ops::Range;
use std::path::Path;
use tch::{Kind, Tensor};

struct Ops(StateDict);

impl Ops {
    fn read() -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/ops.safetensors");
        Self(StateDict::read(&path).unwrap())
    }

    fn tensor(&self, key: &str) -> Tensor {
        self.0.get(key).unwrap().shallow_clone()
    }

    fn floats(&self, key: &str) -> Vec<f32> {
        to_vec(&self.tensor(key))
    }

    fn integers(&self, key: &str) -> Vec<i64> {
        Vec::try_from(&self.tensor(key).to_kind(Kind::Int64).view([-1])).unwrap()
    }

    fn boxes(&self, key: &str) -> Vec<BBox> {
        self.floats(key).as_chunks::<4>().0.iter().map(|&corners| corners.into()).collect()
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        Vec::try_from(&self.tensor(key).view([-1])).unwrap()
    }

    /// The last two dimensions.
    fn size(&self, key: &str) -> ImageSize {
        crate::batch::map_size(&self.tensor(key))
    }
}

fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{what} {at}: {found}, not {expected}");
    }
}

#[test]
fn matches_with_ties_and_rows_of_nothing() {
    let ops = Ops::read();
    let quality = ops.tensor("matcher.quality");
    let (objects, candidates) = (quality.size()[0] as usize, quality.size()[1] as usize);
    let table = to_vec(&quality);
    let code = |found: Match| match found {
        Match::Object(object) => object as i64,
        Match::Background => -1,
        Match::Between => -2,
    };
    for (key, foreground_iou, background_iou, allow_low_quality) in
        [("matcher.rpn", 0.7, 0.3, true), ("matcher.roi", 0.5, 0.5, false)]
    {
        let config = MatcherConfig { foreground_iou, background_iou, allow_low_quality };
        let overlaps = |places: Range<usize>| {
            let table = &table;
            move |object: usize, row: &mut [f32]| {
                row.copy_from_slice(&table[object * candidates..][places.clone()]);
            }
        };
        let found = match_by(&config, objects, candidates, overlaps);
        assert_eq!(found.into_iter().map(code).collect::<Vec<_>>(), ops.integers(key), "{key}");
    }
}

#[test]
fn masks_resized_by_nearest_pixel() {
    let ops = Ops::read();
    for case in 0..5 {
        let (from, to) =
            (format!("resize.case{case}.mask"), format!("resize.case{case}.mask_resized"));
        let mask = Mask::from_bitmap(ops.size(&from), &ops.bytes(&from)).unwrap();
        let mut bitmap = vec![0; ops.size(&to).area()];
        nearest(&mask, ops.size(&to), &mut bitmap);
        assert_eq!(bitmap, ops.bytes(&to), "case {case}");
    }
}

#[test]
fn mask_targets_inside_boxes() {
    let ops = Ops::read();
    let boxes = ops.boxes("mask_loss.boxes");
    let matched = ops.integers("mask_loss.matched");
    let target = ResizedTarget {
        boxes_in_resized: Vec::new(),
        labels: Vec::new(),
        masks_in_resized: Some(ops.tensor("mask_loss.masks")),
    };
    for (key, side) in [("mask_loss.targets", 14), ("mask_target.targets28", 28)] {
        let positives = boxes.iter().zip(&matched).map(|(&bbox, &object)| (bbox, object as usize));
        let found = wanted_masks(&target, positives, side).unwrap();
        // Means of zeros and ones over up to a hundred samples.
        assert_close(key, &to_vec(&found), &ops.floats(key), 1e-6);
    }
}

#[test]
fn detections_of_random_predictions() {
    let ops = Ops::read();
    let predictions = BoxPredictions {
        class_logits: ops.tensor("post.class_logits"),
        box_deltas: ops.tensor("post.deltas"),
    };
    let all = ops.boxes("post.proposals");
    let proposals = [all[..120].to_vec(), all[120..].to_vec()];
    let sizes = [ImageSize::new(200, 260), ImageSize::new(240, 180)];
    let config = BoxBranchConfig { max_detections: 30, ..BoxBranchConfig::default() };
    let found = detections(&config, &predictions, &proposals, &sizes);
    for (image, found) in found.iter().enumerate() {
        let key = |what: &str| format!("post.image{image}.{what}");
        let labels: Vec<i64> = found.iter().map(|one| i64::from(one.label.0)).collect();
        assert_eq!(labels, ops.integers(&key("labels")));
        let scores: Vec<f32> = found.iter().map(|one| one.score).collect();
        // A softmax's last digit.
        assert_close("score", &scores, &ops.floats(&key("scores")), 1e-6);
        let corners: Vec<f32> =
            found.iter().flat_map(|one| <[f32; 4]>::from(one.bbox_in_resized)).collect();
        // Two float32 steps of a coordinate near 260.
        assert_close("corner", &corners, &ops.floats(&key("boxes")), 6.2e-5);
    }
}

#[test]
fn masks_pasted_partly_outside() {
    let ops = Ops::read();
    let size = ImageSize::new(96, 128);
    let (boxes, undecided) = (ops.boxes("paste.boxes"), ops.integers("paste.undecided"));
    let expected: Vec<String> = serde_json::from_str(&ops.0.metadata()["paste_rle"]).unwrap();
    let crops = ops.floats("paste.masks");
    for (place, crop) in crops.chunks_exact(28 * 28).enumerate() {
        let found = paste_mask(crop, 28, &boxes[place], size);
        let expected = Mask::from_coco_string(size, &expected[place]).unwrap();
        let pixels = |mask: &Mask| -> std::collections::BTreeSet<(usize, usize)> {
            mask.column_runs().flat_map(|(x, top, end)| (top..end).map(move |y| (x, y))).collect()
        };
        let different = pixels(&found).symmetric_difference(&pixels(&expected)).count();
        // Pixels whose probability torchvision has within 1e-4 of one half may fall either way.
        assert!(different <= undecided[place] as usize, "mask {place}: {different} pixels");
    }
}
