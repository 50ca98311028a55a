//! From the head's numbers to the proposals of an image (`filter_proposals`).

use super::{ProposalCounts, Proposals, RpnConfig, RpnOutput};
use crate::anchors::LevelAnchors;
use crate::box_coder::BoxCoder;
use crate::numbers::{largest, sigmoid, to_vec};
use kestrel_core::{BBox, ImageSize, batched_nms};
use rayon::prelude::*;
use tch::Tensor;

/// Sides shorter than this, in resized pixels, are no proposal.
const MIN_SIDE: f32 = 1e-3;

/// What the head says of one level of one image.
struct LevelRows {
    logits: Vec<f32>,
    deltas: Vec<f32>,
}

/// Proposals of one image on all levels, before suppression.
#[derive(Default)]
struct Candidates {
    boxes_in_resized: Vec<BBox>,
    scores: Vec<f32>,
    levels: Vec<u32>,
}

/// The best proposals of every image.
pub(super) fn best(
    config: &RpnConfig,
    counts: ProposalCounts,
    output: &RpnOutput,
    resized: &[ImageSize],
) -> Vec<Proposals> {
    let anchors = output.anchors.levels();
    // Read first: tensors are not shared between threads.
    let images: Vec<_> = (0..resized.len()).map(|image| rows_of(output, image as i64)).collect();
    let choose = |(levels, &size): (&Vec<LevelRows>, &ImageSize)| {
        let mut candidates = Candidates::default();
        for (level, (anchors, rows)) in (0..).zip(anchors.iter().zip(levels)) {
            let places = largest(&rows.logits, counts.before_nms_per_level);
            let decoded = places.iter().map(|&place| rows.decode(place, anchors, size));
            let wanted = |(bbox, score): &(BBox, f32)| {
                bbox.sides_at_least(MIN_SIDE) && *score >= config.score_thresh
            };
            decoded.filter(wanted).for_each(|(bbox, score)| candidates.push(bbox, score, level));
        }
        candidates.suppress(config.nms_thresh, counts.after_nms)
    };
    images.par_iter().zip(resized).map(choose).collect()
}

fn rows_of(output: &RpnOutput, image: i64) -> Vec<LevelRows> {
    let levels = output.logits.iter().zip(&output.deltas);
    let row = |tensor: &Tensor| to_vec(&tensor.get(image));
    levels.map(|(logits, deltas)| LevelRows { logits: row(logits), deltas: row(deltas) }).collect()
}

impl LevelRows {
    /// The box at `place`, clipped to the image, and its score.
    fn decode(&self, place: usize, anchors: &LevelAnchors, size: ImageSize) -> (BBox, f32) {
        let (deltas, _) = self.deltas.as_chunks::<4>();
        let bbox = BoxCoder::PROPOSALS.decode(deltas[place], &anchors.get(place));
        (bbox.clip(size), sigmoid(self.logits[place]))
    }
}

impl Candidates {
    fn push(&mut self, bbox_in_resized: BBox, score: f32, level: u32) {
        self.boxes_in_resized.push(bbox_in_resized);
        self.scores.push(score);
        self.levels.push(level);
    }

    fn suppress(&self, nms_thresh: f64, count: usize) -> Proposals {
        let mut kept = batched_nms(&self.boxes_in_resized, &self.scores, &self.levels, nms_thresh);
        kept.truncate(count);
        Proposals {
            boxes_in_resized: kept.iter().map(|&place| self.boxes_in_resized[place]).collect(),
            scores: kept.iter().map(|&place| self.scores[place]).collect(),
        }
    }
}
