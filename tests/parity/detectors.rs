//! The four published detectors at full width on two small pictures of different aspect.

use crate::compare::{self, STAGE, report};
use crate::fixture::Fixture;
use crate::formula;
use crate::stages::{Parts, Reference, Stages};
use kestrel_core::{BBox, Detections, Mask};
use kestrel_layers::{NormConfig, Preparation};
use kestrel_rcnn::{Architecture, Preset, ProposalCounts};
use tch::nn::VarStore;
use tch::{Device, Tensor};

/// How far each kind of number may be off.
pub struct Tolerances {
    /// Of a stage, over its largest value.
    pub stage: f64,
    /// Of a box, in pixels.
    pub box_px: f64,
    /// Of a score.
    pub score: f64,
    /// Proposals of the batch that may differ.
    pub other_proposals: usize,
}

/// A twentieth of what is asked for. Deltas that differ in their sixth digit move the side of a box
/// of 300 px by a thousandth; scores come from a softmax of such logits.
const SMALL: Tolerances =
    Tolerances { stage: STAGE, box_px: 2.5e-3, score: 5e-5, other_proposals: 0 };

/// The settings `make_fixtures.py` uses, with the norm of the published weights.
fn architecture(preset: Preset) -> Architecture {
    let mut architecture = preset.architecture();
    architecture.resize.min_size = 224;
    architecture.resize.max_size = 288;
    architecture.rpn.detect = ProposalCounts { before_nms_per_level: 60, after_nms: 100 };
    architecture.box_branch.max_detections = 50;
    if matches!(preset, Preset::FasterRcnnResNet50Fpn | Preset::MaskRcnnResNet50Fpn) {
        architecture.backbone.norm = NormConfig::Frozen { eps: 0.0 };
    }
    architecture
}

#[test]
fn every_stage_of_every_published_detector() {
    for preset in Preset::ALL {
        let fixture = Fixture::named(&format!("detector_{}", preset.name()));
        let architecture = architecture(preset);
        let store = VarStore::new(Device::Cpu);
        let mut parts = Parts::build(&store, &architecture);
        formula::fill(&store);
        for state in ["as loaded", "prepared"] {
            let name = format!("{} {state}", preset.name());
            compare_all(&name, &mut parts, &architecture, &fixture, &SMALL);
            parts.detector().prepare(Preparation::default());
        }
    }
}

/// Every stage for the two images of a fixture.
pub fn compare_all(
    name: &str,
    parts: &mut Parts,
    architecture: &Architecture,
    fixture: &Fixture,
    tolerances: &Tolerances,
) {
    let images = [0, 1].map(|image| fixture.image(&format!("input.image{image}")));
    let proposals = [0, 1].map(|image| fixture.boxes(&format!("proposals.image{image}.boxes")));
    let found =
        [0, 1].map(|image| fixture.boxes(&format!("detections.image{image}.boxes_in_resized")));
    let reference = Reference { proposals: &proposals, found: &found };
    let stages = Stages::run(parts, architecture, &images, &reference);
    let check = |key: &str, found: &Tensor| {
        compare::stage(name, key, found, fixture, tolerances.stage);
    };
    let sizes = stages.batch.resized.iter().flat_map(|size| [size.height, size.width]);
    let sizes: Vec<i64> = sizes.map(|side| side as i64).collect();
    assert_eq!(sizes, fixture.integers("transform.sizes"), "{name}: transform.sizes");
    check("transform.pixels", &stages.batch.pixels);
    for (stage, map) in ["c2", "c3", "c4", "c5"].into_iter().zip(&stages.body) {
        check(&format!("body.{stage}"), map);
    }
    for (stage, map) in ["p2", "p3", "p4", "p5", "p6"].into_iter().zip(&stages.pyramid) {
        check(&format!("pyramid.{stage}"), map);
    }
    compare_anchors(name, &stages, fixture);
    check("rpn.objectness", &Tensor::cat(&stages.rpn.logits, 1));
    check("rpn.deltas", &Tensor::cat(&stages.rpn.deltas, 1));
    compare_proposals(name, &stages, fixture, tolerances);
    check("box.pooled", &stages.box_crops);
    check("box.class_logits", &stages.class_logits);
    check("box.deltas", &stages.box_deltas);
    if let Some(logits) = &stages.mask_logits {
        check("mask.logits", logits);
    }
    compare_detections(name, &stages, fixture, tolerances);
    if stages.mask_logits.is_some() {
        compare_masks(name, &stages, fixture);
    }
}

fn compare_anchors(name: &str, stages: &Stages, fixture: &Fixture) {
    for (level, anchors) in stages.rpn.anchors.levels().iter().enumerate() {
        let corners: Vec<f32> =
            (0..anchors.len()).flat_map(|index| <[f32; 4]>::from(anchors.get(index))).collect();
        // Whole numbers: nothing to round, but the norm is a root.
        let anchors = Tensor::from_slice(&corners).view([-1, 4]);
        compare::stage(name, &format!("anchors.level{level}"), &anchors, fixture, 1e-12);
    }
}

/// Each of the reference's proposals beside the closest of ours. Two whose scores agree in seven
/// digits may have changed places, and with a thousand of them a suppression may fall otherwise.
fn compare_proposals(name: &str, stages: &Stages, fixture: &Fixture, allowed: &Tolerances) {
    let (mut worst_box, mut worst_score, mut others) = (0.0f64, 0.0f64, 0);
    for (image, found) in stages.proposals.iter().enumerate() {
        let key = |what: &str| format!("proposals.image{image}.{what}");
        let expected = fixture.boxes(&key("boxes"));
        assert_eq!(found.boxes_in_resized.len(), expected.len(), "{name}: {}", key("boxes"));
        for (bbox, score) in expected.iter().zip(fixture.floats(&key("scores"))) {
            let distances = found.boxes_in_resized.iter().map(|ours| corner_distance(ours, bbox));
            let closest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            let Some((place, distance)) = closest else { continue };
            if distance <= allowed.box_px {
                worst_box = worst_box.max(distance);
                worst_score = worst_score.max(f64::from((found.scores[place] - score).abs()));
            } else {
                others += 1;
            }
        }
    }
    assert!(worst_score <= allowed.score, "{name}: proposal scores are {worst_score:.1e} off");
    assert!(others <= allowed.other_proposals, "{name}: {others} other proposals");
    report(name, "proposals.boxes", worst_box, "px");
    report(name, "proposals.scores", worst_score, "");
    report(name, "proposals chosen otherwise", others as f64, "");
}

fn corner_distance(a: &BBox, b: &BBox) -> f64 {
    let corners = <[f32; 4]>::from(*a).into_iter().zip(<[f32; 4]>::from(*b));
    corners.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}

/// For each of the reference's detections the place of ours: of the same label, the closest. Equal
/// scores may have changed places.
fn partners(found: &Detections, boxes: &[BBox], labels: &[i64]) -> Vec<usize> {
    assert_eq!(found.objects.len(), boxes.len(), "number of detections");
    let partner = |(bbox, &label): (&BBox, &i64)| {
        let same = |place: &usize| i64::from(found.objects[*place].label.0) == label;
        let distance = |place: &usize| corner_distance(&found.objects[*place].bbox, bbox);
        let closest = (0..found.objects.len())
            .filter(same)
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        closest.unwrap_or_else(|| panic!("no detection of label {label}"))
    };
    boxes.iter().zip(labels).map(partner).collect()
}

fn compare_detections(name: &str, stages: &Stages, fixture: &Fixture, allowed: &Tolerances) {
    let (mut worst_box, mut worst_score, mut count) = (0.0f64, 0.0f64, 0);
    for (image, found) in stages.detections.iter().enumerate() {
        let key = |what: &str| format!("detections.image{image}.{what}");
        let boxes = fixture.boxes(&key("boxes_in_original"));
        let partners = partners(found, &boxes, &fixture.integers(&key("labels")));
        let scores = fixture.floats(&key("scores"));
        for ((place, bbox), score) in partners.into_iter().zip(&boxes).zip(scores) {
            let ours = &found.objects[place];
            worst_box = worst_box.max(corner_distance(&ours.bbox, bbox));
            worst_score = worst_score.max(f64::from((ours.score - score).abs()));
        }
        count += boxes.len();
    }
    assert!(worst_box <= allowed.box_px, "{name}: boxes are {worst_box:.1e} px off");
    assert!(worst_score <= allowed.score, "{name}: scores are {worst_score:.1e} off");
    report(name, &format!("{count} detections, boxes"), worst_box, "px");
    report(name, &format!("{count} detections, scores"), worst_score, "");
}

/// Pixels of a mask that may differ, however many torchvision is undecided about: in 200 masks of full
/// size one pixel of one does.
const MOST_PIXELS: usize = 1;

/// Every pixel has to agree but those torchvision itself is undecided about.
fn compare_masks(name: &str, stages: &Stages, fixture: &Fixture) {
    let rle = fixture.metadata("mask_rle");
    let mut worst = 0;
    for (image, found) in stages.detections.iter().enumerate() {
        let key = |what: &str| format!("detections.image{image}.{what}");
        let boxes = fixture.boxes(&key("boxes_in_original"));
        let partners = partners(found, &boxes, &fixture.integers(&key("labels")));
        let undecided = fixture.integers(&format!("mask.image{image}.undecided"));
        for (place, ours) in partners.into_iter().enumerate() {
            let counts = rle[image][place].as_str().unwrap();
            let expected = Mask::from_coco_string(found.image_size, counts).unwrap();
            let different = differing_pixels(found.objects[ours].mask.as_ref().unwrap(), &expected);
            assert!(
                different <= MOST_PIXELS.min(undecided[place] as usize),
                "{name}: mask {place} of image {image} differs in {different} pixels"
            );
            worst = worst.max(different);
        }
    }
    report(name, "masks", worst as f64, "pixels");
}

fn differing_pixels(a: &Mask, b: &Mask) -> usize {
    let pixels = |mask: &Mask| -> std::collections::BTreeSet<(usize, usize)> {
        let run = |(x, from, to)| (from..to).map(move |y| (x, y));
        mask.column_runs().flat_map(run).collect()
    };
    pixels(a).symmetric_difference(&pixels(b)).count()
}
