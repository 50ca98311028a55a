//! The evaluation: results in, every number out.
//!
//! Matching and COCO's numbers are hotcoco's (see `engine.rs`); this file says what is asked, in
//! which order, and how the answers are called.

use crate::calibration::Calibration;
use crate::confusion::{Confusion, Thresholds};
use crate::engine::{Curves, Engine};
use crate::f1::F1Curves;
use crate::images::{ImageScore, worst};
use crate::matches::{Matches, Ranking};
use crate::numbers::{ApAtIou, ClassAp, ClassNumbers, CocoNumbers, CocoRow};
use crate::options::EvalOptions;
use crate::precision_recall::PrecisionRecall;
use crate::results::{Detections, Geometry};
use crate::tide::Tide;
use crate::truth::Class;
use crate::voc::Voc;
use crate::{EvalError, Truth};
use hotcoco::Annotation;
use serde::Serialize;

/// IoU thresholds the precision-recall curves are given at.
const CURVE_IOUS: [f64; 2] = [0.5, 0.75];

/// Everything an evaluation found. Serialised, it is what `kestrel eval --json` prints: field names
/// are stable, and what has no value is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The version of Kestrel that made it.
    pub kestrel_version: &'static str,
    /// What was asked.
    pub options: EvalOptions,
    /// How much was evaluated.
    pub counts: Counts,
    /// Detections compared with objects by their boxes.
    pub boxes: Scores,
    /// By their masks.
    pub masks: Option<Scores>,
    /// Why not by their masks.
    pub masks_left_out: Option<String>,
    /// Pascal VOC's numbers, by boxes.
    pub voc: Voc,
}

/// How much was evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Images of the ground truth, those without objects included.
    pub images: usize,
    /// Objects of the ground truth, crowds not included.
    pub objects: usize,
    /// Crowds: regions where a detection is neither hit nor error.
    pub crowds: usize,
    /// Results handed in.
    pub detections: usize,
    /// Classes of the ground truth, those without objects included.
    pub classes: usize,
}

/// All numbers of one way of comparing, by boxes or by masks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// COCO's twelve.
    pub coco: CocoNumbers,
    /// AP at the IoU thresholds asked for, in their order.
    pub ap_at_iou: Vec<ApAtIou>,
    /// Each class by rising id.
    pub classes: Vec<ClassNumbers>,
    /// Precision over recall at IoU 0.50 and 0.75.
    pub precision_recall: Vec<PrecisionRecall>,
    /// F1 over the score threshold, at IoU 0.5.
    pub f1: F1Curves,
    /// Scores against shares of hits, at IoU 0.5; None without detections or where a score is no
    /// probability.
    pub calibration: Option<Calibration>,
    /// What keeps AP from being higher; None without objects.
    pub tide: Option<Tide>,
    /// The score threshold of `confusion` and `images`.
    pub score_threshold: f64,
    /// Which class is taken for which.
    pub confusion: Confusion,
    /// Each image by rising id.
    pub images: Vec<ImageScore>,
}

/// Scores results on the ground truth.
///
/// Masks are scored beside boxes where both sides have them. Detections keep the order of the
/// list: it decides between equal scores, as in pycocotools. No results and no ground truth are
/// cases like any other.
///
/// # Errors
/// When a result is of an unknown image or class, or holds what is not a number or no mask; when a
/// setting is out of range; and when masks were demanded and are missing.
pub fn evaluate(
    truth: &Truth,
    results: Vec<Annotation>,
    options: &EvalOptions,
) -> Result<Evaluation, EvalError> {
    options.check()?;
    let detections = Detections::new(results, truth, options.masks)?;
    let masks = match &detections.masks {
        Ok(()) => Some(Scores::of(truth, &detections, Geometry::Masks, options)?),
        Err(_) => None,
    };
    Ok(Evaluation {
        kestrel_version: env!("CARGO_PKG_VERSION"),
        options: options.clone(),
        counts: Counts::of(truth, &detections),
        boxes: Scores::of(truth, &detections, Geometry::Boxes, options)?,
        masks,
        voc: Voc::of(truth, &detections.coco(truth, Geometry::Boxes)?, &options.difficult),
        masks_left_out: detections.masks.err(),
    })
}

impl Evaluation {
    /// Boxes, and masks where they were scored, each with its name.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &Scores)> {
        let masks = self.masks.as_ref().map(|scores| ("masks", scores));
        std::iter::once(("boxes", &self.boxes)).chain(masks)
    }

    /// The finest way of comparing there is: masks, else boxes.
    pub fn finest(&self) -> &Scores {
        self.masks.as_ref().unwrap_or(&self.boxes)
    }

    /// The `num` images that fared worst, by masks where they were scored: by rising F1, then by
    /// falling number of errors. Images without an error are not among them.
    pub fn worst_images(&self, num: usize) -> Vec<&ImageScore> {
        worst(&self.finest().images, num)
    }
}

impl Counts {
    fn of(truth: &Truth, detections: &Detections) -> Self {
        let dataset = truth.dataset();
        let crowds = dataset.annotations.iter().filter(|object| object.iscrowd).count();
        Self {
            images: dataset.images.len(),
            objects: dataset.annotations.len() - crowds,
            crowds,
            detections: detections.len(),
            classes: dataset.categories.len(),
        }
    }
}

impl Scores {
    fn of(
        truth: &Truth,
        detections: &Detections,
        geometry: Geometry,
        options: &EvalOptions,
    ) -> Result<Self, EvalError> {
        let ious = [&options.iou_thresholds[..], &[options.confusion_iou]].concat();
        let mut engine = Engine::new(truth, detections, geometry, options.max_detections, &ious)?;
        // COCO's first threshold, 0.50.
        let matches = Matches::new(&engine, 0);
        let f1 = F1Curves::new(&matches, &engine.classes);
        let score_threshold = options.score_threshold.or(f1.best_threshold()).unwrap_or(0.0);
        let at = Thresholds { score: score_threshold, iou: options.confusion_iou };
        let from_curves = FromCurves::new(&mut engine, &matches, options);
        Ok(Self {
            coco: CocoNumbers::of(&engine),
            ap_at_iou: from_curves.ap_at_iou,
            classes: from_curves.classes,
            precision_recall: from_curves.precision_recall,
            calibration: Calibration::of(&engine, &matches, options.calibration_bins)?,
            tide: Tide::of(&engine, &matches)?,
            confusion: Confusion::of(&engine, truth, detections, geometry, at)?,
            images: ImageScore::list(truth, &matches, score_threshold),
            f1,
            score_threshold,
        })
    }

    /// COCO's twelve numbers in its order.
    pub fn rows(&self) -> [CocoRow; 12] {
        self.coco.rows()
    }
}

/// What is read off the curves of precision over recall.
#[derive(Default)]
struct FromCurves {
    ap_at_iou: Vec<ApAtIou>,
    classes: Vec<ClassNumbers>,
    precision_recall: Vec<PrecisionRecall>,
}

impl FromCurves {
    fn new(engine: &mut Engine, matches: &Matches, options: &EvalOptions) -> Self {
        let rows = |engine: &Engine, ious: &[f64]| -> Vec<(usize, f64)> {
            ious.iter().filter_map(|&iou| Some((engine.row(iou)?, iou))).collect()
        };
        let (asked, drawn) = (rows(engine, &options.iou_thresholds), rows(engine, &CURVE_IOUS));
        let classes = engine.classes.clone();
        let Some(curves) = engine.curves() else { return Self::default() };
        let ap_at = |(row, iou)| ApAtIou::new(&curves, row, iou);
        let precision = |(row, iou)| PrecisionRecall::new(&curves, row, iou, &classes);
        Self {
            ap_at_iou: asked.into_iter().map(ap_at).collect(),
            precision_recall: drawn.into_iter().map(precision).collect(),
            classes: class_numbers(&curves, &classes, &matches.by_class()),
        }
    }
}

fn class_numbers(
    curves: &Curves<'_>,
    classes: &[Class],
    rankings: &[Ranking],
) -> Vec<ClassNumbers> {
    let numbers = |((class, ranking), ap): ((&Class, &Ranking), ClassAp)| ClassNumbers {
        class: class.clone(),
        num_objects: ranking.num_objects,
        num_detections: ranking.detections.len(),
        ap: ap.ap,
        ap50: ap.ap50,
        ap75: ap.ap75,
        ar: ap.ar,
    };
    classes.iter().zip(rankings).zip(ClassAp::list(curves)).map(numbers).collect()
}
