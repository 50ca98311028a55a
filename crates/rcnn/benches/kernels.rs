//! The detector's own kernels, each beside what it stands in for: `cargo bench --profile dev -p kestrel-rcnn`.
//!
//! Sizes are those of one picture of 800x1088 pixels. torchvision's side of most of these is in
//! `cargo xtask bench`.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use kestrel_core::{BBox, ImageSize, Mask, RgbImage, nms};
use kestrel_layers::{Activation, ConvConfig, ConvNorm, KAIMING_NORMAL, Mode, channels_last};
use kestrel_rcnn::{Batch, BoxCoder, Preparation, ResizeConfig, paste_mask};
use kestrel_roi_align::{DetachedPyramid, MultiLevelPooler, Roi, Route};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use tch::{Device, Kind, Tensor, nn, no_grad};

const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// Boxes of 8 to 200 pixels in a square of this side.
fn boxes(count: usize, side: f32) -> Vec<BBox> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut number = |low: f32, high: f32| random.random_range(low..high);
    let any = |_| {
        let (x, y) = (number(0.0, side), number(0.0, side));
        BBox::new(x, y, x + number(8.0, 200.0), y + number(8.0, 200.0))
    };
    (0..count).map(any).collect()
}

fn suppression(criterion: &mut Criterion) {
    let boxes = boxes(20_000, 1000.0);
    let scores: Vec<f32> = (0..boxes.len()).map(|at| (at * 7919 % 20_011) as f32).collect();
    criterion.bench_function("nms/20000", |b| b.iter(|| nms(black_box(&boxes), &scores, 0.7)));
}

fn box_coding(criterion: &mut Criterion) {
    let boxes = boxes(100_000, 1000.0);
    let coder = BoxCoder::PROPOSALS;
    let pairs = || boxes.iter().zip(&boxes[1..]);
    criterion.bench_function("box-coding/encode 100000", |b| {
        b.iter(|| pairs().map(|(a, b)| coder.encode(a, b)).collect::<Vec<_>>());
    });
    let deltas: Vec<_> = pairs().map(|(a, b)| coder.encode(a, b)).collect();
    criterion.bench_function("box-coding/decode 100000", |b| {
        b.iter(|| deltas.iter().zip(&boxes).map(|(d, b)| coder.decode(*d, b)).collect::<Vec<_>>());
    });
}

fn masks(criterion: &mut Criterion) {
    let size = ImageSize::new(1600, 1600);
    let crop: Vec<f32> = (0..28 * 28).map(|at| if at % 28 < 14 { 0.9 } else { 0.2 }).collect();
    let boxes = boxes(100, 1200.0);
    let paste = || boxes.iter().map(|bbox| paste_mask(&crop, 28, bbox, size)).collect::<Vec<_>>();
    criterion.bench_function("paste/100 into 1600x1600", |b| b.iter(paste));
    let masks = paste();
    criterion.bench_function("rle/100 to COCO's text and back", |b| {
        b.iter(|| {
            let texts = masks.iter().map(Mask::to_coco_string);
            texts.map(|text| Mask::from_coco_string(size, &text).unwrap().area()).sum::<u64>()
        });
    });
    criterion.bench_function("rle/IoU of 100 with each other", |b| {
        b.iter(|| masks.iter().flat_map(|a| masks.iter().map(|b| a.iou(b))).sum::<f64>());
    });
}

fn resize(criterion: &mut Criterion) {
    let size = ImageSize::new(480, 640);
    let image = RgbImage::new(size, vec![90; size.area() * 3]).unwrap();
    let config = ResizeConfig::default();
    criterion.bench_function("resize/640x480 to 1066x800", |b| {
        b.iter(|| Batch::new(std::slice::from_ref(&image), &config, Device::Cpu));
    });
}

fn roi_align(criterion: &mut Criterion) {
    let level = |(height, width)| channels_last(&Tensor::randn([1, 256, height, width], FLOAT));
    let pyramid = [(200, 272), (100, 136), (50, 68), (25, 34)].map(level);
    let pooler = MultiLevelPooler::detector(7);
    let rois: Vec<Roi> =
        boxes(1000, 640.0).into_iter().map(|bbox| Roi { image: 0, bbox }).collect();
    for (name, route) in [("kernel", Route::Kernel), ("embedding bag", Route::Bag)] {
        criterion.bench_function(&format!("roi-align/1000 by {name}"), |b| {
            b.iter(|| no_grad(|| pooler.pool(&pyramid, &rois, route).unwrap()));
        });
    }
    let pyramid: Vec<Tensor> = pyramid.iter().map(Tensor::contiguous).collect();
    criterion.bench_function("roi-align/512 both ways by kernel", |b| {
        b.iter(|| {
            let mut detached = DetachedPyramid::new(&pyramid, &pooler.scales).unwrap();
            detached.crops(&pooler, &rois[..512]).unwrap().sum(Kind::Float).backward();
            detached.gradient().unwrap()
        });
    });
}

fn convolution(criterion: &mut Criterion) {
    let maps = channels_last(&Tensor::randn([1, 256, 200, 272], FLOAT));
    for (name, winograd) in [("direct", false), ("Winograd", true)] {
        let store = nn::VarStore::new(Device::Cpu);
        let config = ConvConfig::same(3, KAIMING_NORMAL);
        let mut conv = ConvNorm::new(&store.root(), [256, 256], config, None, Activation::Relu);
        conv.prepare(Preparation { winograd, ..Preparation::default() });
        criterion.bench_function(&format!("convolution/3x3, 256 channels, {name}"), |b| {
            b.iter(|| no_grad(|| conv.forward(&maps, Mode::Eval)));
        });
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default().sample_size(20);
    targets = suppression, box_coding, masks, resize, roi_align, convolution
}
criterion_main!(kernels);
