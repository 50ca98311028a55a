//! Detections and ground truth in; numbers, curves, a report out.
//!
//! * [`Truth`] is the ground truth, checked once;
//! * [`read_results`] reads what a detector found, in COCO's format or Kestrel's own;
//! * [`evaluate`] gives an [`Evaluation`]: COCO's twelve numbers bit for bit as pycocotools has
//!   them, each class, Pascal VOC's AP, TIDE's error split, who is taken for whom, curves,
//!   calibration, and how each image fared;
//! * [`compare`] says whether one detector is better than another, and how sure that is;
//! * [`score_tracks`] scores the tracks of a clip: MOTA, IDF1, HOTA;
//! * [`html`] writes an evaluation as one page.
//!
//! The matching is that of the `hotcoco` crate. Boxes are `x y width height` here, as COCO has
//! them.

mod calibration;
mod compare;
mod confusion;
mod engine;
mod error;
mod evaluation;
mod f1;
mod images;
mod matches;
mod numbers;
mod options;
mod precision_recall;
mod report;
mod results;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod samples;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tide;
mod tracks;
mod truth;
mod voc;

pub use hotcoco::Annotation;

pub use calibration::{Bin, Calibration, ClassCalibration};
pub use compare::{ClassDelta, CompareOptions, Comparison, Delta, Deltas, Interval, compare};
pub use confusion::Confusion;
pub use error::EvalError;
pub use evaluation::{Counts, Evaluation, Scores, evaluate};
pub use f1::{ClassF1, F1Curve, F1Curves, OperatingPoint};
pub use images::ImageScore;
pub use numbers::{ApAtIou, ClassNumbers, CocoNumbers, CocoRow};
pub use options::{EvalOptions, MaskChoice, coco_iou_thresholds};
pub use precision_recall::{ClassPrecision, PrecisionRecall};
pub use report::{Cost, Fact, GalleryPicture, PictureFormat, ReportExtras, html};
pub use results::{found, read_results, results_json};
pub use tide::{Tide, TideError, TideKind};
pub use tracks::{
    Clear, Hota, Identity, TrackBox, TrackError, TrackRole, TrackScores, TrackSequence,
    score_tracks,
};
pub use truth::{Class, Truth};
pub use voc::{Voc, VocClass};
