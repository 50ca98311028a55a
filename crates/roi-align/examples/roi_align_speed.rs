//! Milliseconds for 1000 RoIs of a 200x272 map with 256 channels (7x7, two samples a side), and
//! for forward and backward of 512: the kernel and the embedding bag, in turn.
//!
//! `RAYON_NUM_THREADS=2 OMP_NUM_THREADS=2 cargo run -p kestrel-roi-align --example roi_align_speed`
#![allow(clippy::print_stdout)]

use kestrel_core::{BBox, ImageSize};
use kestrel_roi_align::kernel::{self, MapShape};
use kestrel_roi_align::{Roi, RoiAlignConfig, RoiAlignError, Route, roi_align};
use std::time::Instant;
use tch::{Device, Kind, Tensor};

const SHAPE: MapShape =
    MapShape { num_images: 1, size: ImageSize::new(200, 272), channels: 256, scale: 0.25 };
const CONFIG: RoiAlignConfig = RoiAlignConfig::detector(7);
const ROUNDS: usize = 9;

fn main() -> Result<(), RoiAlignError> {
    let size = [1, SHAPE.size.height, SHAPE.size.width, SHAPE.channels].map(|side| side as i64);
    let features = Tensor::randn(size, (Kind::Float, Device::Cpu)).permute([0, 3, 1, 2]);
    for round in 0..ROUNDS {
        let rois = random_rois(1000);
        let kernel = millis(|| pool(&features, &rois, Route::Kernel).map(drop))?;
        let bag = millis(|| pool(&features, &rois, Route::Bag).map(drop))?;
        println!("round {round}: 1000 RoIs forward: kernel {kernel:.1}, bag {bag:.1}");
        let kernel = kernel_both_ways(&features, &rois[..512])?;
        let bag = bag_both_ways(&features, &rois[..512])?;
        println!("round {round}: 512 RoIs forward and backward: kernel {kernel:.1}, bag {bag:.1}");
    }
    Ok(())
}

fn pool(features: &Tensor, rois: &[Roi], route: Route) -> Result<Tensor, RoiAlignError> {
    roi_align(features, rois, SHAPE.scale, &CONFIG, route)
}

fn kernel_both_ways(features: &Tensor, rois: &[Roi]) -> Result<f64, RoiAlignError> {
    let crops_grad = vec![1.0; rois.len() * CONFIG.pooled * CONFIG.pooled * SHAPE.channels];
    millis(|| {
        let _crops = pool(features, rois, Route::Kernel)?;
        let mut grad = vec![0.0; SHAPE.len()];
        kernel::backward(&crops_grad, &SHAPE, rois, &CONFIG, &mut grad)
    })
}

fn bag_both_ways(features: &Tensor, rois: &[Roi]) -> Result<f64, RoiAlignError> {
    let leaf = features.detach().set_requires_grad(true);
    millis(|| {
        let loss = pool(&leaf, rois, Route::Bag)?.f_sum(Kind::Float)?;
        Tensor::f_run_backward(&[loss], &[&leaf], false, false)?;
        Ok(())
    })
}

/// Boxes of 16 to 500 pixels anywhere in an 800x1088 image.
fn random_rois(count: i64) -> Vec<Roi> {
    let uniform = Vec::<f32>::try_from(Tensor::rand([count * 4], (Kind::Float, Device::Cpu)));
    let roi = |u: &[f32]| {
        let (x, y) = (u[0] * 1000.0, u[1] * 700.0);
        let (width, height) = (16.0 + u[2] * 484.0, 16.0 + u[3] * 484.0);
        Roi { image: 0, bbox: BBox::new(x, y, (x + width).min(1088.0), (y + height).min(800.0)) }
    };
    uniform.unwrap_or_default().chunks_exact(4).map(roi).collect()
}

fn millis(work: impl FnOnce() -> Result<(), RoiAlignError>) -> Result<f64, RoiAlignError> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
