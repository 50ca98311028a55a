//! Higher-order tracking accuracy: the geometric mean of how well objects are found and how well they
//! are kept apart, averaged over 19 overlaps.
//!
//! Source: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking" (2021).

use super::pairs::{FramePairs, Pairs, TrackTable};
use super::ratio;
use serde::Serialize;

/// The overlaps 0.05, 0.10, ..., 0.95.
const NUM_OVERLAPS: usize = 19;
const OVERLAP_STEP: f64 = 0.05;

/// Counts of HOTA at each of its overlaps.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hota {
    levels: Vec<Level>,
}

/// Counts at one overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Level {
    true_positives: usize,
    false_positives: usize,
    false_negatives: usize,
    /// Sum over the matches of how well their tracks fit each other.
    association_sum: f64,
    association_recall_sum: f64,
    association_precision_sum: f64,
    overlap_sum: f64,
}

impl Level {
    fn detection(&self) -> f64 {
        let all = self.true_positives + self.false_positives + self.false_negatives;
        ratio(self.true_positives as f64, all as f64).unwrap_or(0.0)
    }

    /// A mean over the matches, 0 without any.
    fn mean(&self, sum: f64) -> f64 {
        ratio(sum, self.true_positives as f64).unwrap_or(0.0)
    }
}

impl Hota {
    /// The number itself; `None` where there is no box at all.
    pub fn hota(&self) -> Option<f64> {
        self.mean(|level| (level.detection() * level.mean(level.association_sum)).sqrt())
    }

    /// Detection accuracy: matches over all boxes of both sides.
    pub fn det_a(&self) -> Option<f64> {
        self.mean(Level::detection)
    }

    /// Association accuracy: how far the tracks of each match are the same.
    pub fn ass_a(&self) -> Option<f64> {
        self.mean(|level| level.mean(level.association_sum))
    }

    /// How much of each true track is under one number.
    pub fn ass_re(&self) -> Option<f64> {
        self.mean(|level| level.mean(level.association_recall_sum))
    }

    /// How much of each track found belongs to one object.
    pub fn ass_pr(&self) -> Option<f64> {
        self.mean(|level| level.mean(level.association_precision_sum))
    }

    /// Mean overlap of the matches; 1 where there are none.
    pub fn loc_a(&self) -> Option<f64> {
        self.mean(|level| ratio(level.overlap_sum, level.true_positives as f64).unwrap_or(1.0))
    }

    fn mean(&self, of_level: impl Fn(&Level) -> f64) -> Option<f64> {
        let has_boxes = self
            .levels
            .iter()
            .any(|level| level.true_positives + level.false_positives + level.false_negatives > 0);
        let sum: f64 = self.levels.iter().map(of_level).sum();
        has_boxes.then(|| sum / self.levels.len() as f64)
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.levels.is_empty() {
            self.levels = vec![Level::default(); other.levels.len()];
        }
        for (level, other) in self.levels.iter_mut().zip(&other.levels) {
            level.true_positives += other.true_positives;
            level.false_positives += other.false_positives;
            level.false_negatives += other.false_negatives;
            level.association_sum += other.association_sum;
            level.association_recall_sum += other.association_recall_sum;
            level.association_precision_sum += other.association_precision_sum;
            level.overlap_sum += other.overlap_sum;
        }
    }
}

pub(super) fn score(pairs: &Pairs) -> Hota {
    let alignment = alignment(pairs);
    let matched: Vec<Vec<(usize, usize)>> = pairs
        .frames
        .iter()
        .map(|frame| {
            frame.best_pairs(|truth, found| {
                let fit = alignment.get(frame.truth[truth], frame.found[found]);
                fit * frame.overlap(truth, found)
            })
        })
        .collect();
    let overlaps = (1..=NUM_OVERLAPS).map(|step| OVERLAP_STEP * step as f64);
    Hota { levels: overlaps.map(|overlap| level(pairs, &matched, overlap)).collect() }
}

/// How well each two tracks fit over the whole clip, before any box is given to one: boxes are shared
/// among all that they overlap.
fn alignment(pairs: &Pairs) -> TrackTable {
    let mut shared = pairs.table();
    for frame in &pairs.frames {
        let (num_truth, num_found) = (frame.truth.len(), frame.found.len());
        let (mut row_sums, mut column_sums) = (vec![0.0; num_truth], vec![0.0; num_found]);
        for (truth, row) in row_sums.iter_mut().enumerate() {
            for (found, column) in column_sums.iter_mut().enumerate() {
                *row += frame.overlap(truth, found);
                *column += frame.overlap(truth, found);
            }
        }
        for (truth, row) in row_sums.iter().enumerate() {
            for (found, column) in column_sums.iter().enumerate() {
                let overlap = frame.overlap(truth, found);
                let all = row + column - overlap;
                if all > f64::EPSILON {
                    shared.add(frame.truth[truth], frame.found[found], overlap / all);
                }
            }
        }
    }
    let mut alignment = pairs.table();
    for (truth, found, both) in shared.entries() {
        let boxes = (pairs.truth_counts[truth] + pairs.found_counts[found]) as f64;
        alignment.add(truth, found, both / (boxes - both));
    }
    alignment
}

fn level(pairs: &Pairs, matched: &[Vec<(usize, usize)>], overlap: f64) -> Level {
    let mut level = Level::default();
    let mut together = pairs.table();
    for (frame, best) in pairs.frames.iter().zip(matched) {
        let is_match =
            |pair: &&(usize, usize)| frame.overlap(pair.0, pair.1) >= overlap - f64::EPSILON;
        let num_before = level.true_positives;
        for &(truth, found) in best.iter().filter(is_match) {
            level.true_positives += 1;
            level.overlap_sum += frame.overlap(truth, found);
            together.add(frame.truth[truth], frame.found[found], 1.0);
        }
        let num_matches = level.true_positives - num_before;
        let FramePairs { truth, found, .. } = frame;
        level.false_negatives += truth.len() - num_matches;
        level.false_positives += found.len() - num_matches;
    }
    for (truth, found, matches) in together.entries() {
        let (of_truth, of_found) =
            (pairs.truth_counts[truth] as f64, pairs.found_counts[found] as f64);
        level.association_sum += matches * matches / (of_truth + of_found - matches);
        level.association_recall_sum += matches * matches / of_truth;
        level.association_precision_sum += matches * matches / of_found;
    }
    level
}
