//! Inputs a detector meets on a bad day: no images, no pixels to speak of, no proposals, numbers
//! that are none.

#![allow(clippy::unwrap_used)]

use kestrel_core::{BBox, ImageSize, Label, Mask, RgbImage, Target};
use kestrel_fpn::FpnConfig;
use kestrel_rcnn::{
    Architecture, Batch, BoxHeadConfig, Detector, Draw, MaskBranchConfig, Metadata, Model, Preset,
    RcnnError, infer_architecture,
};
use kestrel_resnet::{BlockKind, ResNetConfig, Variant};
use kestrel_weights::StateDict;
use std::collections::BTreeMap;
use tch::nn::VarStore;
use tch::{Device, Tensor, no_grad};

/// A Mask R-CNN small enough to build in a blink.
fn narrow() -> Architecture {
    let mut architecture = Preset::MaskRcnnResNet50Fpn.architecture();
    architecture.num_classes = 3;
    architecture.resize.min_size = 64;
    architecture.resize.max_size = 128;
    architecture.backbone = ResNetConfig {
        block: BlockKind::Basic,
        blocks: [1, 1, 1, 1],
        base_channels: 8,
        ..Variant::ResNet18.config()
    };
    architecture.fpn = FpnConfig { channels: 8, ..FpnConfig::default() };
    architecture.box_branch.head = BoxHeadConfig::TwoFc { features: 16 };
    architecture.box_branch.score_thresh = 0.2;
    let masks = MaskBranchConfig { convs: vec![8], predictor_channels: 8, ..Default::default() };
    architecture.mask_branch = Some(masks);
    architecture
}

fn detector(architecture: &Architecture) -> (VarStore, Box<dyn Detector>) {
    tch::manual_seed(1);
    let store = VarStore::new(Device::Cpu);
    let detector = architecture.build(&store.root());
    (store, detector)
}

fn batch(images: &[RgbImage]) -> Batch {
    Batch::new(images, &narrow().resize, Device::Cpu)
}

fn grey(height: usize, width: usize) -> RgbImage {
    RgbImage::filled(ImageSize::new(height, width), [90, 120, 60])
}

#[test]
fn pictures_of_one_pixel_and_of_one_row() {
    let (_store, mut detector) = detector(&narrow());
    for state in ["as built", "prepared"] {
        let sizes = [grey(1, 1), grey(1, 300), grey(300, 1), grey(40, 50)];
        let found = detector.detect(&batch(&sizes)).unwrap();
        assert_eq!(found.len(), 4, "{state}");
        for (image, detections) in sizes.iter().zip(&found) {
            assert_eq!(detections.image_size, image.size());
            for object in &detections.objects {
                let ImageSize { height, width } = image.size();
                let BBox { x1, y1, x2, y2 } = object.bbox;
                assert!(x1 >= 0.0 && y1 >= 0.0 && x2 <= width as f32 && y2 <= height as f32);
                assert_eq!(object.mask.as_ref().unwrap().size(), image.size());
            }
            assert!(detections.objects.is_sorted_by(|a, b| a.score >= b.score));
        }
        detector.prepare(kestrel_rcnn::Preparation::default());
    }
}

#[test]
fn no_images_give_no_detections() {
    let architecture = narrow();
    let (store, _) = detector(&architecture);
    let weights = StateDict::from_tensors(store.variables(), BTreeMap::new()).unwrap();
    let model = Model::load(&architecture, &weights, Device::Cpu).unwrap();
    assert!(model.detect(&[]).unwrap().is_empty());
}

#[test]
fn weights_that_are_not_numbers_find_nothing() {
    let (store, detector) = detector(&narrow());
    let mut deltas = store.variables().remove("rpn.head.bbox_pred.weight").unwrap();
    let _ = no_grad(|| deltas.fill_(f64::NAN));
    let found = detector.detect(&batch(&[grey(30, 40), grey(40, 30)])).unwrap();
    assert!(found.iter().all(|detections| detections.objects.is_empty()));
}

#[test]
fn a_batch_mixes_images_with_and_without_objects() {
    let architecture = narrow();
    let (store, detector) = detector(&architecture);
    let size = ImageSize::new(40, 50);
    let bbox = BBox::new(5.0, 5.0, 30.0, 35.0);
    let inside = |at: usize| (5..35).contains(&(at / 50)) && (5..30).contains(&(at % 50));
    let bitmap: Vec<u8> = (0..2000).map(|at| u8::from(inside(at))).collect();
    let mask = Mask::from_bitmap(size, &bitmap).unwrap();
    let full = Target::new(size, vec![bbox], vec![Label(2)], Some(vec![mask])).unwrap();
    let images = [grey(40, 50), grey(40, 50)];
    for targets in [[full.clone(), Target::empty()], [Target::empty(), Target::empty()]] {
        let batch = Batch::with_targets(&images, &targets, &architecture.resize, Device::Cpu);
        let losses = detector.backward(&batch, &mut Draw::seeded(5), 0.5).unwrap();
        for (name, loss) in losses.named() {
            assert!(loss.double_value(&[]).is_finite(), "{name}");
        }
        let broken = |variable: &Tensor| {
            let gradient = variable.grad();
            gradient.defined() && gradient.isfinite().all().int64_value(&[]) == 0
        };
        assert!(!store.trainable_variables().iter().any(broken), "a gradient is not finite");
    }
}

#[test]
fn losses_without_what_they_need_are_refused() {
    let architecture = narrow();
    let (_store, detector) = detector(&architecture);
    let draw = &mut Draw::seeded(0);
    let error = detector.losses(&batch(&[grey(20, 20)]), draw).unwrap_err();
    assert!(matches!(error, RcnnError::TargetsMissing { images: 1, targets: 0 }), "{error}");
    let size = ImageSize::new(20, 20);
    let boxes = vec![BBox::new(1.0, 1.0, 9.0, 9.0)];
    let target = Target::new(size, boxes, vec![Label(1)], None).unwrap();
    let batch = Batch::with_targets(&[grey(20, 20)], &[target], &architecture.resize, Device::Cpu);
    let error = detector.losses(&batch, draw).unwrap_err();
    assert!(matches!(error, RcnnError::MasksMissing { image: 0 }), "{error}");
    let error = detector.backward(&batch, draw, 1.0).unwrap_err();
    assert!(matches!(error, RcnnError::MasksMissing { image: 0 }), "{error}");
}

#[test]
fn the_architecture_is_read_off_the_weights() {
    for preset in Preset::ALL {
        let mut expected = preset.architecture();
        expected.num_classes = 7;
        expected.backbone.blocks = [1, 2, 1, 1];
        let store = VarStore::new(Device::Cpu);
        drop(expected.build(&store.root()));
        let weights = StateDict::from_tensors(store.variables(), BTreeMap::new()).unwrap();
        assert_eq!(infer_architecture(&weights).unwrap(), expected, "{}", preset.name());
    }
}

#[test]
fn metadata_survives_a_round_trip() {
    let architecture = narrow();
    let (store, _) = detector(&architecture);
    let bare = StateDict::from_tensors(store.variables(), BTreeMap::new()).unwrap();
    let mut metadata = Metadata::of(&bare, Some(architecture)).unwrap();
    metadata.notes.insert("data".into(), "none".into());
    let weights = StateDict::from_tensors(store.variables(), metadata.to_text()).unwrap();
    let mut again = Metadata::of(&weights, None).unwrap();
    assert!(!again.inferred);
    // The version that wrote it is a note to whoever reads it.
    again.notes.remove("kestrel.version");
    assert_eq!(again, metadata);
}
