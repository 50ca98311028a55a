//! Precision over recall, interpolated as COCO does it: the best precision at this recall or
//! beyond.

use crate::engine::{Curves, mean};
use crate::truth::Class;
use serde::Serialize;

/// Precision over recall at one IoU threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrecisionRecall {
    /// The IoU threshold.
    pub iou: f64,
    /// The recalls of every curve: 0.00, 0.01, ..., 1.00.
    pub recall: Vec<f64>,
    /// Mean of the classes with objects, its mean is AP; None where there are none.
    pub mean: Option<Vec<f64>>,
    /// Each class.
    pub classes: Vec<ClassPrecision>,
}

/// The curve of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassPrecision {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// At each recall, 0 where that is not reached; None where the class has no objects.
    pub precision: Option<Vec<f64>>,
}

impl PrecisionRecall {
    /// `row` is that of the threshold in the curves.
    pub(crate) fn new(curves: &Curves<'_>, row: usize, iou: f64, classes: &[Class]) -> Self {
        let curve_of = |(index, class): (usize, &Class)| ClassPrecision {
            class: class.clone(),
            precision: curves.precision(row, index),
        };
        let classes: Vec<ClassPrecision> = classes.iter().enumerate().map(curve_of).collect();
        let recall = hotcoco::params::default_rec_thrs();
        Self { iou, mean: mean_curve(&classes, recall.len()), recall, classes }
    }
}

fn mean_curve(classes: &[ClassPrecision], num_recalls: usize) -> Option<Vec<f64>> {
    let at =
        |recall| mean(classes.iter().filter_map(|class| Some(class.precision.as_ref()?[recall])));
    (0..num_recalls).map(at).collect()
}
