//! RoIAlign one sample at a time, straight from its definition (semantics of torchvision's CPU
//! operator): positions in float32, since a step moves a sample over an edge; sums in float64.

use crate::scene::Scene;
use kestrel_roi_align::{Roi, Sampling};

/// Crops `[R, P, P, C]` of features `[N, H, W, C]`.
pub fn forward(scene: &Scene, features: &[f64]) -> Vec<f64> {
    let pooled = scene.config.pooled;
    let mut crops = Vec::new();
    for roi in &scene.rois {
        for bin in 0..pooled * pooled {
            for channel in 0..scene.shape.channels {
                crops.push(one_bin(scene, features, roi, bin / pooled, bin % pooled, channel));
            }
        }
    }
    crops
}

fn one_bin(
    scene: &Scene,
    features: &[f64],
    roi: &Roi,
    bin_y: usize,
    bin_x: usize,
    channel: usize,
) -> f64 {
    let ys = samples(scene, roi.bbox.y1, roi.bbox.y2, bin_y);
    let xs = samples(scene, roi.bbox.x1, roi.bbox.x2, bin_x);
    let mut total = 0.0;
    for &y in &ys {
        for &x in &xs {
            total += bilinear(scene, features, roi.image, y, x, channel);
        }
    }
    total / (ys.len() * xs.len()).max(1) as f64
}

/// Where the samples of a bin stand.
fn samples(scene: &Scene, low: f32, high: f32, bin: usize) -> Vec<f32> {
    let offset = if scene.config.aligned { 0.5 } else { 0.0 };
    let start = low * scene.shape.scale - offset;
    let end = high * scene.shape.scale - offset;
    let mut length = end - start;
    if !scene.config.aligned && length < 1.0 {
        length = 1.0;
    }
    let bin_size = length / scene.config.pooled as f32;
    let grid = match scene.config.sampling {
        Sampling::Fixed(grid) => grid,
        Sampling::Adaptive => bin_size.ceil() as usize,
    };
    (0..grid)
        .map(|i| start + bin as f32 * bin_size + (i as f32 + 0.5) * bin_size / grid as f32)
        .collect()
}

fn bilinear(scene: &Scene, features: &[f64], image: usize, y: f32, x: f32, channel: usize) -> f64 {
    let (height, width) = (scene.shape.size.height, scene.shape.size.width);
    let inside = |position: f32, extent: usize| position >= -1.0 && position <= extent as f32;
    if !inside(y, height) || !inside(x, width) {
        return 0.0;
    }
    let (y_low, y_high, y_above) = neighbours(y, height);
    let (x_low, x_high, x_above) = neighbours(x, width);
    let pixel = |row: usize, column: usize| {
        features[((image * height + row) * width + column) * scene.shape.channels + channel]
    };
    (1.0 - y_above) * (1.0 - x_above) * pixel(y_low, x_low)
        + (1.0 - y_above) * x_above * pixel(y_low, x_high)
        + y_above * (1.0 - x_above) * pixel(y_high, x_low)
        + y_above * x_above * pixel(y_high, x_high)
}

/// The pixels on both sides of a position, and its distance from the first.
fn neighbours(position: f32, extent: usize) -> (usize, usize, f64) {
    let position = position.clamp(0.0, (extent - 1) as f32);
    let low = position.floor();
    (low as usize, position.ceil() as usize, f64::from(position - low))
}
