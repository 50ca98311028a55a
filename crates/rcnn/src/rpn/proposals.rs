//! From the head's numbers to the proposals of an image (`filter_proposals`).

use super::rows::{self, LevelRows};
use super::{ProposalCounts, Proposals, RpnConfig, RpnOutput};
use crate::box_coder::BoxCoder;
use crate::numbers::{largest, sigmoid};
use kestrel_core::{BBox, ImageSize, batched_nms};
use rayon::prelude::*;

/// Sides shorter than this, in resized pixels, are no proposal.
const MIN_SIDE: f32 = 1e-3;

/// Proposals of one image on all levels, before suppression.
#[derive(Default)]
struct Candidates {
    boxes_in_resized: Vec<BBox>,
    scores: Vec<f32>,
    levels: Vec<u32>,
    anchors: Vec<usize>,
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
    let images = rows::read(output, counts.before_nms_per_level);
    let choose = |(levels, &size): (&Vec<LevelRows>, &ImageSize)| {
        let mut candidates = Candidates::default();
        let mut first_anchor = 0;
        for (level, (anchors, rows)) in (0..).zip(anchors.iter().zip(levels)) {
            for place in largest(&rows.logits, counts.before_nms_per_level) {
                let anchor = rows.anchor(place);
                let (bbox, score) = rows.decode(place, &anchors.get(anchor), size);
                if bbox.sides_at_least(MIN_SIDE) && score >= config.score_thresh {
                    candidates.push(bbox, score, level, first_anchor + anchor);
                }
            }
            first_anchor += anchors.len();
        }
        candidates.suppress(config.nms_thresh, counts.after_nms)
    };
    images.par_iter().zip(resized).map(choose).collect()
}

impl LevelRows {
    /// Which anchor of the level is at `place`.
    fn anchor(&self, place: usize) -> usize {
        self.anchors.as_ref().map_or(place, |anchors| anchors[place])
    }

    /// The box at `place`, clipped to the image, and its score.
    fn decode(&self, place: usize, anchor: &BBox, size: ImageSize) -> (BBox, f32) {
        let (deltas, _) = self.deltas.as_chunks::<4>();
        let bbox = BoxCoder::PROPOSALS.decode(deltas[place], anchor);
        (bbox.clip(size), sigmoid(self.logits[place]))
    }
}

impl Candidates {
    fn push(&mut self, bbox_in_resized: BBox, score: f32, level: u32, anchor: usize) {
        self.boxes_in_resized.push(bbox_in_resized);
        self.scores.push(score);
        self.levels.push(level);
        self.anchors.push(anchor);
    }

    fn suppress(&self, nms_thresh: f64, count: usize) -> Proposals {
        let mut kept = batched_nms(&self.boxes_in_resized, &self.scores, &self.levels, nms_thresh);
        kept.truncate(count);
        Proposals {
            boxes_in_resized: kept.iter().map(|&place| self.boxes_in_resized[place]).collect(),
            scores: kept.iter().map(|&place| self.scores[place]).collect(),
            anchors: kept.iter().map(|&place| self.anchors[place]).collect(),
        }
    }
}
