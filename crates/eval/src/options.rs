//! What may be chosen about an evaluation.

use crate::error::EvalError;
use serde::Serialize;
use std::collections::BTreeSet;

/// How many [`coco_iou_thresholds`] are.
pub(crate) const NUM_COCO_IOUS: usize = 10;

/// COCO's IoU thresholds: 0.50, 0.55, ..., 0.95, to the last bit those of `numpy.linspace`.
pub fn coco_iou_thresholds() -> Vec<f64> {
    hotcoco::Params::new(hotcoco::IouType::Bbox).iou_thrs
}

/// More parts of the scores than anybody can look at.
const MOST_BINS: usize = 1000;

/// Settings of [`evaluate`](crate::evaluate). The twelve COCO numbers depend on `max_detections`
/// alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvalOptions {
    /// IoU thresholds at which AP is also given one by one, above 0 and at most 1.
    pub iou_thresholds: Vec<f64>,
    /// Detections counted for each class of an image, those of highest score. COCO: 100.
    pub max_detections: usize,
    /// Detections of lower score are left out of the confusion matrix and of the counts for each
    /// image. None: the score at which F1 over all classes together is best.
    pub score_threshold: Option<f64>,
    /// IoU from which a detection and an object are paired in the confusion matrix.
    pub confusion_iou: f64,
    /// Number of equal parts of the scores 0..1 in the calibration, 1 to 1000.
    pub calibration_bins: usize,
    /// Whether masks are scored.
    pub masks: MaskChoice,
    /// Ids of the objects Pascal VOC calls difficult: its AP passes over them. The other numbers
    /// know nothing of it.
    #[serde(skip)]
    pub difficult: BTreeSet<u64>,
}

/// Whether masks are scored, beside boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskChoice {
    /// Where every object and every detection has one; the evaluation says why where not.
    #[default]
    IfPresent,
    /// A missing mask is an error.
    Always,
    /// Boxes only.
    Never,
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            iou_thresholds: coco_iou_thresholds(),
            max_detections: 100,
            score_threshold: None,
            confusion_iou: 0.5,
            calibration_bins: 10,
            masks: MaskChoice::default(),
            difficult: BTreeSet::new(),
        }
    }
}

impl EvalOptions {
    /// # Errors
    /// Names the first setting out of range.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        let is_iou = |iou: f64| iou > 0.0 && iou <= 1.0;
        if let Some(iou) = self.iou_thresholds.iter().find(|&&iou| !is_iou(iou)) {
            return Err(EvalError::option("iou_thresholds", iou, "numbers above 0 and at most 1"));
        }
        if !is_iou(self.confusion_iou) {
            let expected = "a number above 0 and at most 1";
            return Err(EvalError::option("confusion_iou", self.confusion_iou, expected));
        }
        if let Some(score) = self.score_threshold.filter(|score| !score.is_finite()) {
            return Err(EvalError::option("score_threshold", score, "a number"));
        }
        if self.max_detections == 0 {
            return Err(EvalError::option("max_detections", 0, "at least 1"));
        }
        if !(1..=MOST_BINS).contains(&self.calibration_bins) {
            let expected = "a number from 1 to 1000";
            return Err(EvalError::option("calibration_bins", self.calibration_bins, expected));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let base = EvalOptions::default;
        assert!(base().check().is_ok());
        let wrong = [
            EvalOptions { iou_thresholds: vec![0.5, 0.0], ..base() },
            EvalOptions { iou_thresholds: vec![f64::NAN], ..base() },
            EvalOptions { confusion_iou: 1.5, ..base() },
            EvalOptions { score_threshold: Some(f64::INFINITY), ..base() },
            EvalOptions { max_detections: 0, ..base() },
            EvalOptions { calibration_bins: 0, ..base() },
        ];
        let names = [
            "iou_thresholds: found 0,",
            "iou_thresholds: found NaN",
            "confusion_iou: found 1.5",
            "score_threshold: found inf",
            "max_detections: found 0",
            "calibration_bins: found 0",
        ];
        for (options, name) in wrong.iter().zip(names) {
            let message = options.check().unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }
}
