use super::*;
use crate::evaluate;
use crate::samples::{categories, fixture, found, images, object, truth};
use hotcoco::Dataset;

/// Means over another order of summation.
const ROUNDING: f64 = 1e-12;

/// Draws in the tests that score each of them anew.
const FEW: usize = 25;

fn options(resamples: usize) -> CompareOptions {
    CompareOptions { resamples, ..CompareOptions::default() }
}

/// A fixture, its results with scores all different (equal scores of one image drawn twice have no
/// one order), and the same with every fourth detection missing.
fn two_detectors() -> (Dataset, Vec<Annotation>, Vec<Annotation>) {
    let (dataset, mut a) = fixture("crowds");
    for (index, detection) in a.iter_mut().enumerate() {
        detection.score = detection.score.map(|score| score - 1e-6 * index as f64);
    }
    let b = a.iter().enumerate().filter(|(index, _)| index % 4 > 0);
    let b = b.map(|(_, detection)| detection.clone()).collect();
    (dataset, a, b)
}

/// The data set and results with each image as often as `times` says, under new ids.
fn repeated(dataset: &Dataset, results: &[Annotation], times: &[u32]) -> (Truth, Vec<Annotation>) {
    let mut copies = Dataset { categories: dataset.categories.clone(), ..Dataset::default() };
    let mut found = Vec::new();
    for (image, &times) in dataset.images.iter().zip(times) {
        for _ in 0..times {
            let id = copies.images.len() as u64 + 1;
            copies.images.push(hotcoco::Image { id, ..image.clone() });
            let of_image = |annotation: &&Annotation| annotation.image_id == image.id;
            let moved = |annotation: &Annotation| Annotation { image_id: id, ..annotation.clone() };
            copies.annotations.extend(dataset.annotations.iter().filter(of_image).map(moved));
            found.extend(results.iter().filter(of_image).map(moved));
        }
    }
    for (id, object) in (1..).zip(&mut copies.annotations) {
        object.id = id;
    }
    (Truth::new(copies).unwrap(), found)
}

/// AP of boxes and masks, scored anew.
fn scored_anew(dataset: &Dataset, results: &[Annotation], times: &[u32]) -> [Option<f64>; 2] {
    let (truth, found) = repeated(dataset, results, times);
    let evaluation = evaluate(&truth, found, &EvalOptions::default()).unwrap();
    [evaluation.boxes.coco.ap, evaluation.masks.unwrap().coco.ap]
}

#[test]
fn weights_equal_images_drawn_again() {
    let (dataset, a, _) = two_detectors();
    let original = Truth::new(dataset.clone()).unwrap();
    let detections = Detections::new(a.clone(), &original, MaskChoice::IfPresent).unwrap();
    let once = vec![1; dataset.images.len()];
    for times in [once, draw(dataset.images.len(), 3, 0), draw(dataset.images.len(), 3, 1)] {
        let (truth, found) = repeated(&dataset, &a, &times);
        let expected = evaluate(&truth, found, &EvalOptions::default()).unwrap().boxes;
        let engine = Engine::new(&original, &detections, Geometry::Boxes, 100, &[]).unwrap();
        let ap = WeightedAp::new(&original, &engine).ap(&times);
        let close = |found: Option<f64>, expected: Option<f64>| {
            assert_eq!(found.is_some(), expected.is_some());
            let difference = found.unwrap_or(0.0) - expected.unwrap_or(0.0);
            assert!(difference.abs() < ROUNDING, "{found:?} {expected:?}");
        };
        close(ap.ap, expected.coco.ap);
        close(ap.ap50, expected.coco.ap50);
        close(ap.ap75, expected.coco.ap75);
        for (found, expected) in ap.classes.iter().zip(&expected.classes) {
            close(*found, expected.ap);
        }
    }
}

#[test]
fn the_interval_equals_brute_force() {
    let (dataset, a, b) = two_detectors();
    let truth = Truth::new(dataset.clone()).unwrap();
    let found = compare(&truth, a.clone(), b.clone(), &options(FEW)).unwrap();
    let mut deltas = [Vec::new(), Vec::new()];
    for number in 0..FEW as u64 {
        let times = draw(dataset.images.len(), 0, number);
        let of_a = scored_anew(&dataset, &a, &times);
        let of_b = scored_anew(&dataset, &b, &times);
        for (deltas, (a, b)) in deltas.iter_mut().zip(of_a.into_iter().zip(of_b)) {
            deltas.push(b.unwrap() - a.unwrap());
        }
    }
    let masks = found.masks.unwrap();
    for (found, deltas) in [found.boxes.ap, masks.ap].iter().zip(deltas) {
        let expected = Interval::of(deltas, 0.95).unwrap();
        let found = found.interval.unwrap();
        assert!((found.low - expected.low).abs() < ROUNDING, "{found:?} {expected:?}");
        assert!((found.high - expected.high).abs() < ROUNDING, "{found:?} {expected:?}");
        assert_eq!(found.b_better, expected.b_better);
        assert!(found.low < found.high);
    }
}

#[test]
fn the_numbers_are_those_of_the_evaluation() {
    let (dataset, a, b) = two_detectors();
    let truth = Truth::new(dataset).unwrap();
    let comparison = compare(&truth, a.clone(), b, &options(0)).unwrap();
    let evaluation = evaluate(&truth, a, &EvalOptions::default()).unwrap();
    assert_eq!(comparison.boxes.ap.a, evaluation.boxes.coco.ap);
    assert_eq!(comparison.boxes.ap.interval, None);
    let delta = comparison.boxes.ap;
    assert_eq!(delta.delta, Some(delta.b.unwrap() - delta.a.unwrap()));
    // Nothing is annotated as the last class.
    let unseen = comparison.boxes.classes.last().unwrap();
    assert_eq!(unseen.ap, Delta { a: None, b: None, delta: None, interval: None });
}

#[test]
fn a_detector_does_not_differ_from_itself() {
    let (dataset, a, _) = two_detectors();
    let truth = Truth::new(dataset).unwrap();
    let comparison = compare(&truth, a.clone(), a, &options(50)).unwrap();
    for (_, deltas) in comparison.sections() {
        for (_, delta) in deltas.rows() {
            assert_eq!(delta.delta, Some(0.0));
            let nothing = Interval { low: 0.0, high: 0.0, b_better: 0.0 };
            assert_eq!(delta.interval, Some(nothing));
        }
    }
}

#[test]
fn the_seed_alone_decides() {
    let (dataset, a, b) = two_detectors();
    let truth = Truth::new(dataset).unwrap();
    let with = |seed, num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        let options = CompareOptions { seed, ..options(30) };
        pool.install(|| compare(&truth, a.clone(), b.clone(), &options).unwrap().boxes)
    };
    assert_eq!(with(5, 1), with(5, 4));
    assert_ne!(with(5, 1), with(6, 1));
}

#[test]
fn draws_are_with_replacement_and_of_full_size() {
    let times = draw(1000, 1, 1);
    assert_eq!(times.iter().sum::<u32>(), 1000);
    assert!(times.iter().any(|&times| times > 1) && times.contains(&0));
    assert!(draw(0, 1, 1).is_empty());
}

#[test]
fn nothing_to_compare_is_no_difference() {
    let none = compare(&truth(vec![], vec![], vec![]), vec![], vec![], &options(10)).unwrap();
    assert_eq!(none.boxes.ap, Delta { a: None, b: None, delta: None, interval: None });
    let bbox = [0.0, 0.0, 10.0, 10.0];
    let truth = truth(images(&[1]), categories(&[1]), vec![object(1, 1, 1, bbox)]);
    let one = compare(&truth, vec![], vec![found(1, 1, bbox, 0.5)], &options(10)).unwrap();
    let interval = one.boxes.ap.interval.unwrap();
    assert_eq!((one.boxes.ap.a, interval.b_better), (Some(0.0), 1.0));
}

#[test]
fn a_percentage_is_no_confidence() {
    let truth = truth(vec![], vec![], vec![]);
    for confidence in [95.0, 0.0, 1.0, f64::NAN] {
        let options = CompareOptions { confidence, ..options(1) };
        let error = compare(&truth, vec![], vec![], &options).unwrap_err().to_string();
        assert!(error.starts_with("confidence: found "), "{error}");
    }
}

#[test]
fn quantiles_as_numpy_has_them() {
    let sorted = [1.0, 2.0, 4.0, 8.0];
    // numpy.quantile([1, 2, 4, 8], [0, 0.025, 0.5, 0.9, 1])
    for (share, expected) in [(0.0, 1.0), (0.025, 1.075), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)] {
        assert!((quantile(&sorted, share).unwrap() - expected).abs() < ROUNDING, "{share}");
    }
    assert_eq!(quantile(&[], 0.5), None);
}
