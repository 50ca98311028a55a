//! Average precision as Pascal VOC defines it (development kits of 2007 and 2012,
//! <http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf>, section 3.4).
//!
//! A detection belongs to the object of its class and image that it overlaps most, also when that
//! is taken already: then it is a false positive, where COCO would try the next object. Detections
//! of a `difficult` object are passed over, and so are those on a crowd, which VOC has not.
//!
//! Difference from the kit: boxes are continuous, without the "+ 1" of pixel indices; a VOC box
//! converted to continuous edges gives the kit's overlap. The 11 recalls are compared as exact
//! fractions, where the kit's `0:0.1:1` is rounded.

use crate::Truth;
use crate::engine::mean;
use crate::truth::Class;
use hotcoco::metrics::counts::average_precision_all_points;
use hotcoco::primitives::sim::bbox_iou_pair;
use hotcoco::{Annotation, COCO};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

const HIT_IOU: f64 = 0.5;

/// VOC's numbers, boxes at IoU 0.5.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Voc {
    /// Mean of the classes with objects; AP as in 2007, from 11 points of the curve.
    pub mean_ap_11_points: Option<f64>,
    /// Mean of the classes with objects; AP as since 2010, the area under the curve.
    pub mean_ap_area: Option<f64>,
    /// Objects passed over as difficult.
    pub num_difficult: usize,
    /// Each class.
    pub classes: Vec<VocClass>,
}

/// VOC's numbers of a class; None where there are no objects but difficult ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VocClass {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// Objects to find.
    pub num_objects: usize,
    /// AP from 11 points of the curve.
    pub ap_11_points: Option<f64>,
    /// AP as the area under the curve.
    pub ap_area: Option<f64>,
}

/// An object of one class in one image.
struct Object {
    bbox: [f64; 4],
    crowd: bool,
    difficult: bool,
    found: bool,
}

/// Hits and false positives so far, by falling score.
#[derive(Default)]
struct Counts {
    hits: Vec<f64>,
    false_positives: Vec<f64>,
}

/// What a detection is.
enum Verdict {
    Hit,
    FalsePositive,
    PassedOver,
}

impl Voc {
    pub(crate) fn of(truth: &Truth, found: &COCO, difficult: &BTreeSet<u64>) -> Self {
        let classes = truth.classes().into_iter();
        let classes: Vec<VocClass> =
            classes.map(|class| VocClass::of(class, truth, found, difficult)).collect();
        Self {
            mean_ap_11_points: mean(classes.iter().filter_map(|class| class.ap_11_points)),
            mean_ap_area: mean(classes.iter().filter_map(|class| class.ap_area)),
            num_difficult: difficult.iter().filter(|&&id| truth.coco.get_ann(id).is_some()).count(),
            classes,
        }
    }
}

impl VocClass {
    fn of(class: Class, truth: &Truth, found: &COCO, difficult: &BTreeSet<u64>) -> Self {
        let mut objects = objects(class.category_id, truth, difficult);
        let to_find = |object: &&Object| !object.crowd && !object.difficult;
        let num_objects = objects.values().flatten().filter(to_find).count();
        let mut counts = Counts::default();
        for detection in ranked(class.category_id, found) {
            let Some(bbox) = detection.bbox else { continue };
            let objects =
                objects.get_mut(&detection.image_id).map_or(&mut [][..], Vec::as_mut_slice);
            counts.push(verdict(bbox, objects));
        }
        let some = |ap| (num_objects > 0).then_some(ap);
        Self {
            ap_11_points: some(counts.ap_11_points(num_objects)),
            ap_area: some(average_precision_all_points(
                &counts.hits,
                &counts.false_positives,
                num_objects,
            )),
            class,
            num_objects,
        }
    }
}

/// The objects of a class by image.
fn objects(
    category_id: u64,
    truth: &Truth,
    difficult: &BTreeSet<u64>,
) -> BTreeMap<u64, Vec<Object>> {
    let mut objects: BTreeMap<u64, Vec<Object>> = BTreeMap::new();
    let of_class = |object: &&Annotation| object.category_id == category_id;
    for object in truth.dataset().annotations.iter().filter(of_class) {
        let (Some(bbox), Some(_)) = (object.bbox, truth.image(object.image_id)) else { continue };
        objects.entry(object.image_id).or_default().push(Object {
            bbox,
            crowd: object.iscrowd,
            difficult: difficult.contains(&object.id),
            found: false,
        });
    }
    objects
}

/// The detections of a class by falling score, equal ones in the order of the list.
fn ranked(category_id: u64, found: &COCO) -> Vec<&Annotation> {
    let of_class = |detection: &&Annotation| detection.category_id == category_id;
    let mut ranked: Vec<&Annotation> = found.dataset.annotations.iter().filter(of_class).collect();
    ranked.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal));
    ranked
}

fn verdict(bbox: [f64; 4], objects: &mut [Object]) -> Verdict {
    let on_crowd = objects
        .iter()
        .any(|object| object.crowd && bbox_iou_pair(bbox, object.bbox, true) >= HIT_IOU);
    let mut best: Option<(f64, &mut Object)> = None;
    for object in objects.iter_mut().filter(|object| !object.crowd) {
        let iou = bbox_iou_pair(bbox, object.bbox, false);
        if best.as_ref().is_none_or(|(most, _)| iou > *most) {
            best = Some((iou, object));
        }
    }
    match best {
        Some((iou, object)) if iou >= HIT_IOU && object.difficult => Verdict::PassedOver,
        Some((iou, object)) if iou >= HIT_IOU && !object.found => {
            object.found = true;
            Verdict::Hit
        }
        _ if on_crowd => Verdict::PassedOver,
        _ => Verdict::FalsePositive,
    }
}

impl Counts {
    fn push(&mut self, verdict: Verdict) {
        let last = |counts: &[f64]| counts.last().copied().unwrap_or(0.0);
        let (hits, false_positives) = (last(&self.hits), last(&self.false_positives));
        let (hits, false_positives) = match verdict {
            Verdict::Hit => (hits + 1.0, false_positives),
            Verdict::FalsePositive => (hits, false_positives + 1.0),
            Verdict::PassedOver => return,
        };
        self.hits.push(hits);
        self.false_positives.push(false_positives);
    }

    /// Mean over the recalls 0, 0.1, ..., 1 of the best precision at this recall or beyond.
    fn ap_11_points(&self, num_objects: usize) -> f64 {
        let best_from = |tenths: f64| {
            let reached = |hits: f64| 10.0 * hits >= tenths * num_objects as f64;
            let counts = self.hits.iter().zip(&self.false_positives);
            let precisions = counts
                .filter(|(hits, _)| reached(**hits))
                .map(|(hits, false_positives)| hits / (hits + false_positives));
            precisions.fold(0.0, f64::max)
        };
        (0..=10).map(|tenths| best_from(f64::from(tenths))).sum::<f64>() / 11.0
    }
}
