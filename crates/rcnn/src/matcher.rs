//! Which ground-truth object a candidate box stands for.
//!
//! Source: `Matcher` in `torchvision/models/detection/_utils.py`. Letters: `M` objects,
//! `K` candidates. The `[M, K]` table of overlaps is never stored: with 200 objects and 270,000
//! anchors it would take 215 MB. Differences: none known.

use kestrel_core::BBox;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Candidates looked at by one task.
const CHUNK: usize = 4096;

/// From which overlap on a candidate counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatcherConfig {
    /// IoU from which a candidate stands for its best object.
    pub foreground_iou: f32,
    /// IoU below which a candidate is background; between the two it is ignored.
    pub background_iou: f32,
    /// Whether the best candidates of an object stand for one however little they overlap.
    pub allow_low_quality: bool,
}

/// What a candidate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// No object.
    Background,
    /// Neither object nor background: left out of training.
    Between,
    /// The object at this place in the ground truth.
    Object(usize),
}

/// The best object for one candidate.
#[derive(Clone, Copy)]
struct Best {
    iou: f32,
    object: usize,
}

/// Matches every candidate; without objects all are background.
pub fn match_boxes(config: &MatcherConfig, objects: &[BBox], candidates: &[BBox]) -> Vec<Match> {
    let overlap = |object: usize, candidate: usize| objects[object].iou(&candidates[candidate]);
    match_by(config, objects.len(), candidates.len(), overlap)
}

/// [`match_boxes`] for any measure of overlap between an object and a candidate.
pub(crate) fn match_by(
    config: &MatcherConfig,
    num_objects: usize,
    num_candidates: usize,
    overlap: impl Fn(usize, usize) -> f32 + Sync,
) -> Vec<Match> {
    if num_objects == 0 {
        return vec![Match::Background; num_candidates];
    }
    let best_for = |candidate: usize| {
        let first = Best { iou: overlap(0, candidate), object: 0 };
        (1..num_objects).fold(first, |best, object| {
            let iou = overlap(object, candidate);
            if iou > best.iou { Best { iou, object } } else { best }
        })
    };
    let best: Vec<Best> =
        (0..num_candidates).into_par_iter().with_min_len(CHUNK).map(best_for).collect();
    let by_threshold = |best: &Best| {
        if best.iou < config.background_iou {
            Match::Background
        } else if best.iou < config.foreground_iou {
            Match::Between
        } else {
            Match::Object(best.object)
        }
    };
    let mut matches: Vec<Match> = best.iter().map(by_threshold).collect();
    if config.allow_low_quality {
        for candidate in closest_to_each(num_objects, num_candidates, &overlap) {
            // Its own best object, which need not be the one it is closest for.
            matches[candidate] = Match::Object(best[candidate].object);
        }
    }
    matches
}

/// For each object all candidates that share its largest overlap, even if that is zero.
fn closest_to_each(
    num_objects: usize,
    num_candidates: usize,
    overlap: &(impl Fn(usize, usize) -> f32 + Sync),
) -> Vec<usize> {
    let closest = |object: usize| {
        let overlaps = || (0..num_candidates).map(|candidate| overlap(object, candidate));
        let largest = overlaps().fold(f32::NEG_INFINITY, f32::max);
        let shared = overlaps().enumerate().filter(move |&(_, iou)| iou == largest);
        shared.map(|(candidate, _)| candidate).collect::<Vec<_>>()
    };
    (0..num_objects).into_par_iter().flat_map_iter(closest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RPN: MatcherConfig =
        MatcherConfig { foreground_iou: 0.7, background_iou: 0.3, allow_low_quality: true };
    const HEAD: MatcherConfig =
        MatcherConfig { foreground_iou: 0.5, background_iou: 0.5, allow_low_quality: false };

    /// torchvision's coding: the object, -1 for background, -2 for between.
    fn coded(config: &MatcherConfig, table: &[[f32; 5]]) -> Vec<i64> {
        let code = |found| match found {
            Match::Object(object) => object as i64,
            Match::Background => -1,
            Match::Between => -2,
        };
        match_by(config, table.len(), 5, |m, k| table[m][k]).into_iter().map(code).collect()
    }

    /// The table and the answers of `golden.json`.
    #[test]
    fn golden_matches() {
        let table =
            [[0.1, 0.75, 0.4, 0.0, 0.29], [0.2, 0.3, 0.45, 0.45, 0.0], [0.05, 0.0, 0.0, 0.02, 0.0]];
        assert_eq!(coded(&RPN, &table), [1, 0, 1, 1, -1]);
        assert_eq!(coded(&HEAD, &table), [-1, 0, -1, -1, -1]);
    }

    #[test]
    fn an_object_nobody_touches_takes_everybody() {
        assert_eq!(coded(&RPN, &[[0.0; 5]]), [0; 5]);
    }

    #[test]
    fn without_objects_or_candidates() {
        let boxes = [BBox::new(0.0, 0.0, 1.0, 1.0)];
        assert_eq!(match_boxes(&RPN, &[], &boxes), [Match::Background]);
        assert!(match_boxes(&RPN, &boxes, &[]).is_empty());
    }
}
