//! Crops whose gradient goes back by the kernel, beside autograd through the bag.

use kestrel_core::BBox;
use kestrel_roi_align::{DetachedPyramid, MultiLevelPooler, Roi, RoiAlignError, Route};
use tch::{Device, Kind, Tensor};

const CHANNELS: i64 = 19;

fn pyramid() -> Vec<Tensor> {
    tch::manual_seed(0);
    let level = |side| Tensor::randn([2, CHANNELS, side, side + 3], (Kind::Float, Device::Cpu));
    [64, 32, 16, 8].map(level).map(|map| map.set_requires_grad(true)).into()
}

/// Small and large, some over the edge, of both images.
fn rois(count: usize) -> Vec<Roi> {
    let roi = |at: usize| {
        let (x, y) = ((at * 31 % 230) as f32 - 10.0, (at * 47 % 210) as f32);
        let side = [6.0, 30.5, 150.0, 300.0, 700.0][at % 5];
        Roi { image: at % 2, bbox: BBox::new(x, y, x + side, y + 0.7 * side) }
    };
    (0..count).map(roi).collect()
}

fn weights_like(crops: &Tensor) -> Tensor {
    Tensor::arange(crops.numel() as i64, (Kind::Float, Device::Cpu)).sin().view_as(crops)
}

#[test]
fn gradients_of_two_branches_are_those_of_the_bag() {
    let pyramid = pyramid();
    let poolers = [MultiLevelPooler::detector(7), MultiLevelPooler::detector(14)];
    let (many, few) = (rois(60), rois(9));
    let mut detached = DetachedPyramid::new(&pyramid, &poolers[0].scales).unwrap();
    for (pooler, rois) in poolers.iter().zip([&many, &few]) {
        let crops = detached.crops(pooler, rois).unwrap();
        let by_bag = pooler.pool(&pyramid, rois, Route::Bag).unwrap();
        // Sums of at most 16 products of values near 1.
        assert!((&crops - &by_bag).abs().max().double_value(&[]) < 5e-6);
        assert!(crops.is_contiguous());
        let weights = weights_like(&crops);
        (crops * &weights).sum(Kind::Float).backward();
        (by_bag * weights).sum(Kind::Float).backward();
    }
    for (map, gradient) in pyramid.iter().zip(detached.gradient().unwrap()) {
        let gradient = gradient.unwrap();
        let worst = (map.grad() - &gradient).abs().max().double_value(&[]);
        // A pixel gathers from dozens of bins: float32 sums in another order.
        assert!(worst < 2e-5, "off by {worst}");
    }
}

#[test]
fn levels_and_branches_without_crops_have_no_gradient() {
    let pyramid = pyramid();
    let pooler = MultiLevelPooler::detector(7);
    let mut detached = DetachedPyramid::new(&pyramid, &pooler.scales).unwrap();
    assert_eq!(detached.crops(&pooler, &[]).unwrap().size(), [0, CHANNELS, 7, 7]);
    // Of these crops nobody makes a loss.
    let unused = detached.crops(&pooler, &rois(4)).unwrap();
    assert!(unused.requires_grad());
    assert!(detached.gradient().unwrap().iter().all(Option::is_none));
}

#[test]
fn what_does_not_fit_is_refused() {
    let pyramid = pyramid();
    let pooler = MultiLevelPooler::detector(7);
    let few_scales = DetachedPyramid::new(&pyramid, &pooler.scales[..3]);
    assert!(matches!(few_scales, Err(RoiAlignError::NumLevels { found: 4, expected: 3 })));
    let doubles: Vec<Tensor> = pyramid.iter().map(|map| map.to_kind(Kind::Double)).collect();
    let doubles = DetachedPyramid::new(&doubles, &pooler.scales);
    assert!(matches!(doubles, Err(RoiAlignError::Kernel { kind: Kind::Double, .. })));
    let mut detached = DetachedPyramid::new(&pyramid, &pooler.scales).unwrap();
    let outside = Roi { image: 2, bbox: BBox::default() };
    let outside = detached.crops(&pooler, &[outside]);
    assert!(matches!(outside, Err(RoiAlignError::Image { image: 2, .. })));
    let other = MultiLevelPooler { scales: vec![0.25], ..pooler };
    assert!(matches!(detached.crops(&other, &[]), Err(RoiAlignError::NumLevels { .. })));
}
