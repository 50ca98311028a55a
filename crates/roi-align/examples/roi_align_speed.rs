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
const ROUNDS: usize = 9;

fn main() -> Result<(), RoiAlignError> {
    let (height, width) = (SHAPE.size.height as i64, SHAPE.size.width as i64);
    let features =
        Tensor::randn([1, height, width, 256], (Kind::Float, Device::Cpu)).permute([0, 3, 1, 2]);
    let config = RoiAlignConfig::detector(7);
    for round in 0..ROUNDS {
        let rois = random_rois(1000);
        let kernel = millis(|| pool(&features, &rois, &config, Route::Kernel))?;
        let bag = millis(|| pool(&features, &rois, &config, Route::Bag))?;
        let (bag_both, kernel_both) = both_ways(&features, &rois[..512], &config)?;
        println!(
            "round {round}: forward kernel {kernel:.1} bag {bag:.1}; \
             forward + backward kernel {kernel_both:.1} bag {bag_both:.1}"
        );
    }
    Ok(())
}

fn pool(
    features: &Tensor,
    rois: &[Roi],
    config: &RoiAlignConfig,
    route: Route,
) -> Result<(), RoiAlignError> {
    roi_align(features, rois, SHAPE.scale, config, route).map(drop)
}

/// Forward and backward by the bag and by the kernel.
fn both_ways(
    features: &Tensor,
    rois: &[Roi],
    config: &RoiAlignConfig,
) -> Result<(f64, f64), RoiAlignError> {
    let leaf = features.copy().set_requires_grad(true);
    let ones = vec![1.0; rois.len() * 49 * SHAPE.channels];
    let bag = millis(|| {
        let crops = roi_align(&leaf, rois, SHAPE.scale, config, Route::Bag)?;
        let grad = Tensor::ones_like(&crops);
        Tensor::run_backward(&[(&crops * grad).sum(Kind::Float)], &[&leaf], false, false);
        Ok(())
    })?;
    let kernel = millis(|| {
        pool(features, rois, config, Route::Kernel)?;
        let mut grad = vec![0.0; SHAPE.len()];
        kernel::backward(&ones, &SHAPE, rois, config, &mut grad)
    })?;
    Ok((bag, kernel))
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
