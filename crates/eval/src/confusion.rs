//! Which class is taken for which.
//!
//! At one score and one IoU threshold, detections of all classes take objects of all classes by
//! falling score, each the free object it overlaps most. What is left over stands against
//! background. Detections that COCO ignores, those on a crowd of their class, are left out, and so
//! are crowds.

use crate::engine::Engine;
use crate::results::{Detections, Geometry};
use crate::{EvalError, Truth};
use hotcoco::COCOeval;
use serde::Serialize;
use std::collections::BTreeSet;

/// Counts of pairs of a true and a predicted class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The classes by rising id, and `background` last: the names of rows and of columns.
    pub names: Vec<String>,
    /// A row for each true class; its columns are the predicted ones. The last row holds
    /// detections of nothing, the last column objects not found.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    pub(crate) fn of(
        engine: &Engine,
        truth: &Truth,
        detections: &Detections,
        geometry: Geometry,
        at: Thresholds,
    ) -> Result<Self, EvalError> {
        let ignored = engine.row(at.iou).map(|row| ignored(engine, row)).unwrap_or_default();
        let (limit, score) = (Some(detections.len()), Some(at.score));
        let matrix = if ignored.is_empty() {
            engine.hotcoco().confusion_matrix(at.iou, limit, score)
        } else {
            let counted = detections.coco_without(&ignored, truth, geometry)?;
            COCOeval::new(truth.coco.clone(), counted, geometry.iou_type())
                .confusion_matrix(at.iou, limit, score)
        };
        let side = matrix.num_cats + 1;
        Ok(Self {
            names: matrix.cat_names.into_iter().chain(["background".into()]).collect(),
            counts: matrix.matrix.chunks(side).map(<[u64]>::to_vec).collect(),
        })
    }
}

/// What counts in the matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    pub(crate) score: f64,
    pub(crate) iou: f64,
}

/// The ids of the detections COCO ignores at the threshold of this row.
fn ignored(engine: &Engine, row: usize) -> BTreeSet<u64> {
    let in_cell = |cell: &hotcoco::EvalImg| {
        let ids = cell.dt_ids.iter().zip(cell.dt_ignore.row(row));
        ids.filter(|(_, ignored)| **ignored).map(|(id, _)| *id).collect::<Vec<u64>>()
    };
    engine.cells().flat_map(in_cell).collect()
}
