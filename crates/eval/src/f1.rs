//! F1 over the score threshold, and the threshold at which it is best.
//!
//! F1 is `2 TP / (2 TP + FP + FN)`, the harmonic mean of precision and recall, with hits counted at
//! IoU 0.5. Because detections take objects by falling score, leaving out all below a threshold
//! changes nothing about those above it: one matching serves every threshold.

use crate::matches::{Matches, Ranking};
use crate::truth::Class;
use serde::Serialize;

/// F1 curves of every class and of all together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct F1Curves {
    /// Score thresholds of every curve: 0.00, 0.01, ..., 1.00.
    pub thresholds: Vec<f64>,
    /// All classes counted together; None where there are no objects.
    pub overall: Option<F1Curve>,
    /// Each class.
    pub classes: Vec<ClassF1>,
}

/// The F1 curve of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassF1 {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// None where it has no objects.
    pub curve: Option<F1Curve>,
}

/// F1 over the score threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct F1Curve {
    /// F1 of the detections that score at least as much, at each threshold.
    pub f1: Vec<f64>,
    /// Where F1 is largest, the highest such threshold; None without detections.
    pub best: Option<OperatingPoint>,
}

/// What a score threshold gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// Detections below it are left out.
    pub threshold: f64,
    /// Hits among the detections kept.
    pub precision: f64,
    /// Hits among the objects.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl F1Curves {
    pub(crate) fn new(matches: &Matches, classes: &[Class]) -> Self {
        let thresholds: Vec<f64> = (0..=100).map(|percent| f64::from(percent) / 100.0).collect();
        let curve_of = |(class, ranking): (&Class, &Ranking)| ClassF1 {
            class: class.clone(),
            curve: F1Curve::new(ranking, &thresholds),
        };
        let rankings = matches.by_class();
        Self {
            overall: F1Curve::new(&matches.pooled(), &thresholds),
            classes: classes.iter().zip(&rankings).map(curve_of).collect(),
            thresholds,
        }
    }

    /// The score threshold at which F1 over all classes together is best.
    pub fn best_threshold(&self) -> Option<f64> {
        Some(self.overall.as_ref()?.best?.threshold)
    }
}

impl F1Curve {
    fn new(ranking: &Ranking, thresholds: &[f64]) -> Option<Self> {
        if ranking.num_objects == 0 {
            return None;
        }
        let points = operating_points(ranking);
        let f1_from = |&threshold: &f64| {
            let kept = points.partition_point(|point| point.threshold >= threshold);
            kept.checked_sub(1).map_or(0.0, |last| points[last].f1)
        };
        // The first of equals has the highest threshold.
        let best = points.iter().copied().reduce(|best, next| match next.f1 > best.f1 {
            true => next,
            false => best,
        });
        Some(Self { f1: thresholds.iter().map(f1_from).collect(), best })
    }
}

/// One for each different score, by falling score.
fn operating_points(ranking: &Ranking) -> Vec<OperatingPoint> {
    let mut points = Vec::new();
    let (mut hits, mut kept) = (0usize, 0usize);
    for equal_scores in ranking.detections.chunk_by(|a, b| a.score == b.score) {
        kept += equal_scores.len();
        hits += equal_scores.iter().filter(|detection| detection.hit).count();
        points.push(OperatingPoint {
            threshold: equal_scores[0].score,
            precision: hits as f64 / kept as f64,
            recall: hits as f64 / ranking.num_objects as f64,
            f1: f1(hits, kept - hits, ranking.num_objects - hits),
        });
    }
    points
}

/// F1 from counts; 1 where there was nothing to find and nothing was found.
pub(crate) fn f1(hits: usize, false_positives: usize, misses: usize) -> f64 {
    match 2 * hits + false_positives + misses {
        0 => 1.0,
        all => (2 * hits) as f64 / all as f64,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::matches::Scored;

    fn ranking(detections: &[(f64, bool)], num_objects: usize) -> Ranking {
        let scored = |&(score, hit): &(f64, bool)| Scored { score, hit };
        Ranking { detections: detections.iter().map(scored).collect(), num_objects }
    }

    #[test]
    fn the_best_threshold_by_hand() {
        // Kept: 1 of 1 hit, 2 of 3, 3 of 4, of 4 objects: F1 = 2/5, 4/7, 6/8.
        let ranking = ranking(&[(0.9, true), (0.8, true), (0.8, false), (0.3, true)], 4);
        let curve = F1Curve::new(&ranking, &[0.0, 0.3, 0.5, 0.8, 0.85, 1.0]).unwrap();
        assert_eq!(curve.f1, [0.75, 0.75, 4.0 / 7.0, 4.0 / 7.0, 0.4, 0.0]);
        let best = curve.best.unwrap();
        let expected = OperatingPoint { threshold: 0.3, precision: 0.75, recall: 0.75, f1: 0.75 };
        assert_eq!(best, expected);
    }

    #[test]
    fn of_equal_f1_the_higher_threshold_wins() {
        // 1 of 1 of 1 object; then false positives; then nothing regained.
        let curve = F1Curve::new(&ranking(&[(0.9, false), (0.5, false)], 1), &[0.0]).unwrap();
        assert_eq!(curve.best.unwrap().threshold, 0.9);
    }

    #[test]
    fn nothing_to_find_and_nothing_found() {
        assert_eq!(F1Curve::new(&ranking(&[(0.9, false)], 0), &[0.0]), None);
        let curve = F1Curve::new(&ranking(&[], 2), &[0.0, 1.0]).unwrap();
        assert_eq!(curve, F1Curve { f1: vec![0.0, 0.0], best: None });
        assert_eq!(f1(0, 0, 0), 1.0);
        assert_eq!(f1(0, 1, 0), 0.0);
    }
}
