//! The gradient with respect to the features.

use crate::reference;
use crate::scene::{Scene, any_scene, doubles, floats, max_error};
use kestrel_roi_align::{RoiAlignConfig, Route, Sampling};
use proptest::prelude::*;
use tch::{Kind, Tensor};

/// A pixel collects from at most five RoIs of 16 bins a sum of weights of at most 16 each, times
/// gradients in -1..1: a few dozen float32 additions of values below 16, half a step each.
const TOLERANCE: f64 = 5e-5;

/// Some gradient of the crops, in -1..1.
fn crops_grad(scene: &Scene) -> Vec<f32> {
    (0..scene.crops_len()).map(|index| (index as f32 * 0.71).sin()).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn bag_gradient(scene: &Scene, crops_grad: &[f32]) -> Vec<f32> {
    let features = scene.tensor().set_requires_grad(true);
    let crops = scene.by_route(&features, Route::Bag);
    let weights = Tensor::from_slice(crops_grad).view_as(&crops);
    (crops * weights).sum(Kind::Float).backward();
    floats(&features.grad().permute([0, 2, 3, 1]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// `<forward(x), g> = <x, backward(g)>`, which makes it the gradient of a linear map.
    #[test]
    fn backward_is_the_transpose_of_forward(scene in any_scene()) {
        let grad = crops_grad(&scene);
        let forward = dot(&scene.by_kernel(), &grad);
        let backward = dot(&scene.features, &scene.kernel_gradient(&grad));
        // Up to 3200 products below 1, each off by a few float32 steps of 6e-8.
        prop_assert!((forward - backward).abs() <= 2e-4, "{forward} and {backward}");
    }

    #[test]
    fn kernel_and_autograd_agree(scene in any_scene()) {
        let grad = crops_grad(&scene);
        let by_bag = doubles(&bag_gradient(&scene, &grad));
        let error = max_error(&scene.kernel_gradient(&grad), &by_bag);
        prop_assert!(error <= TOLERANCE, "off by {error}");
    }
}

#[test]
fn finite_differences_agree() {
    let boxes = [[0.5, 0.5, 3.5, 2.5], [-1.0, -1.0, 2.0, 2.0], [3.2, 1.1, 9.0, 7.0]];
    for (sampling, aligned) in [(Sampling::Fixed(2), false), (Sampling::Adaptive, true)] {
        let config = RoiAlignConfig { pooled: 3, sampling, aligned };
        let scene = Scene::of_map(4, 5, |row, column| row * column, &boxes, config);
        let grad = crops_grad(&scene);
        let loss = |features: &[f64]| -> f64 {
            let crops = reference::forward(&scene, features);
            crops.iter().zip(&grad).map(|(&crop, &weight)| crop * f64::from(weight)).sum()
        };
        let mut features = doubles(&scene.features);
        let differences: Vec<f64> = (0..features.len())
            .map(|pixel| {
                let value = features[pixel];
                features[pixel] = value + 0.5;
                let above = loss(&features);
                features[pixel] = value - 0.5;
                let below = loss(&features);
                features[pixel] = value;
                above - below
            })
            .collect();
        // The loss is linear, so the difference is exact; the kernel rounds to float32.
        let error = max_error(&scene.kernel_gradient(&grad), &differences);
        assert!(error <= 2e-6, "off by {error}");
    }
}

#[test]
fn no_rois_ask_for_nothing() {
    let scene = Scene::of_map(4, 5, |_, _| 1.0, &[], RoiAlignConfig::detector(2));
    assert_eq!(scene.kernel_gradient(&[]), [0.0; 20]);
}

#[test]
fn a_box_of_no_pixel_asks_for_nothing() {
    let boxes = [[-9.0, -9.0, -5.0, -5.0], [f32::NAN; 4]];
    let scene = Scene::of_map(4, 5, |_, _| 1.0, &boxes, RoiAlignConfig::detector(2));
    let grad = vec![1.0; scene.crops_len()];
    assert_eq!(scene.kernel_gradient(&grad), [0.0; 20]);
    assert_eq!(bag_gradient(&scene, &grad), [0.0; 20]);
}

/// The same bits from one thread and from two.
#[test]
fn threads_do_not_matter() {
    let boxes: Vec<[f32; 4]> = (0..40)
        .map(|i| {
            let x = i as f32 * 0.37;
            [x, x * 0.5, x + 7.0, x * 0.5 + 5.0]
        })
        .collect();
    let value = |row: f32, column: f32| (row * 3.1 + column * 0.7).sin();
    let scene = Scene::of_map(17, 23, value, &boxes, RoiAlignConfig::detector(7));
    let grad = crops_grad(&scene);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (scene.by_kernel(), scene.kernel_gradient(&grad)))
    };
    assert_eq!(with_threads(1), with_threads(2));
}
