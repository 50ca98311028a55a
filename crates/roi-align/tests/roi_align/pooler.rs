//! Crops from a pyramid.

use crate::scene::{doubles, floats, max_error};
use kestrel_core::BBox;
use kestrel_roi_align::{MultiLevelPooler, Roi, RoiAlignError, Route, roi_align};
use tch::{Device, Kind, Tensor};

/// P2 to P5 of two 64x96 images with 5 channels.
fn pyramid() -> Vec<Tensor> {
    let level = |stride: i64| {
        let count = 2 * 5 * (64 / stride) * (96 / stride);
        let values = Tensor::arange(count, (Kind::Float, Device::Cpu)).sin();
        values.view([2, 5, 64 / stride, 96 / stride])
    };
    vec![level(4), level(8), level(16), level(32)]
}

/// Boxes whose levels come in no order; some levels twice.
fn rois() -> Vec<Roi> {
    let roi = |image, side: f32| Roi { image, bbox: BBox::new(3.0, 5.0, 3.0 + side, 5.0 + side) };
    vec![roi(1, 300.0), roi(0, 20.0), roi(1, 500.0), roi(0, 130.0), roi(0, 0.0), roi(1, 240.0)]
}

fn channels_last(map: &Tensor) -> Tensor {
    map.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

#[test]
fn each_roi_comes_from_its_level() {
    let (pooler, pyramid, rois) = (MultiLevelPooler::detector(3), pyramid(), rois());
    let levels: Vec<usize> = rois.iter().map(|roi| pooler.level(&roi.bbox)).collect();
    assert_eq!(levels, [2, 0, 3, 1, 0, 2]);
    for route in [Route::Kernel, Route::Bag] {
        let crops = pooler.pool(&pyramid, &rois, route).unwrap();
        assert_eq!(crops.size(), [6, 5, 3, 3]);
        for (place, (roi, &level)) in rois.iter().zip(&levels).enumerate() {
            let (map, scale) = (&pyramid[level], pooler.scales[level]);
            let alone = roi_align(map, &[*roi], scale, &pooler.config, route).unwrap();
            assert_eq!(floats(&crops.get(place as i64)), floats(&alone), "RoI {place}, {route:?}");
        }
    }
}

#[test]
fn both_routes_agree_in_any_memory_format() {
    let (pooler, nchw, rois) = (MultiLevelPooler::detector(7), pyramid(), rois());
    let nhwc: Vec<Tensor> = nchw.iter().map(channels_last).collect();
    let kernel = pooler.pool(&nchw, &rois, Route::Kernel).unwrap();
    let bag = pooler.pool(&nchw, &rois, Route::Bag).unwrap();
    // Values in -1..1 with weights that sum to 1, off by a few float32 steps.
    assert!(max_error(&floats(&kernel), &doubles(&floats(&bag))) <= 1e-6);
    for (route, crops) in [(Route::Kernel, &kernel), (Route::Bag, &bag)] {
        assert_eq!(floats(&pooler.pool(&nhwc, &rois, route).unwrap()), floats(crops));
        assert!(crops.permute([0, 2, 3, 1]).is_contiguous(), "{route:?} is not channels-last");
    }
}

#[test]
fn gradients_reach_every_level() {
    let (pooler, rois) = (MultiLevelPooler::detector(3), rois());
    let pyramid: Vec<Tensor> =
        pyramid().into_iter().map(|map| map.set_requires_grad(true)).collect();
    pooler.pool(&pyramid, &rois, Route::Bag).unwrap().sum(Kind::Float).backward();
    for (level, map) in pyramid.iter().enumerate() {
        let grad = map.grad();
        assert!(grad.abs().sum(Kind::Double).double_value(&[]) > 0.0, "level {level}");
    }
}

/// As a map is of a picture a few pixels wide; RoIs on it are zeros, others are as before.
#[test]
fn a_level_without_pixels() {
    let (pooler, rois) = (MultiLevelPooler::detector(3), rois());
    for shape in [[2i64, 5, 3, 0], [2, 5, 0, 3]] {
        let mut pyramid = pyramid();
        let whole = pooler.pool(&pyramid, &rois, Route::Kernel).unwrap();
        pyramid[3] = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        for route in [Route::Kernel, Route::Bag] {
            let crops = pooler.pool(&pyramid, &rois, route).unwrap();
            // The third RoI is the one of the last level.
            assert!(floats(&crops.get(2)).iter().all(|&value| value == 0.0), "{route:?}");
            let rest = |crops: &Tensor| {
                floats(&crops.index_select(0, &Tensor::from_slice(&[0i64, 1, 3, 4, 5])))
            };
            assert!(max_error(&rest(&crops), &doubles(&rest(&whole))) <= 1e-6, "{route:?}");
        }
    }
}

#[test]
fn no_rois_give_no_crops() {
    let pooler = MultiLevelPooler::detector(7);
    for route in [Route::Kernel, Route::Bag] {
        assert_eq!(pooler.pool(&pyramid(), &[], route).unwrap().size(), [0, 5, 7, 7]);
        let no_images: Vec<Tensor> = pyramid().iter().map(|map| map.narrow(0, 0, 0)).collect();
        assert_eq!(pooler.pool(&no_images, &[], route).unwrap().size(), [0, 5, 7, 7]);
    }
}

/// An image without objects still trains: its loss has a gradient, which is zero.
#[test]
fn no_rois_stay_attached_to_the_graph() {
    let pooler = MultiLevelPooler::detector(7);
    let outside = Roi { image: 0, bbox: BBox::new(900.0, 900.0, 910.0, 910.0) };
    for rois in [vec![], vec![outside]] {
        let maps: Vec<Tensor> =
            pyramid().into_iter().map(|map| map.set_requires_grad(true)).collect();
        let crops = pooler.pool(&maps, &rois, Route::Bag).unwrap();
        assert!(crops.requires_grad());
        assert_eq!(crops.abs().sum(Kind::Double).double_value(&[]), 0.0);
        crops.sum(Kind::Float).backward();
        assert_eq!(maps[0].grad().abs().sum(Kind::Double).double_value(&[]), 0.0);
    }
}

#[test]
fn a_map_without_pixels_gives_zeros() {
    let empty = Tensor::zeros([1, 5, 0, 3], (Kind::Float, Device::Cpu));
    let roi = Roi { image: 0, bbox: BBox::new(0.0, 0.0, 2.0, 2.0) };
    let config = MultiLevelPooler::detector(2).config;
    for route in [Route::Kernel, Route::Bag] {
        let crops = roi_align(&empty, &[roi], 1.0, &config, route).unwrap();
        assert_eq!(floats(&crops), [0.0; 20]);
    }
}

#[test]
fn the_kernel_drops_no_gradient_silently() {
    let pooler = MultiLevelPooler::detector(7);
    let mut maps = pyramid();
    assert_eq!(Route::suited_to(&maps[0]), Route::Kernel);
    maps[2] = maps[2].copy().set_requires_grad(true);
    assert_eq!(Route::suited_to(&maps[2]), Route::Bag);
    let error = pooler.pool(&maps, &rois(), Route::Kernel).unwrap_err();
    assert!(matches!(error, RoiAlignError::Kernel { requires_grad: true, .. }), "{error}");
    maps[2] = pyramid()[2].to_kind(Kind::Double);
    let error = pooler.pool(&maps, &rois(), Route::Kernel).unwrap_err();
    assert!(matches!(error, RoiAlignError::Kernel { kind: Kind::Double, .. }), "{error}");
}

#[test]
fn pyramids_that_do_not_fit_are_refused() {
    let pooler = MultiLevelPooler::detector(7);
    let refusal = |maps: &[Tensor], rois: &[Roi]| {
        let [kernel, bag] = [Route::Kernel, Route::Bag]
            .map(|route| pooler.pool(maps, rois, route).unwrap_err().to_string());
        assert_eq!(kernel, bag);
        kernel
    };
    let mut maps = pyramid();
    let foreign = Roi { image: 2, ..rois()[0] };
    assert_eq!(
        refusal(&maps, &[rois()[0], foreign]),
        "RoI 1: found image 2, expected one of the 2 in the batch"
    );
    assert_eq!(
        refusal(&maps[..3], &rois()),
        "feature pyramid: found 3 levels for 4 scales, expected one for each"
    );
    maps[1] = maps[1].narrow(1, 0, 4);
    assert_eq!(
        refusal(&maps, &rois()),
        "pyramid level 1: found shape [2, 4, 8, 12], expected [N, C, ..] = [2, 5]"
    );
    maps[1] = maps[1].get(0);
    assert_eq!(
        refusal(&maps, &rois()),
        "RoIAlign features: found shape [4, 8, 12], expected [N, C, H, W]"
    );
}
