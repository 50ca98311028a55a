//! Whether one detector is better than another, and how sure that is.
//!
//! A paired bootstrap over images (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
//! chapters 6 and 13): images are drawn with replacement, as many as there are, both detectors are
//! scored on the drawn ones, and the middle 95 % of the differences are the interval. An image
//! drawn twice counts twice.
//!
//! Difference from `hotcoco::compare`: that one forgets how often an image was drawn, so that each
//! sample is a part of the images, about 63 %, and its intervals come out about a quarter too
//! narrow.

mod weighted;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use crate::engine::Engine;
use crate::numbers::CocoNumbers;
use crate::options::{EvalOptions, MaskChoice};
use crate::results::{Detections, Geometry};
use crate::truth::Class;
use crate::{EvalError, Truth};
use hotcoco::Annotation;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;
use weighted::{Ap, WeightedAp};

/// Settings of [`compare`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CompareOptions {
    /// How often images are drawn; 0 for no intervals.
    pub resamples: usize,
    /// What the draws follow from.
    pub seed: u64,
    /// The share of the differences an interval holds, between 0 and 1.
    pub confidence: f64,
    /// Detections counted for each class of an image. COCO: 100.
    pub max_detections: usize,
    /// Whether masks are scored.
    pub masks: MaskChoice,
}

/// Two detectors, `a` and `b`, on the same images. Differences are `b - a`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What was asked.
    pub options: CompareOptions,
    /// Images of the ground truth.
    pub num_images: usize,
    /// By boxes.
    pub boxes: Deltas,
    /// By masks.
    pub masks: Option<Deltas>,
    /// Why not by masks.
    pub masks_left_out: Option<String>,
}

/// The differences, for all classes and for each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deltas {
    /// AP, mean over COCO's IoU thresholds.
    pub ap: Delta,
    /// AP at IoU 0.50.
    pub ap50: Delta,
    /// AP at IoU 0.75.
    pub ap75: Delta,
    /// AP of each class by rising id.
    pub classes: Vec<ClassDelta>,
}

/// The difference in the AP of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassDelta {
    /// The class.
    #[serde(flatten)]
    pub class: Class,
    /// Its AP, mean over COCO's IoU thresholds.
    #[serde(flatten)]
    pub ap: Delta,
}

/// A number of both detectors, None where there are no objects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delta {
    /// Of the first.
    pub a: Option<f64>,
    /// Of the second.
    pub b: Option<f64>,
    /// `b - a`.
    pub delta: Option<f64>,
    /// Where the difference lies; None without resamples, or where none of them had objects.
    pub interval: Option<Interval>,
}

/// An interval of the difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The share of the resamples in which `b` was better.
    pub b_better: f64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            resamples: 1000,
            seed: 0,
            confidence: 0.95,
            max_detections: 100,
            masks: MaskChoice::default(),
        }
    }
}

/// Scores two lists of results on the same ground truth and resamples the difference.
///
/// # Errors
/// Those of [`evaluate`](crate::evaluate), and a confidence that is not between 0 and 1.
pub fn compare(
    truth: &Truth,
    a: Vec<Annotation>,
    b: Vec<Annotation>,
    options: &CompareOptions,
) -> Result<Comparison, EvalError> {
    if !(options.confidence > 0.0 && options.confidence < 1.0) {
        let expected = "a number between 0 and 1, both excluded";
        return Err(EvalError::option("confidence", options.confidence, expected));
    }
    EvalOptions { max_detections: options.max_detections, ..EvalOptions::default() }.check()?;
    let a = Detections::new(a, truth, options.masks)?;
    let b = Detections::new(b, truth, options.masks)?;
    let masks_left_out = a.masks.clone().and(b.masks.clone()).err();
    let masks = match masks_left_out {
        None => Some(Deltas::of(truth, &a, &b, Geometry::Masks, options)?),
        Some(_) => None,
    };
    Ok(Comparison {
        options: *options,
        num_images: truth.dataset().images.len(),
        boxes: Deltas::of(truth, &a, &b, Geometry::Boxes, options)?,
        masks,
        masks_left_out,
    })
}

impl Comparison {
    /// Boxes, and masks where they were scored, each with its name.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &Deltas)> {
        let masks = self.masks.as_ref().map(|deltas| ("masks", deltas));
        std::iter::once(("boxes", &self.boxes)).chain(masks)
    }
}

impl Deltas {
    fn of(
        truth: &Truth,
        a: &Detections,
        b: &Detections,
        geometry: Geometry,
        options: &CompareOptions,
    ) -> Result<Self, EvalError> {
        let engine = |found| Engine::new(truth, found, geometry, options.max_detections, &[]);
        let (a, b) = (engine(a)?, engine(b)?);
        let weighted = [WeightedAp::new(truth, &a), WeightedAp::new(truth, &b)];
        let samples = resampled(&weighted, truth.dataset().images.len(), options);
        let once = vec![1; truth.dataset().images.len()];
        let [of_a, of_b] = weighted.map(|side| side.ap(&once));
        let delta = |pick: &dyn Fn(&Ap) -> Option<f64>, a: Option<f64>, b: Option<f64>| {
            let drawn = samples.iter().filter_map(|[a, b]| Some(pick(b)? - pick(a)?));
            let interval = Interval::of(drawn.collect(), options.confidence);
            Delta { a, b, delta: a.zip(b).map(|(a, b)| b - a), interval }
        };
        let of_class = |(index, class): (usize, Class)| {
            let pick = |ap: &Ap| ap.classes[index];
            ClassDelta { class, ap: delta(&pick, pick(&of_a), pick(&of_b)) }
        };
        let classes = truth.classes().into_iter().enumerate().map(of_class).collect();
        // The very numbers `evaluate` gives.
        let (a, b) = (CocoNumbers::of(&a), CocoNumbers::of(&b));
        Ok(Self {
            ap: delta(&|ap| ap.ap, a.ap, b.ap),
            ap50: delta(&|ap| ap.ap50, a.ap50, b.ap50),
            ap75: delta(&|ap| ap.ap75, a.ap75, b.ap75),
            classes,
        })
    }

    /// AP, AP50 and AP75, each with its name.
    pub fn rows(&self) -> [(&'static str, &Delta); 3] {
        [("AP", &self.ap), ("AP50", &self.ap50), ("AP75", &self.ap75)]
    }
}

/// Both detectors on each drawing of images.
fn resampled(
    [a, b]: &[WeightedAp; 2],
    num_images: usize,
    options: &CompareOptions,
) -> Vec<[Ap; 2]> {
    let sample = |number: usize| {
        let drawn = draw(num_images, options.seed, number as u64);
        [a.ap(&drawn), b.ap(&drawn)]
    };
    (0..options.resamples).into_par_iter().map(sample).collect()
}

/// How often each image was drawn. Each drawing has its own stream, so that it is the same on any
/// number of threads.
fn draw(num_images: usize, seed: u64, number: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    let mut times = vec![0; num_images];
    for _ in 0..num_images {
        times[rng.random_range(0..num_images)] += 1;
    }
    times
}

impl Interval {
    fn of(mut drawn: Vec<f64>, confidence: f64) -> Option<Self> {
        drawn.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence) / 2.0;
        let better = drawn.iter().filter(|&&delta| delta > 0.0).count();
        Some(Self {
            low: quantile(&drawn, tail)?,
            high: quantile(&drawn, 1.0 - tail)?,
            b_better: better as f64 / drawn.len() as f64,
        })
    }
}

/// Interpolated between the two values it falls between, as numpy does; None of nothing.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}
