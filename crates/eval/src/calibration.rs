//! Whether a score of 0.8 is right eight times in ten.
//!
//! Detections are sorted into equal parts of the scores 0..1; in each, the share of hits at IoU 0.5
//! stands against the mean score. The expected calibration error (Guo and others, ICML 2017,
//! <https://arxiv.org/abs/1706.04599>) is their mean distance, weighted by detections.

use crate::EvalError;
use crate::engine::Engine;
use crate::matches::Matches;
use crate::tide::HIT_IOU;
use crate::truth::Class;
use hotcoco::CalibrationBin;
use serde::Serialize;

/// Scores against shares of hits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Mean distance of score and share of hits, in 0..1.
    pub expected_error: f64,
    /// The largest distance of a part.
    pub largest_error: f64,
    /// Detections looked at, all scores.
    pub num_detections: usize,
    /// The parts by rising score.
    pub bins: Vec<Bin>,
    /// Each class.
    pub classes: Vec<ClassCalibration>,
}

/// Detections of similar score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lowest score.
    pub from: f64,
    /// The score the next part begins with; the last part ends with it.
    pub to: f64,
    /// Detections in it.
    pub num_detections: usize,
    /// Their mean score; None without detections.
    pub mean_score: Option<f64>,
    /// The share of hits; None without detections.
    pub hit_share: Option<f64>,
}

/// The calibration of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCalibration {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// None without detections.
    pub expected_error: Option<f64>,
}

impl Calibration {
    /// None without detections, or where a score lies outside 0..1 and so is no probability.
    pub(crate) fn of(
        engine: &Engine,
        matches: &Matches,
        num_bins: usize,
    ) -> Result<Option<Self>, EvalError> {
        let mut scored = matches.cells().iter().flat_map(|cell| &cell.detections).peekable();
        let is_empty = scored.peek().is_none();
        if is_empty || !scored.all(|detection| (0.0..=1.0).contains(&detection.score)) {
            return Ok(None);
        }
        let found = engine.hotcoco().calibration(num_bins, HIT_IOU)?;
        let of_class = |class: &Class| ClassCalibration {
            class: class.clone(),
            expected_error: found.per_category.get(&class.category_id).copied(),
        };
        Ok(Some(Self {
            expected_error: found.ece,
            largest_error: found.mce,
            num_detections: found.num_detections,
            bins: found.bins.iter().map(Bin::from).collect(),
            classes: engine.classes.iter().map(of_class).collect(),
        }))
    }
}

impl From<&CalibrationBin> for Bin {
    fn from(bin: &CalibrationBin) -> Self {
        let some = |value| (bin.count > 0).then_some(value);
        Self {
            from: bin.bin_lower,
            to: bin.bin_upper,
            num_detections: bin.count,
            mean_score: some(bin.avg_confidence),
            hit_share: some(bin.avg_accuracy),
        }
    }
}
