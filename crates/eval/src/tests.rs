//! Evaluations checked by hand, and the empty cases. Equality with pycocotools:
//! `tests/pycocotools.rs`.

use crate::samples::{
    as_json, categories, dataset, fixture, found, images, object, truth, with_mask,
};
use crate::{EvalError, EvalOptions, Evaluation, MaskChoice, TideKind, Truth, evaluate};
use hotcoco::Annotation;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Sums of a few numbers below 1.
const ROUNDING: f64 = 1e-12;

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < ROUNDING, "{found} {expected}");
}

fn evaluated(truth: &Truth, results: Vec<Annotation>) -> Evaluation {
    evaluate(truth, results, &EvalOptions::default()).unwrap()
}

fn from_fixture(name: &str) -> Evaluation {
    let (dataset, results) = fixture(name);
    evaluated(&Truth::new(dataset).unwrap(), results)
}

/// Two classes: an `a` taken for a `b`, a `b` not found, a crowd of `a`.
fn mixed_up() -> (Truth, Vec<Annotation>) {
    let crowd = Annotation { iscrowd: true, ..object(3, 1, 1, [70.0, 0.0, 20.0, 20.0]) };
    let objects = vec![
        object(1, 1, 1, [0.0, 0.0, 10.0, 10.0]),
        object(2, 1, 4, [50.0, 50.0, 10.0, 10.0]),
        crowd,
        object(4, 2, 1, [0.0, 0.0, 10.0, 10.0]),
    ];
    let results = vec![
        found(1, 4, [0.0, 0.0, 10.0, 10.0], 0.9),
        // On the crowd: passed over. The other class is not.
        found(1, 1, [72.0, 2.0, 5.0, 5.0], 0.8),
        found(1, 4, [72.0, 2.0, 5.0, 5.0], 0.7),
        found(1, 1, [30.0, 70.0, 9.0, 9.0], 0.3),
        found(2, 1, [0.0, 0.0, 10.0, 9.0], 0.6),
    ];
    (truth(images(&[1, 2, 3]), categories(&[1, 4]), objects), results)
}

#[test]
fn confusion_by_hand() {
    let (truth, results) = mixed_up();
    let options = EvalOptions { score_threshold: Some(0.5), ..EvalOptions::default() };
    let confusion = evaluate(&truth, results, &options).unwrap().boxes.confusion;
    assert_eq!(confusion.names, ["a", "b", "background"]);
    assert_eq!(confusion.counts, [[1, 1, 0], [0, 0, 1], [0, 1, 0]]);
}

#[test]
fn images_by_hand() {
    let (truth, results) = mixed_up();
    let options = EvalOptions { score_threshold: Some(0.5), ..EvalOptions::default() };
    let evaluation = evaluate(&truth, results, &options).unwrap();
    let counts = |image: &crate::ImageScore| {
        (image.image_id, image.true_positives, image.false_positives, image.false_negatives)
    };
    let images: Vec<_> = evaluation.boxes.images.iter().map(counts).collect();
    assert_eq!(images, [(1, 0, 2, 2), (2, 1, 0, 0), (3, 0, 0, 0)]);
    assert_eq!(evaluation.boxes.images[2].f1, 1.0);
    let worst: Vec<_> = evaluation.worst_images(5).iter().map(|image| image.image_id).collect();
    assert_eq!(worst, [1]);
    assert!(evaluation.worst_images(0).is_empty());
}

#[test]
fn tide_by_hand() {
    let objects = vec![
        object(1, 1, 1, [0.0, 0.0, 10.0, 10.0]),
        object(2, 1, 4, [50.0, 50.0, 10.0, 10.0]),
        object(3, 2, 4, [50.0, 50.0, 10.0, 10.0]),
    ];
    let truth = truth(images(&[1, 2]), categories(&[1, 4]), objects);
    let results = vec![
        found(1, 1, [80.0, 0.0, 10.0, 10.0], 0.95),
        found(1, 1, [0.0, 0.0, 10.0, 10.0], 0.9),
        found(1, 1, [0.0, 0.0, 10.0, 9.0], 0.8),
        // IoU 0.4 with the right class.
        found(1, 4, [50.0, 50.0, 10.0, 4.0], 0.7),
        // The place of an object of the other class, well and poorly.
        found(1, 1, [50.0, 50.0, 10.0, 10.0], 0.6),
        found(1, 1, [50.0, 50.0, 10.0, 4.0], 0.5),
    ];
    let tide = evaluated(&truth, results).boxes.tide.unwrap();
    let counts: Vec<u64> = tide.errors.iter().map(|error| error.count).collect();
    // Cls, Loc, Both, Dupe, Bkg, Miss, FP, FN.
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 5, 2]);
    // Class a is found at precision 1/2, class b not at all.
    close(Some(tide.ap), 0.25);
    let gain =
        |kind| tide.errors.iter().find(|error| error.kind == kind).map(|error| error.delta_ap);
    // Without the background detection class a is perfect.
    close(gain(TideKind::Background), 0.25);
    close(gain(TideKind::FalsePositive), 0.25);
    close(gain(TideKind::Duplicate), 0.0);
    // Mended, the poor location finds one of the two b: precision 1 at the recalls 0 to 0.5.
    close(gain(TideKind::Location), 51.0 / 101.0 / 2.0);
}

#[test]
fn calibration_by_hand() {
    let objects =
        vec![object(1, 1, 1, [0.0, 0.0, 10.0, 10.0]), object(2, 1, 1, [50.0, 50.0, 10.0, 10.0])];
    let truth = truth(images(&[1]), categories(&[1]), objects);
    let results = vec![
        found(1, 1, [0.0, 0.0, 10.0, 10.0], 0.9),
        found(1, 1, [80.0, 0.0, 10.0, 10.0], 0.7),
        found(1, 1, [50.0, 50.0, 10.0, 10.0], 0.4),
    ];
    let options = EvalOptions { calibration_bins: 2, ..EvalOptions::default() };
    let calibration =
        evaluate(&truth, results.clone(), &options).unwrap().boxes.calibration.unwrap();
    // Below a half: score 0.4, all hits. Above: mean score 0.8, half of them hits.
    let shares: Vec<_> = calibration.bins.iter().map(|bin| bin.hit_share.unwrap()).collect();
    assert_eq!(shares, [1.0, 0.5]);
    close(Some(calibration.expected_error), (0.6 + 2.0 * 0.3) / 3.0);
    close(Some(calibration.largest_error), 0.6);
    let logit = [results, vec![found(1, 1, [0.0; 4], 2.5)]].concat();
    assert_eq!(evaluate(&truth, logit, &options).unwrap().boxes.calibration, None);
}

#[test]
fn voc_by_hand() {
    let square = |x: f64| [x, 0.0, 10.0, 10.0];
    let mut objects: Vec<Annotation> =
        (1..).zip([0.0, 20.0, 40.0, 60.0]).map(|(id, x)| object(id, 1, 1, square(x))).collect();
    objects.push(object(5, 1, 1, square(80.0)));
    objects.push(Annotation { iscrowd: true, ..object(6, 2, 1, [0.0, 0.0, 50.0, 50.0]) });
    let truth = truth(images(&[1, 2]), categories(&[1, 4]), objects);
    let results = vec![
        found(1, 1, square(0.0), 0.9),
        found(1, 1, square(80.0), 0.85),
        found(2, 1, [10.0, 10.0, 5.0, 5.0], 0.84),
        found(1, 1, [14.0, 50.0, 10.0, 10.0], 0.8),
        found(1, 1, square(1.0), 0.7),
        found(1, 1, square(21.0), 0.6),
    ];
    let difficult = BTreeSet::from([5]);
    let options = EvalOptions { difficult, ..EvalOptions::default() };
    let voc = evaluate(&truth, results, &options).unwrap().voc;
    // Hit, false positive, second detection, hit, of four: precision 1 at recall 1/4, 1/2 at 2/4.
    assert_eq!((voc.num_difficult, voc.classes[0].num_objects), (1, 4));
    close(voc.classes[0].ap_area, 0.25 + 0.25 * 0.5);
    close(voc.classes[0].ap_11_points, (3.0 + 3.0 * 0.5) / 11.0);
    assert_eq!((voc.classes[1].ap_area, voc.classes[1].ap_11_points), (None, None));
    close(voc.mean_ap_area, 0.375);
}

#[test]
fn voc_takes_the_best_object_also_when_taken() {
    let objects =
        vec![object(1, 1, 1, [0.0, 0.0, 10.0, 10.0]), object(2, 1, 1, [3.0, 0.0, 10.0, 10.0])];
    let truth = truth(images(&[1]), categories(&[1]), objects);
    let results =
        vec![found(1, 1, [0.0, 0.0, 10.0, 10.0], 0.9), found(1, 1, [1.0, 0.0, 10.0, 10.0], 0.8)];
    let evaluation = evaluated(&truth, results);
    close(evaluation.voc.mean_ap_area, 0.5);
    close(evaluation.boxes.coco.ap50, 1.0);
}

#[test]
fn every_part_tells_the_same_story() {
    let evaluation = from_fixture("crowds");
    for (_, scores) in evaluation.sections() {
        let best = scores.f1.overall.as_ref().unwrap().best.unwrap();
        assert_eq!(scores.score_threshold, best.threshold);
        let sum =
            |count: fn(&crate::ImageScore) -> usize| scores.images.iter().map(count).sum::<usize>();
        let hits = sum(|image| image.true_positives);
        let errors = sum(crate::ImageScore::num_errors);
        close(Some(best.f1), 2.0 * hits as f64 / (2 * hits + errors) as f64);
        let objects: usize = scores.classes.iter().map(|class| class.num_objects).sum();
        assert_eq!(objects, evaluation.counts.objects);
        let rows = scores.confusion.counts.split_last().unwrap().1;
        assert_eq!(rows.iter().flatten().sum::<u64>(), objects as u64);
        let curves = &scores.precision_recall;
        for (curve, ap) in curves.iter().zip([scores.coco.ap50, scores.coco.ap75]) {
            close(ap, curve.mean.as_ref().unwrap().iter().sum::<f64>() / 101.0);
        }
        let tide = scores.tide.as_ref().unwrap();
        close(scores.coco.ap50, tide.ap);
    }
}

#[test]
fn threads_change_nothing() {
    let with_threads = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        pool.install(|| as_json(&from_fixture("many")).to_string())
    };
    assert_eq!(with_threads(1), with_threads(4));
}

#[test]
fn nothing_at_all_is_an_evaluation() {
    let object = object(1, 7, 1, [0.0, 0.0, 10.0, 10.0]);
    let detection = || vec![found(7, 1, [0.0, 0.0, 10.0, 10.0], 0.5)];
    let no_images = truth(vec![], vec![], vec![]);
    let no_objects = truth(images(&[7]), categories(&[1]), vec![]);
    let one_object = truth(images(&[7]), categories(&[1]), vec![object]);
    for (truth, results, ap) in [
        (&no_images, vec![], None),
        (&no_objects, vec![], None),
        (&no_objects, detection(), None),
        (&one_object, vec![], Some(0.0)),
        (&one_object, detection(), Some(1.0)),
    ] {
        let evaluation = evaluated(truth, results);
        match ap {
            None => assert_eq!(evaluation.boxes.coco.ap, None),
            Some(ap) => close(evaluation.boxes.coco.ap, ap),
        }
        let json = as_json(&evaluation);
        assert_eq!(json["boxes"]["coco"]["ap"].is_null(), ap.is_none());
        assert_eq!(json["boxes"]["coco"]["ap_large"], serde_json::Value::Null);
        assert_eq!(evaluation.masks, None);
        let page = crate::html(&evaluation, &crate::ReportExtras::default()).unwrap();
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }
}

#[test]
fn masks_are_scored_where_both_sides_have_them() {
    let bbox = [0.0, 0.0, 10.0, 10.0];
    let with = truth(images(&[7]), categories(&[1]), vec![with_mask(object(5, 7, 1, bbox))]);
    let without = truth(images(&[7]), categories(&[1]), vec![object(5, 7, 1, bbox)]);
    let plain = found(7, 1, bbox, 0.5);
    let left_out =
        |truth: &Truth, detection: Annotation| evaluated(truth, vec![detection]).masks_left_out;
    assert_eq!(left_out(&with, with_mask(plain.clone())), None);
    assert_eq!(left_out(&without, plain.clone()).unwrap(), "object 5 has no mask");
    let reason = left_out(&with, plain.clone()).unwrap();
    assert_eq!(reason, "1 of the 1 detections have no mask");
    let options = |masks| EvalOptions { masks, ..EvalOptions::default() };
    let always = |results| evaluate(&with, results, &options(MaskChoice::Always));
    let error = always(vec![plain.clone()]).unwrap_err().to_string();
    assert!(error.contains("1 of the 1 detections have no mask"), "{error}");
    close(always(vec![]).unwrap().masks.unwrap().coco.ap, 0.0);
    let never = evaluate(&with, vec![with_mask(plain)], &options(MaskChoice::Never)).unwrap();
    assert_eq!(never.masks, None);
}

#[test]
fn an_ambiguous_ground_truth_is_refused() {
    let bbox = [0.0, 0.0, 1.0, 1.0];
    let message = |images: &[u64], categories: &[u64], objects: Vec<Annotation>| {
        let dataset = dataset(
            crate::samples::images(images),
            crate::samples::categories(categories),
            objects,
        );
        match Truth::new(dataset) {
            Err(error @ EvalError::Truth { .. }) => error.to_string(),
            _ => String::new(),
        }
    };
    let twice = message(&[1, 2, 1], &[1], vec![]);
    assert!(twice.contains("images that share the ids 1, expected"), "{twice}");
    assert!(message(&[1], &[3, 3], vec![]).contains("classes that share the ids 3"));
    let objects = vec![object(4, 1, 1, bbox), object(4, 1, 1, bbox)];
    assert!(message(&[1], &[1], objects).contains("objects that share the ids 4"));
    let nan = object(4, 1, 1, [0.0, f64::NAN, 1.0, 1.0]);
    assert!(message(&[1], &[1], vec![nan]).contains("object 4: found the box"));
    let none = Annotation { bbox: None, ..object(4, 1, 1, bbox) };
    assert!(message(&[1], &[1], vec![none]).contains("object 4: found no box"));
}

#[test]
fn fewer_detections_can_be_counted() {
    let objects =
        vec![object(1, 1, 1, [0.0, 0.0, 10.0, 10.0]), object(2, 1, 1, [50.0, 50.0, 10.0, 10.0])];
    let truth = truth(images(&[1]), categories(&[1]), objects);
    let results =
        vec![found(1, 1, [0.0, 0.0, 10.0, 10.0], 0.9), found(1, 1, [50.0, 50.0, 10.0, 10.0], 0.8)];
    let options = EvalOptions { max_detections: 1, ..EvalOptions::default() };
    let boxes = evaluate(&truth, results, &options).unwrap().boxes;
    close(boxes.coco.ar_max, 0.5);
    close(boxes.coco.ap50, 51.0 / 101.0);
    assert_eq!(boxes.classes[0].num_detections, 1);
}

/// From ordinary to absurd.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..100.0,
        -10.0..10.0,
        Just(0.0),
        Just(-0.0),
        Just(1e300),
        Just(-1e300),
        Just(1e-320)
    ]
}

fn any_box() -> impl Strategy<Value = [f64; 4]> {
    [any_number(), any_number(), any_number(), any_number()]
}

proptest! {
    #[test]
    fn any_numbers_are_evaluated(
        objects in proptest::collection::vec((1u64..4, 1u64..3, any_box(), any::<bool>()), 0..6),
        detections in proptest::collection::vec((1u64..4, 1u64..3, any_box(), any_number()), 0..9),
    ) {
        let object = |(id, (image, class, bbox, iscrowd)): (u64, (u64, u64, [f64; 4], bool))| {
            Annotation { iscrowd, ..object(id, image, class, bbox) }
        };
        let objects = (1..).zip(objects).map(object).collect();
        let truth = truth(images(&[1, 2, 3]), categories(&[1, 2]), objects);
        let results: Vec<Annotation> =
            detections.into_iter().map(|(image, class, bbox, score)| found(image, class, bbox, score)).collect();
        let evaluation = evaluated(&truth, results);
        let in_range = |value: Option<f64>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
        prop_assert!(evaluation.boxes.rows().iter().all(|row| in_range(row.value)));
        prop_assert!(in_range(evaluation.voc.mean_ap_area) && in_range(evaluation.voc.mean_ap_11_points));
        prop_assert!(evaluation.boxes.images.iter().all(|image| in_range(Some(image.f1))));
        let page = crate::html(&evaluation, &crate::ReportExtras::default()).unwrap();
        prop_assert!(!page.contains("NaN") && !page.contains("inf"));
    }
}
