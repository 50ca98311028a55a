//! Identity: each true track is given one track found, so that as many boxes as possible agree.
//!
//! Source: Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
//! Tracking" (2016).

use super::pairs::Pairs;
use super::{MATCH_IOU, ratio};
use hotcoco::primitives::assign::lsap;
use serde::Serialize;

/// Counts of identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Identity {
    /// Boxes that agree.
    pub true_positives: usize,
    /// Boxes found that do not.
    pub false_positives: usize,
    /// True boxes that do not.
    pub false_negatives: usize,
}

impl Identity {
    /// The harmonic mean of precision and recall; `None` where there is no box at all.
    pub fn idf1(&self) -> Option<f64> {
        let Self { true_positives, false_positives, false_negatives } = *self;
        let twice = 2 * true_positives;
        ratio(twice as f64, (twice + false_positives + false_negatives) as f64)
    }

    /// Boxes that agree, over those found.
    pub fn precision(&self) -> Option<f64> {
        let found = self.true_positives + self.false_positives;
        ratio(self.true_positives as f64, found as f64)
    }

    /// Boxes that agree, over the true ones.
    pub fn recall(&self) -> Option<f64> {
        let truth = self.true_positives + self.false_negatives;
        ratio(self.true_positives as f64, truth as f64)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
    }
}

pub(super) fn score(pairs: &Pairs) -> Identity {
    let (num_truth, num_found) = (pairs.truth_counts.len(), pairs.found_counts.len());
    let mut agreements = pairs.table();
    for frame in &pairs.frames {
        for (truth, &truth_track) in frame.truth.iter().enumerate() {
            for (found, &found_track) in frame.found.iter().enumerate() {
                if frame.overlap(truth, found) >= MATCH_IOU {
                    agreements.add(truth_track, found_track, 1.0);
                }
            }
        }
    }
    // A pair costs the boxes on which its tracks do not agree, a track alone all of its boxes; so the
    // cheapest pairing is that with the most agreements, and no track is better off alone.
    let values: Vec<f64> = (0..num_truth)
        .flat_map(|truth| (0..num_found).map(move |found| (truth, found)))
        .map(|(truth, found)| agreements.get(truth, found))
        .collect();
    let (rows, columns) = lsap(&values, num_truth, num_found, true);
    let agreed: f64 =
        rows.into_iter().zip(columns).map(|(truth, found)| agreements.get(truth, found)).sum();
    let true_positives = agreed as usize;
    Identity {
        true_positives,
        false_positives: pairs.found_counts.iter().sum::<usize>() - true_positives,
        false_negatives: pairs.truth_counts.iter().sum::<usize>() - true_positives,
    }
}
