//! The numbers of the tables: COCO's twelve, AP at each IoU, and those of each class.

use crate::engine::{Curves, Engine, computed, mean};
use crate::options::NUM_COCO_IOUS;
use crate::truth::Class;
use serde::Serialize;

/// COCO's twelve numbers (<https://cocodataset.org/#detection-eval>), bit for bit those of
/// pycocotools. AP and AR lie in 0..1; None where there are no objects to find.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CocoNumbers {
    /// Mean over the IoU thresholds 0.50, 0.55, ..., 0.95.
    pub ap: Option<f64>,
    /// At IoU 0.50.
    pub ap50: Option<f64>,
    /// At IoU 0.75.
    pub ap75: Option<f64>,
    /// Objects below 32x32 pixels in area.
    pub ap_small: Option<f64>,
    /// Objects between 32x32 and 96x96 pixels.
    pub ap_medium: Option<f64>,
    /// Objects above 96x96 pixels.
    pub ap_large: Option<f64>,
    /// Largest recall, mean over the IoU thresholds, with one detection for each class of an image.
    pub ar_1: Option<f64>,
    /// With ten.
    pub ar_10: Option<f64>,
    /// With as many as counted at all; COCO's AR100.
    pub ar_max: Option<f64>,
    /// The same, objects below 32x32 pixels.
    pub ar_small: Option<f64>,
    /// Between 32x32 and 96x96 pixels.
    pub ar_medium: Option<f64>,
    /// Above 96x96 pixels.
    pub ar_large: Option<f64>,
}

/// One of COCO's twelve numbers, as a table shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CocoRow {
    /// COCO's short name.
    pub name: &'static str,
    /// What it says, in a few words.
    pub meaning: &'static str,
    /// In 0..1; None where there are no objects to find.
    pub value: Option<f64>,
}

/// AP, mean over the classes, at one IoU threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ApAtIou {
    /// The threshold.
    pub iou: f64,
    /// AP there.
    pub ap: Option<f64>,
}

/// The numbers of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassNumbers {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// Objects to find: crowds are not among them.
    pub num_objects: usize,
    /// Detections counted: those on a crowd, and beyond the limit for an image, are not among them.
    pub num_detections: usize,
    /// AP, mean over COCO's IoU thresholds.
    pub ap: Option<f64>,
    /// AP at IoU 0.50.
    pub ap50: Option<f64>,
    /// AP at IoU 0.75.
    pub ap75: Option<f64>,
    /// Largest recall, mean over COCO's IoU thresholds.
    pub ar: Option<f64>,
}

impl CocoNumbers {
    pub(crate) fn of(engine: &Engine) -> Self {
        let number = |name: &str| engine.summary.get(name).copied().and_then(computed);
        Self {
            ap: number("AP"),
            ap50: number("AP50"),
            ap75: number("AP75"),
            ap_small: number("APs"),
            ap_medium: number("APm"),
            ap_large: number("APl"),
            ar_1: number("AR1"),
            ar_10: number("AR10"),
            ar_max: number("AR100"),
            ar_small: number("ARs"),
            ar_medium: number("ARm"),
            ar_large: number("ARl"),
        }
    }

    /// All twelve in COCO's order.
    pub fn rows(&self) -> [CocoRow; 12] {
        let row = |name, meaning, value| CocoRow { name, meaning, value };
        [
            row("AP", "IoU 0.50 to 0.95", self.ap),
            row("AP50", "IoU 0.50", self.ap50),
            row("AP75", "IoU 0.75", self.ap75),
            row("APs", "small objects, below 32x32 px", self.ap_small),
            row("APm", "medium objects", self.ap_medium),
            row("APl", "large objects, above 96x96 px", self.ap_large),
            row("AR1", "one detection per class and image", self.ar_1),
            row("AR10", "ten detections", self.ar_10),
            row("ARmax", "all detections counted", self.ar_max),
            row("ARs", "small objects", self.ar_small),
            row("ARm", "medium objects", self.ar_medium),
            row("ARl", "large objects", self.ar_large),
        ]
    }
}

impl ApAtIou {
    /// `row` is that of the threshold in the curves.
    pub(crate) fn new(curves: &Curves<'_>, row: usize, iou: f64) -> Self {
        let classes = (0..curves.num_classes()).filter_map(|class| curves.ap(row, class));
        Self { iou, ap: mean(classes) }
    }
}

/// AP and AR of a class.
pub(crate) struct ClassAp {
    pub(crate) ap: Option<f64>,
    pub(crate) ap50: Option<f64>,
    pub(crate) ap75: Option<f64>,
    pub(crate) ar: Option<f64>,
}

impl ClassAp {
    /// Of each class.
    pub(crate) fn list(curves: &Curves<'_>) -> Vec<Self> {
        (0..curves.num_classes()).map(|class| Self::of(curves, class)).collect()
    }

    fn of(curves: &Curves<'_>, class: usize) -> Self {
        // 0.50, 0.55, 0.60, 0.65, 0.70, 0.75.
        let (iou_50, iou_75) = (0, 5);
        let ious = 0..NUM_COCO_IOUS;
        Self {
            ap: mean(ious.clone().filter_map(|iou| curves.ap(iou, class))),
            ap50: curves.ap(iou_50, class),
            ap75: curves.ap(iou_75, class),
            ar: mean(ious.filter_map(|iou| curves.recall(iou, class))),
        }
    }
}
