//! From predictions to detections (`postprocess_detections`).

use super::{BoxBranchConfig, BoxPredictions};
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
    let deltas = to_vec(&predictions.box_deltas);
    let (deltas, _) = deltas.as_chunks::<4>();
    let starts = proposals.iter().scan(0, |next, boxes| {
        let start = *next;
        *next += boxes.len();
        Some(start)
    });
    let images: Vec<_> = starts.zip(proposals).zip(resized).collect();
    let of_image = |&((start, boxes), &size): &((usize, &Vec<BBox>), &ImageSize)| {
        let rows = start * num_classes..(start + boxes.len()) * num_classes;
        let (scores, deltas) = (&scores[rows.clone()], &deltas[rows]);
        best(config, candidates(config, boxes, scores, deltas, num_classes, size))
    };
    images.par_iter().map(of_image).collect()
}

/// Every class of every RoI that is sure enough: a RoI may show several. Scores come before boxes,
/// since few of the `R * C` pass.
fn candidates(
    config: &BoxBranchConfig,
    proposals: &[BBox],
    scores: &[f32],
    deltas: &[[f32; 4]],
    num_classes: usize,
    size: ImageSize,
) -> Vec<Found> {
    let sure = scores.iter().enumerate().filter(|&(place, &score)| {
        place % num_classes != Label::BACKGROUND.index() && score > config.score_thresh
    });
    let decode = |(place, &score): (usize, &f32)| Found {
        bbox_in_resized: BoxCoder::DETECTIONS
            .decode(deltas[place], &proposals[place / num_classes])
            .clip(size),
        label: Label((place % num_classes) as u32),
        score,
    };
    sure.map(decode).filter(|found| found.bbox_in_resized.sides_at_least(MIN_SIDE)).collect()
}

fn best(config: &BoxBranchConfig, candidates: Vec<Found>) -> Vec<Found> {
    let boxes: Vec<BBox> = candidates.iter().map(|found| found.bbox_in_resized).collect();
    let scores: Vec<f32> = candidates.iter().map(|found| found.score).collect();
    let labels: Vec<u32> = candidates.iter().map(|found| found.label.0).collect();
    let kept = batched_nms(&boxes, &scores, &labels, config.nms_thresh);
    kept.into_iter().take(config.max_detections).map(|place| candidates[place]).collect()
}
