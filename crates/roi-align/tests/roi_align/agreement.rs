//! The kernel, the bag and the slow reference give the same crops.

use crate::reference;
use crate::scene::{Scene, any_scene, doubles, floats, max_error};
use kestrel_core::BBox;
use kestrel_roi_align::{Roi, RoiAlignConfig, RoiAlignError, Route, Sampling, kernel};
use proptest::prelude::*;
use tch::Kind;

/// Features lie in -1..1 and the weights of a bin sum to at most 1. Each weight is off by a few
/// float32 steps of 6e-8, and up to a hundred terms are added.
const TOLERANCE: f64 = 5e-6;

fn assert_agreement(scene: &Scene) {
    let expected = reference::forward(scene, &doubles(&scene.features));
    let by_kernel = scene.by_kernel();
    let error = max_error(&by_kernel, &expected);
    assert!(error <= TOLERANCE, "kernel off by {error}: {scene:?}");
    let by_bag = floats(&scene.by_route(&scene.tensor(), Route::Bag));
    let error = max_error(&by_bag, &expected);
    assert!(error <= TOLERANCE, "bag off by {error}: {scene:?}");
    let by_tensor = floats(&scene.by_route(&scene.tensor(), Route::Kernel));
    assert_eq!(by_tensor, by_kernel, "the kernel on a tensor and on slices");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equal_to_the_slow_reference(scene in any_scene()) {
        assert_agreement(&scene);
    }

    #[test]
    fn linear_in_the_features(scene in any_scene(), factor in -2.0f32..2.0) {
        let mut mixed = scene.clone();
        let mut reversed = scene.clone();
        reversed.features.reverse();
        for (value, other) in mixed.features.iter_mut().zip(&reversed.features) {
            *value += factor * other;
        }
        let sum = |(&a, &b): (&f32, &f32)| f64::from(a) + f64::from(factor) * f64::from(b);
        let expected: Vec<f64> =
            scene.by_kernel().iter().zip(&reversed.by_kernel()).map(sum).collect();
        // Values reach 3 here.
        prop_assert!(max_error(&mixed.by_kernel(), &expected) <= 3.0 * TOLERANCE);
    }

    #[test]
    fn a_constant_map_gives_the_constant_inside(mut scene in any_scene(), value in -1.0f32..1.0) {
        scene.features.fill(value);
        // The whole map: its samples stay inside, moved by half a pixel too.
        let (width, height) = (scene.shape.size.width as f32, scene.shape.size.height as f32);
        let whole = BBox::new(0.0, 0.0, width, height);
        for roi in &mut scene.rois {
            roi.bbox = whole.scale(1.0 / scene.shape.scale, 1.0 / scene.shape.scale);
        }
        let expected = vec![f64::from(value); scene.crops_len()];
        prop_assert!(max_error(&scene.by_kernel(), &expected) <= TOLERANCE);
    }

    #[test]
    fn zero_when_fully_outside(mut scene in any_scene(), down in any::<bool>()) {
        for roi in &mut scene.rois {
            let (width, height) = (roi.bbox.width().abs(), roi.bbox.height().abs());
            // More than a pixel of the map over the edge.
            let beyond = 20.0 / scene.shape.scale;
            let (x, y) = if down { (0.0, beyond) } else { (-beyond - width, 0.0) };
            roi.bbox = BBox::new(x, y, x + width, y + height);
        }
        prop_assert!(scene.by_kernel().iter().all(|&value| value == 0.0));
    }
}

/// Every edge where NaN, infinity or a reversed box could slip through.
#[test]
fn strange_boxes_agree_too() {
    let coordinates = [f32::NAN, f32::NEG_INFINITY, -3e5, -1.0, 0.0, 2.0, 4.0, 5.0, 3e4];
    let mut boxes = Vec::new();
    for a in coordinates {
        for b in coordinates {
            boxes.push([a, 1.0, b, 3.0]);
            boxes.push([1.0, a, 3.0, b]);
            boxes.push([a, a, b, b]);
        }
    }
    for aligned in [false, true] {
        let config = RoiAlignConfig { pooled: 3, sampling: Sampling::Fixed(2), aligned };
        assert_agreement(&Scene::of_map(4, 5, |row, column| (row - column) / 5.0, &boxes, config));
    }
}

/// Adaptive sampling takes thousands of samples for a box of thousands of pixels.
#[test]
fn long_boxes_agree_when_sampled_adaptively() {
    let boxes = [[-700.0, 0.0, 800.0, 4.0], [1.0, 1.0, 900.0, 1.0], [4.0, 3.0, 1.0, 0.0]];
    for aligned in [false, true] {
        let config = RoiAlignConfig { pooled: 2, sampling: Sampling::Adaptive, aligned };
        assert_agreement(&Scene::of_map(4, 5, |row, column| (row - column) / 5.0, &boxes, config));
    }
}

#[test]
fn the_bag_also_serves_doubles() {
    let config = RoiAlignConfig { pooled: 2, sampling: Sampling::Fixed(2), aligned: false };
    let scene = Scene::of_map(4, 5, |row, column| row - column, &[[0.5, 0.5, 3.5, 2.5]], config);
    let crops = scene.by_route(&scene.tensor().to_kind(Kind::Double), Route::Bag);
    assert_eq!(crops.kind(), Kind::Double);
    assert!(max_error(&scene.by_kernel(), &doubles(&floats(&crops.to_kind(Kind::Float)))) == 0.0);
}

/// An image too many rather than a read of another image.
#[test]
fn what_does_not_fit_is_refused() {
    let config = RoiAlignConfig::detector(2);
    let mut scene = Scene::of_map(4, 5, |_, _| 1.0, &[[0.0, 0.0, 1.0, 1.0]; 2], config);
    let run = |scene: &Scene, features: usize, crops: usize| {
        let (features, mut crops) = (vec![0.0; features], vec![0.0; crops]);
        kernel::forward(&features, &scene.shape, &scene.rois, &scene.config, &mut crops)
    };
    run(&scene, 20, 8).unwrap();
    let error = run(&scene, 19, 8).unwrap_err();
    assert_eq!(error.to_string(), "RoIAlign features: found 19 values, expected 20");
    assert!(matches!(run(&scene, 20, 7), Err(RoiAlignError::Length { what: "crops", .. })));
    scene.rois[1] = Roi { image: 1, ..scene.rois[1] };
    let error = run(&scene, 20, 8).unwrap_err();
    assert_eq!(error.to_string(), "RoI 1: found image 1, expected one of the 1 in the batch");
}
