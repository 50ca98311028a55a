//! From predictions to detections (`postprocess_detections`).

use super::{BoxBranchConfig, BoxPredictions};
use crate::batch::index_tensor;
use crate::box_coder::BoxCoder;
use crate::numbers::to_vec;
use kestrel_core::{BBox, ImageSize, Label, batched_nms};
use rayon::prelude::*;
use tch::Kind;

/// Sides shorter than this, in resized pixels, are no detection.
const MIN_SIDE: f32 = 1e-2;

/// One object, still in resized pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where, clipped to the image.
    pub bbox_in_resized: BBox,
    /// What.
    pub label: Label,
    /// How surely.
    pub score: f32,
}

/// The objects of each image; `proposals` are the RoIs, image after image.
pub(crate) fn detections(
    config: &BoxBranchConfig,
    predictions: &BoxPredictions,
    proposals: &[Vec<BBox>],
    resized: &[ImageSize],
) -> Vec<Vec<Found>> {
    let num_classes = predictions.class_logits.size()[1] as usize;
    let scores = to_vec(&predictions.class_logits.softmax(-1, Kind::Float));
    let places = sure_places(&scores, num_classes, config.score_thresh);
    // Few of the `R * C` pass, and only theirs are fetched.
    let index = index_tensor(&places, predictions.box_deltas.device());
    let deltas = to_vec(&predictions.box_deltas.reshape([-1, 4]).index_select(0, &index));
    let (deltas, _) = deltas.as_chunks::<4>();
    let found = |(&place, &deltas): (&usize, &[f32; 4]), proposal: &BBox, size| Found {
        bbox_in_resized: BoxCoder::DETECTIONS.decode(deltas, proposal).clip(size),
        label: Label((place % num_classes) as u32),
        score: scores[place],
    };
    let (mut first_roi, mut sure) = (0, places.iter().zip(deltas).peekable());
    let mut images = Vec::with_capacity(proposals.len());
    for (boxes, &size) in proposals.iter().zip(resized) {
        let end = first_roi + boxes.len();
        let mut candidates = Vec::new();
        while let Some(row) = sure.next_if(|(place, _)| **place / num_classes < end) {
            candidates.push(found(row, &boxes[row.0 / num_classes - first_roi], size));
        }
        candidates.retain(|found| found.bbox_in_resized.sides_at_least(MIN_SIDE));
        images.push(candidates);
        first_roi = end;
    }
    images.into_par_iter().map(|candidates| best(config, candidates)).collect()
}

/// Every class of every RoI that is sure enough, as places in `[R, C]`, rising: a RoI may show several.
fn sure_places(scores: &[f32], num_classes: usize, score_thresh: f32) -> Vec<usize> {
    let is_sure = |&(place, &score): &(usize, &f32)| {
        place % num_classes != Label::BACKGROUND.index() && score > score_thresh
    };
    scores.iter().enumerate().filter(is_sure).map(|(place, _)| place).collect()
}

fn best(config: &BoxBranchConfig, candidates: Vec<Found>) -> Vec<Found> {
    let boxes: Vec<BBox> = candidates.iter().map(|found| found.bbox_in_resized).collect();
    let scores: Vec<f32> = candidates.iter().map(|found| found.score).collect();
    let labels: Vec<u32> = candidates.iter().map(|found| found.label.0).collect();
    let kept = batched_nms(&boxes, &scores, &labels, config.nms_thresh);
    kept.into_iter().take(config.max_detections).map(|place| candidates[place]).collect()
}
