//! Weights into variables.

use crate::{filled, values, variables};
use kestrel_weights::{LoadReport, Strictness, WeightsError, load};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

fn clones(variables: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    variables.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
}

/// The report of a strict load that fails.
fn refused(model: &[(&str, &[i64])], file: &[(&str, &[i64])]) -> LoadReport {
    fn zeros<'a>(shapes: &[(&'a str, &'a [i64])]) -> Vec<(&'a str, &'a [i64], f64)> {
        shapes.iter().map(|&(name, shape)| (name, shape, 0.0)).collect()
    }
    match load(variables(&zeros(model)), &filled(&zeros(file)), Strictness::Strict) {
        Err(WeightsError::Mismatch { report, .. }) => *report,
        other => panic!("expected a mismatch, found {other:?}"),
    }
}

#[test]
fn numbers_reach_the_variables_and_their_type_stays() {
    let model = BTreeMap::from([
        ("float".to_owned(), Tensor::zeros([2], (Kind::Float, tch::Device::Cpu))),
        ("double".to_owned(), Tensor::zeros([2], (Kind::Double, tch::Device::Cpu))),
    ]);
    let trained = model["float"].set_requires_grad(true);
    let half = Tensor::from_slice(&[0.5f32, -2.0]).to_kind(Kind::Half);
    let file = ["float", "double"].map(|name| (name.to_owned(), half.shallow_clone()));
    let weights = kestrel_weights::StateDict::from_tensors(file, BTreeMap::new()).unwrap();
    let report = load(clones(&model), &weights, Strictness::Strict).unwrap();
    assert_eq!(report.loaded, ["double", "float"]);
    for (name, kind) in [("float", Kind::Float), ("double", Kind::Double)] {
        assert_eq!(model[name].kind(), kind);
        assert_eq!(values(&model[name].detach()), [0.5, -2.0]);
    }
    assert!(trained.requires_grad() && trained.is_leaf());
}

#[test]
fn a_strict_load_that_fails_changes_nothing() {
    let model = variables(&[("a", &[2], 1.0), ("b", &[2], 1.0), ("c", &[1, 2], 1.0)]);
    let weights = filled(&[("a", &[2], 5.0), ("c", &[2], 5.0), ("x", &[2], 5.0)]);
    let error = load(clones(&model), &weights, Strictness::Strict).unwrap_err();
    let text = "the weights in `memory` do not fit the model, nothing was loaded: 1 of the \
                model's 3 tensors fit\n  missing in the file (1): b\n  unknown to the model (1): \
                x\n  of another shape (1): c [2], expected [1, 2]";
    assert_eq!(error.to_string(), text);
    assert!(model.values().all(|variable| values(variable) == [1.0, 1.0]));
}

#[test]
fn a_partial_load_takes_what_fits() {
    let model = variables(&[("a", &[2], 1.0), ("b", &[2], 1.0), ("c", &[1, 2], 1.0)]);
    let weights = filled(&[("a", &[2], 5.0), ("c", &[2], 5.0), ("x", &[2], 5.0)]);
    let report = load(clones(&model), &weights, Strictness::Partial).unwrap();
    assert_eq!((&report.loaded[..], &report.missing[..]), (&["a".into()][..], &["b".into()][..]));
    assert_eq!(values(&model["a"]), [5.0, 5.0]);
    assert_eq!(values(&model["c"]), [1.0, 1.0]);
}

#[test]
fn that_nothing_fits_is_always_an_error() {
    for weights in [filled(&[("x", &[2], 0.0)]), filled(&[])] {
        let error = load(variables(&[("a", &[2], 0.0)]), &weights, Strictness::Partial);
        assert!(matches!(error, Err(WeightsError::NothingFits { .. })));
    }
    assert!(load(BTreeMap::new(), &filled(&[]), Strictness::Strict).unwrap().is_complete());
}

#[test]
fn another_number_of_classes_is_explained() {
    let report = refused(
        &[
            ("roi_heads.box_predictor.bbox_pred.bias", &[12]),
            ("roi_heads.box_predictor.cls_score.bias", &[3]),
            ("roi_heads.box_predictor.cls_score.weight", &[3, 8]),
        ],
        &[
            ("roi_heads.box_predictor.bbox_pred.bias", &[364]),
            ("roi_heads.box_predictor.cls_score.bias", &[91]),
            ("roi_heads.box_predictor.cls_score.weight", &[91, 8]),
        ],
    );
    let advice = "the file was trained for 91 classes (background included), the model has 3: \
                  give the model as many as the file, or load partially to fine-tune, with new \
                  class layers";
    assert_eq!(report.advice, [advice]);
    assert_eq!(report.mis_shaped.len(), 3);
    let report = refused(&[("fc.bias", &[10])], &[("fc.bias", &[1000])]);
    assert!(
        report.advice[0].starts_with("the file was trained for 1000 classes, the model has 10")
    );
    let alone = "roi_heads.box_predictor.bbox_pred.bias";
    let report = refused(&[(alone, &[8])], &[(alone, &[364])]);
    assert!(report.advice[0].contains("91 classes (background included), the model has 2"));
}

const RESNET: [(&str, &[i64]); 2] = [("layer1.0.conv1.weight", &[4]), ("fc.bias", &[2])];
const FASTER: [(&str, &[i64]); 2] =
    [("backbone.body.layer1.0.conv1.weight", &[4]), ("roi_heads.box_head.fc6.bias", &[2])];
const MASK: [(&str, &[i64]); 3] = [
    ("backbone.body.layer1.0.conv1.weight", &[4]),
    ("roi_heads.box_head.fc6.bias", &[2]),
    ("roi_heads.mask_head.0.0.bias", &[2]),
];

#[test]
fn a_file_of_another_family_is_recognised() {
    let sentence = |model: &[_], file: &[_]| refused(model, file).advice.join(" ");
    assert_eq!(
        sentence(&FASTER, &RESNET),
        "the file seems to be a ResNet classifier, the model is a Faster R-CNN: a detector keeps \
         it under `backbone.body.`: load it as the detector's backbone"
    );
    assert!(sentence(&RESNET, &MASK).contains("to be a Mask R-CNN, the model is a ResNet"));
    assert!(sentence(&MASK, &FASTER).contains("to be a Faster R-CNN, the model is a Mask R-CNN"));
    assert!(sentence(&FASTER, &MASK).contains("leave the mask branch out"));
    for (name, what) in [
        ("roi_heads.keypoint_head.0.weight", "a Keypoint R-CNN"),
        ("head.classification_head.conv.0.0.weight", "a one-stage detector (RetinaNet"),
        ("backbone.body.0.0.weight", "a detector on a MobileNet"),
        ("backbone.bottom_up.stem.conv1.weight", "a detectron2 model"),
    ] {
        let found = sentence(&FASTER, &[(name, &[1])]);
        assert!(found.contains(&format!("the file seems to be {what}")), "{found}");
    }
}

#[test]
fn another_backbone_or_version_is_recognised() {
    let basic = |stages: [usize; 4], bottleneck: bool| -> Vec<(String, Vec<i64>)> {
        let conv = if bottleneck { "conv3" } else { "conv2" };
        let stage = |(stage, blocks): (usize, usize)| {
            (0..blocks)
                .map(move |block| (format!("layer{}.{block}.{conv}.weight", stage + 1), vec![1]))
        };
        stages.into_iter().enumerate().flat_map(stage).collect()
    };
    fn borrowed(owned: &[(String, Vec<i64>)]) -> Vec<(&str, &[i64])> {
        owned.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect()
    }
    let (file, model) = (basic([3, 4, 6, 3], true), basic([2, 2, 2, 2], false));
    let report = refused(&borrowed(&model), &borrowed(&file));
    let advice = "the file has a ResNet-50 as its backbone, the model a ResNet-18: choose the same";
    assert_eq!(report.advice, [advice]);
    let v1: [(&str, &[i64]); 1] = [("rpn.head.conv.0.0.weight", &[1])];
    let v2: [(&str, &[i64]); 2] = [v1[0], ("rpn.head.conv.1.0.weight", &[1])];
    let report = refused(&v1, &v2);
    assert!(report.advice[0].contains("torchvision's v2 architecture, the model of v1"));
}

#[test]
fn a_prefix_on_one_side_is_noticed() {
    let bare: [(&str, &[i64]); 3] = [("a.weight", &[1]), ("a.bias", &[1]), ("b.weight", &[1])];
    let long: [(&str, &[i64]); 3] =
        [("net.a.weight", &[1]), ("net.a.bias", &[1]), ("net.b.weight", &[1])];
    let advice =
        "3 names differ only in that the file has `net.` before them and the model has not";
    assert_eq!(refused(&bare, &long).advice, [advice]);
    let advice =
        "3 names differ only in that the model has `net.` before them and the file has not";
    assert_eq!(refused(&long, &bare).advice, [advice]);
    assert!(refused(&bare, &[("other", &[1])]).advice.is_empty());
}
