//! How each image fared, so that the worst can be looked at.

use crate::Truth;
use crate::f1::f1;
use crate::matches::Matches;
use serde::Serialize;
use std::collections::BTreeMap;

/// Hits and errors in one image, at IoU 0.5 and the evaluation's score threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageScore {
    /// Its number in the data set.
    pub image_id: u64,
    /// Its name in the data set.
    pub file_name: String,
    /// Objects found.
    pub true_positives: usize,
    /// Detections of nothing, of another class, or of an object already found.
    pub false_positives: usize,
    /// Objects not found.
    pub false_negatives: usize,
    /// `2 TP / (2 TP + FP + FN)`; 1 where there was nothing to find and nothing was found.
    pub f1: f64,
}

impl ImageScore {
    /// Every image of the ground truth by rising id.
    pub(crate) fn list(truth: &Truth, matches: &Matches, score_threshold: f64) -> Vec<Self> {
        let ids =
            truth.dataset().images.iter().map(|image| (image.id, Self::empty(&image.file_name)));
        let mut images: BTreeMap<u64, Self> = ids.collect();
        for cell in matches.cells() {
            let Some(image) = images.get_mut(&cell.image_id) else { continue };
            let kept = cell.detections.iter().filter(|found| found.score >= score_threshold);
            let hits = kept.clone().filter(|found| found.hit).count();
            image.true_positives += hits;
            image.false_positives += kept.count() - hits;
            image.false_negatives += cell.num_objects - hits;
        }
        for (&id, image) in &mut images {
            image.image_id = id;
            image.f1 = f1(image.true_positives, image.false_positives, image.false_negatives);
        }
        images.into_values().collect()
    }

    /// Detections and objects that found no partner.
    pub fn num_errors(&self) -> usize {
        self.false_positives + self.false_negatives
    }

    fn empty(file_name: &str) -> Self {
        Self {
            image_id: 0,
            file_name: file_name.into(),
            true_positives: 0,
            false_positives: 0,
            false_negatives: 0,
            f1: 1.0,
        }
    }
}

/// The `num` images with errors that fared worst: by rising F1, then by falling number of errors,
/// then by id.
pub(crate) fn worst(images: &[ImageScore], num: usize) -> Vec<&ImageScore> {
    let mut worst: Vec<&ImageScore> =
        images.iter().filter(|image| image.num_errors() > 0).collect();
    worst.sort_by(|a, b| {
        let by_f1 = a.f1.total_cmp(&b.f1);
        by_f1.then(b.num_errors().cmp(&a.num_errors())).then(a.image_id.cmp(&b.image_id))
    });
    worst.truncate(num);
    worst
}
