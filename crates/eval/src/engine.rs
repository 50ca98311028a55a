//! What hotcoco is asked.
//!
//! hotcoco matches detections to objects as pycocotools does (`COCOeval.evaluateImg`), at every IoU
//! threshold anything here needs, once; the tables are then read off that one matching. "Not
//! computed", which both write as -1, leaves this file as `None`.
//!
//! Difference from pycocotools: an object or a detection of id 0 counts there as not matched; here
//! it is matched like any other.

use crate::options::coco_iou_thresholds;
use crate::results::{Detections, Geometry};
use crate::truth::Class;
use crate::{EvalError, Truth};
use hotcoco::{AccumulatedEval, COCOeval, EvalImg};
use std::collections::{BTreeMap, HashMap};

/// Two thresholds closer than this are one: `0.55` as typed and as `numpy.linspace` makes it.
const SAME_IOU: f64 = 1e-9;

/// Detections matched to objects.
pub(crate) struct Engine {
    eval: COCOeval,
    /// The thresholds matched at, COCO's first.
    ious: Vec<f64>,
    /// COCO's summary by hotcoco's names: AP, AP50, ..., ARl.
    pub(crate) summary: BTreeMap<String, f64>,
    /// By rising id.
    pub(crate) classes: Vec<Class>,
}

/// Precision over recall, and the recall reached, for each class at each IoU threshold; all sizes
/// of objects.
pub(crate) struct Curves<'a> {
    arrays: &'a AccumulatedEval,
    /// The place of "all sizes" and of the limit on detections.
    area: usize,
    limit: usize,
}

impl Engine {
    /// Matches at COCO's ten thresholds and at `more_ious`.
    pub(crate) fn new(
        truth: &Truth,
        detections: &Detections,
        geometry: Geometry,
        max_detections: usize,
        more_ious: &[f64],
    ) -> Result<Self, EvalError> {
        let found = detections.coco(truth, geometry)?;
        let mut eval = COCOeval::new(truth.coco.clone(), found, geometry.iou_type());
        let mut ious = coco_iou_thresholds();
        for &iou in more_ious {
            if row_of(&ious, iou).is_none() {
                ious.push(iou);
            }
        }
        eval.params.iou_thrs.clone_from(&ious);
        eval.params.max_dets = [1, 10].map(|few: usize| few.min(max_detections)).to_vec();
        eval.params.max_dets.push(max_detections);
        eval.evaluate()?;
        // COCO's means are over its own thresholds. `summarize` would print; this is the same
        // reduction over all images.
        eval.params.iou_thrs = coco_iou_thresholds();
        let summary = eval.slice_by(HashMap::new())?.overall.metrics;
        eval.params.iou_thrs.clone_from(&ious);
        Ok(Self { eval, ious, summary, classes: truth.classes() })
    }

    /// Curves at all thresholds matched at.
    pub(crate) fn curves(&mut self) -> Option<Curves<'_>> {
        self.eval.accumulate();
        let (area, limit) = (self.eval.params.all_area_idx(), self.eval.params.max_det_idx());
        Some(Curves { arrays: self.eval.accumulated()?, area, limit })
    }

    /// What was matched in each image and class with anything in it, objects of all sizes; a class
    /// the ground truth does not list is not among them.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &EvalImg> {
        let all_sizes = self.eval.params.all_area_range();
        self.eval.eval_imgs().iter().flatten().filter(move |cell| cell.area_rng == all_sizes)
    }

    /// The row of a threshold in every cell and curve; None where nothing was matched at it.
    pub(crate) fn row(&self, iou: f64) -> Option<usize> {
        row_of(&self.ious, iou)
    }

    /// hotcoco itself, for what it answers alone.
    pub(crate) fn hotcoco(&self) -> &COCOeval {
        &self.eval
    }
}

impl Curves<'_> {
    /// Precision at 101 recalls, 0.00 to 1.00; None for a class without objects.
    pub(crate) fn precision(&self, iou: usize, class: usize) -> Option<Vec<f64>> {
        let at = |recall| {
            let index = self.arrays.precision_idx(iou, recall, class, self.area, self.limit);
            computed(self.arrays.precision[index])
        };
        (0..self.arrays.shape.r).map(at).collect()
    }

    /// AP of a class at one threshold.
    pub(crate) fn ap(&self, iou: usize, class: usize) -> Option<f64> {
        mean(self.precision(iou, class)?)
    }

    /// The largest recall of a class at one threshold.
    pub(crate) fn recall(&self, iou: usize, class: usize) -> Option<f64> {
        let index = self.arrays.recall_idx(iou, class, self.area, self.limit);
        computed(self.arrays.recall[index])
    }

    pub(crate) fn num_classes(&self) -> usize {
        self.arrays.shape.k
    }
}

/// hotcoco and pycocotools write -1 for what has no value.
pub(crate) fn computed(value: f64) -> Option<f64> {
    (value >= 0.0).then_some(value)
}

/// The mean; None of nothing.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) =
        values.into_iter().fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

fn row_of(ious: &[f64], iou: f64) -> Option<usize> {
    ious.iter().position(|known| (known - iou).abs() < SAME_IOU)
}
