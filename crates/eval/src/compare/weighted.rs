//! AP on images that count a number of times each, without matching anew.

use crate::Truth;
use crate::engine::{Engine, mean};
use hotcoco::metrics::counts::{PrCurveScratch, precision_recall_curve_into};
use hotcoco::params::default_rec_thrs;
use std::collections::BTreeMap;

/// COCO's thresholds; also how many flags a detection carries.
const NUM_IOUS: usize = 10;
/// IoU 0.50 and 0.75 among them.
const IOU_50: usize = 0;
const IOU_75: usize = 5;

/// The matches of one detector at COCO's IoU thresholds.
pub(super) struct WeightedAp {
    classes: Vec<ClassMatches>,
}

/// AP, as on a data set in which each image occurs as often as it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ap {
    pub(super) ap: Option<f64>,
    pub(super) ap50: Option<f64>,
    pub(super) ap75: Option<f64>,
    pub(super) classes: Vec<Option<f64>>,
}

#[derive(Default)]
struct ClassMatches {
    objects: Vec<ImageObjects>,
    /// By falling score, equal ones by image.
    detections: Vec<Detection>,
}

struct ImageObjects {
    /// Place of the image in the weights.
    image: usize,
    count: u32,
}

struct Detection {
    image: usize,
    score: f64,
    hit: [bool; NUM_IOUS],
    ignored: [bool; NUM_IOUS],
}

/// Buffers that are filled once for each class and threshold.
#[derive(Default)]
struct Buffers {
    hits: Vec<f64>,
    false_positives: Vec<f64>,
    curve: PrCurveScratch,
    /// Place of the recall, precision, rank.
    points: Vec<(usize, f64, usize)>,
}

impl WeightedAp {
    /// The engine has COCO's thresholds first. Weights are in the order of the truth's images.
    pub(super) fn new(truth: &Truth, engine: &Engine) -> Self {
        let images: BTreeMap<u64, usize> =
            truth.dataset().images.iter().map(|image| image.id).zip(0..).collect();
        let mut classes: BTreeMap<u64, ClassMatches> = engine
            .classes
            .iter()
            .map(|class| (class.category_id, ClassMatches::default()))
            .collect();
        for cell in engine.cells() {
            let (Some(&image), Some(class)) =
                (images.get(&cell.image_id), classes.get_mut(&cell.category_id))
            else {
                continue;
            };
            let count = cell.num_gt_in_denominator() as u32;
            class.objects.push(ImageObjects { image, count });
            let detections = cell.dt_scores.iter().enumerate().map(|(index, &score)| Detection {
                image,
                score,
                hit: std::array::from_fn(|iou| cell.dt_matched[(iou, index)]),
                ignored: std::array::from_fn(|iou| cell.dt_ignore[(iou, index)]),
            });
            class.detections.extend(detections);
        }
        let mut classes: Vec<ClassMatches> = classes.into_values().collect();
        for class in &mut classes {
            class.detections.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        Self { classes }
    }

    /// `times[i]` is how often image `i` counts.
    pub(super) fn ap(&self, times: &[u32]) -> Ap {
        let recalls = default_rec_thrs();
        let mut buffers = Buffers::default();
        let at_ious: Vec<Option<[f64; NUM_IOUS]>> =
            self.classes.iter().map(|class| class.ap(times, &recalls, &mut buffers)).collect();
        let at = |iou: usize| mean(at_ious.iter().flatten().map(|class| class[iou]));
        let classes: Vec<Option<f64>> = at_ious.iter().map(|class| mean((*class)?)).collect();
        Ap {
            ap: mean(classes.iter().copied().flatten()),
            ap50: at(IOU_50),
            ap75: at(IOU_75),
            classes,
        }
    }
}

impl ClassMatches {
    /// AP at each IoU; None without objects.
    fn ap(&self, times: &[u32], recalls: &[f64], buffers: &mut Buffers) -> Option<[f64; NUM_IOUS]> {
        let num_objects: u32 =
            self.objects.iter().map(|image| image.count * times[image.image]).sum();
        if num_objects == 0 {
            return None;
        }
        Some(std::array::from_fn(|iou| {
            self.count(iou, times, buffers);
            let Buffers { hits, false_positives, curve, points } = buffers;
            precision_recall_curve_into(
                hits,
                false_positives,
                num_objects as usize,
                recalls,
                curve,
                points,
            );
            points.iter().map(|(_, precision, _)| precision).sum::<f64>() / recalls.len() as f64
        }))
    }

    /// Hits and false positives so far, by falling score.
    ///
    /// A detection that counts twice makes one step of two where two equal images make two of one:
    /// the precision between lies below that after, which the interpolated curve takes anyway.
    fn count(&self, iou: usize, times: &[u32], buffers: &mut Buffers) {
        buffers.hits.clear();
        buffers.false_positives.clear();
        let (mut hits, mut false_positives) = (0.0, 0.0);
        for detection in self.detections.iter().filter(|detection| !detection.ignored[iou]) {
            let weight = f64::from(times[detection.image]);
            if weight == 0.0 {
                continue;
            }
            if detection.hit[iou] {
                hits += weight;
            } else {
                false_positives += weight;
            }
            buffers.hits.push(hits);
            buffers.false_positives.push(false_positives);
        }
    }
}
