//! The four published detectors at full width on two small pictures of different aspect.

use crate::compare::{self, STAGE, report, slices};
use crate::fixture::Fixture;
use crate::formula;
use crate::stages::{Parts, Stages};
use kestrel_core::Mask;
use kestrel_layers::NormConfig;
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
}

/// A twentieth of what is asked for. Deltas that differ in their sixth digit move the side of a box
/// of 300 px by a thousandth; scores come from a softmax of such logits.
const SMALL: Tolerances = Tolerances { stage: STAGE, box_px: 2.5e-3, score: 5e-5 };

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
            parts.detector().prepare();
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
    let stages = Stages::run(parts, architecture, &images);
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

fn compare_proposals(name: &str, stages: &Stages, fixture: &Fixture, allowed: &Tolerances) {
    let (mut worst_box, mut worst_score) = (0.0, 0.0);
    for (image, proposals) in stages.proposals.iter().enumerate() {
        let key = |what: &str| format!("proposals.image{image}.{what}");
        let expected = fixture.floats(&key("boxes"));
        let found: Vec<f32> =
            proposals.boxes_in_resized.iter().flat_map(|&bbox| <[f32; 4]>::from(bbox)).collect();
        worst_box =
            absolute(&format!("{name}: {}", key("boxes")), &found, &expected, allowed.box_px)
                .max(worst_box);
        let expected = fixture.floats(&key("scores"));
        let label = format!("{name}: {}", key("scores"));
        worst_score =
            absolute(&label, &proposals.scores, &expected, allowed.score).max(worst_score);
    }
    report(name, "proposals.boxes", worst_box, "px");
    report(name, "proposals.scores", worst_score, "");
}

fn compare_detections(name: &str, stages: &Stages, fixture: &Fixture, allowed: &Tolerances) {
    let (mut worst_box, mut worst_score) = (0.0, 0.0);
    for (image, detections) in stages.detections.iter().enumerate() {
        let key = |what: &str| format!("detections.image{image}.{what}");
        let label = |what: &str| format!("{name}: {}", key(what));
        let objects = &detections.objects;
        let labels: Vec<i64> = objects.iter().map(|object| i64::from(object.label.0)).collect();
        assert_eq!(labels, fixture.integers(&key("labels")), "{}", label("labels"));
        let boxes: Vec<f32> =
            objects.iter().flat_map(|object| <[f32; 4]>::from(object.bbox)).collect();
        let expected = fixture.floats(&key("boxes_in_original"));
        worst_box = absolute(&label("boxes"), &boxes, &expected, allowed.box_px).max(worst_box);
        let scores: Vec<f32> = objects.iter().map(|object| object.score).collect();
        let expected = fixture.floats(&key("scores"));
        worst_score =
            absolute(&label("scores"), &scores, &expected, allowed.score).max(worst_score);
    }
    report(name, "detections.boxes", worst_box, "px");
    report(name, "detections.scores", worst_score, "");
}

/// Every pixel has to agree but those torchvision itself is undecided about.
fn compare_masks(name: &str, stages: &Stages, fixture: &Fixture) {
    let rle = fixture.metadata("mask_rle");
    let mut worst = 0;
    for (image, detections) in stages.detections.iter().enumerate() {
        let undecided = fixture.integers(&format!("mask.image{image}.undecided"));
        for (place, object) in detections.objects.iter().enumerate() {
            let counts = rle[image][place].as_str().unwrap();
            let expected = Mask::from_coco_string(detections.image_size, counts).unwrap();
            let found = object.mask.as_ref().unwrap();
            let different = differing_pixels(found, &expected);
            assert!(
                different <= undecided[place] as usize,
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

/// The worst difference, which has to be within `tolerance`.
fn absolute(stage: &str, found: &[f32], expected: &[f32], tolerance: f64) -> f64 {
    let largest =
        expected.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    slices(stage, found, expected, tolerance / f64::from(largest)) * f64::from(largest)
}
