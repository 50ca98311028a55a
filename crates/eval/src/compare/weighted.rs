//! AP on images that count a number of times each, without matching anew.

use crate::Truth;
use crate::engine::{Engine, mean};
use crate::options::NUM_COCO_IOUS;
use hotcoco::ThreshMatrix;
use hotcoco::metrics::counts::{PrCurveScratch, precision_recall_curve_into};
use hotcoco::params::default_rec_thrs;
use std::collections::BTreeMap;

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

/// A bit for each IoU threshold says whether it is a hit there, and whether it is passed over.
struct Detection {
    score: f64,
    image: u32,
    hit: u16,
    ignored: u16,
}

/// What is filled anew for each class.
#[derive(Default)]
struct Buffers {
    counts: [Counts; NUM_COCO_IOUS],
    curve: PrCurveScratch,
    /// Place of the recall, precision, rank.
    points: Vec<(usize, f64, usize)>,
}

/// Hits and false positives so far, at each hit; between hits precision only falls.
#[derive(Default)]
struct Counts {
    hits: Vec<f64>,
    false_positives: Vec<f64>,
    num_hits: f64,
    num_ignored: f64,
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
                score,
                image: image as u32,
                hit: bits(&cell.dt_matched, index),
                ignored: bits(&cell.dt_ignore, index),
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
        let at_ious: Vec<Option<[f64; NUM_COCO_IOUS]>> =
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
    fn ap(
        &self,
        times: &[u32],
        recalls: &[f64],
        buffers: &mut Buffers,
    ) -> Option<[f64; NUM_COCO_IOUS]> {
        let num_objects: u32 =
            self.objects.iter().map(|image| image.count * times[image.image]).sum();
        if num_objects == 0 {
            return None;
        }
        let Buffers { counts, curve, points } = buffers;
        self.count(times, counts);
        Some(counts.each_ref().map(|Counts { hits, false_positives, .. }| {
            let num_objects = num_objects as usize;
            precision_recall_curve_into(hits, false_positives, num_objects, recalls, curve, points);
            points.iter().map(|(_, precision, _)| precision).sum::<f64>() / recalls.len() as f64
        }))
    }

    /// Counts at every IoU in one pass by falling score.
    ///
    /// A detection that counts twice makes one step of two where two equal images make two of one:
    /// the precision between lies below that after, which the interpolated curve takes anyway.
    fn count(&self, times: &[u32], counts: &mut [Counts; NUM_COCO_IOUS]) {
        counts.iter_mut().for_each(Counts::clear);
        let mut num_detections = 0.0;
        for detection in &self.detections {
            let weight = f64::from(times[detection.image as usize]);
            num_detections += weight;
            if weight == 0.0 || (detection.hit | detection.ignored) == 0 {
                continue;
            }
            for (iou, counts) in counts.iter_mut().enumerate() {
                let (hit, ignored) = (detection.hit >> iou & 1, detection.ignored >> iou & 1);
                match (hit, ignored) {
                    (_, 1) => counts.num_ignored += weight,
                    (1, _) => counts.push_hit(weight, num_detections),
                    _ => {}
                }
            }
        }
    }
}

impl Counts {
    fn clear(&mut self) {
        self.hits.clear();
        self.false_positives.clear();
        (self.num_hits, self.num_ignored) = (0.0, 0.0);
    }

    fn push_hit(&mut self, weight: f64, num_detections: f64) {
        self.num_hits += weight;
        self.hits.push(self.num_hits);
        self.false_positives.push(num_detections - self.num_hits - self.num_ignored);
    }
}

/// One detection's flags at COCO's thresholds, which are the cell's first.
fn bits(flags: &ThreshMatrix<bool>, index: usize) -> u16 {
    (0..NUM_COCO_IOUS).fold(0, |bits, iou| bits | u16::from(flags[(iou, index)]) << iou)
}
