//! Inputs of the tests.

use kestrel_core::{BBox, ImageSize};
use kestrel_roi_align::kernel::{self, MapShape};
use kestrel_roi_align::{Roi, RoiAlignConfig, Route, Sampling, roi_align};
use proptest::prelude::*;
use tch::Tensor;

/// Features and what is cropped from them.
#[derive(Clone, Debug)]
pub struct Scene {
    pub shape: MapShape,
    /// `[N, H, W, C]`.
    pub features: Vec<f32>,
    pub rois: Vec<Roi>,
    pub config: RoiAlignConfig,
}

impl Scene {
    /// One image of one channel at scale 1, whose values `value` gives by row and column.
    pub fn of_map(
        height: usize,
        width: usize,
        value: impl Fn(f32, f32) -> f32,
        boxes: &[[f32; 4]],
        config: RoiAlignConfig,
    ) -> Self {
        let size = ImageSize::new(height, width);
        let shape = MapShape { num_images: 1, size, channels: 1, scale: 1.0 };
        let pixel = |index: usize| value((index / width) as f32, (index % width) as f32);
        let features = (0..size.area()).map(pixel).collect();
        let roi = |&bbox: &[f32; 4]| Roi { image: 0, bbox: BBox::from(bbox) };
        Self { shape, features, rois: boxes.iter().map(roi).collect(), config }
    }

    pub fn crops_len(&self) -> usize {
        self.rois.len() * self.config.pooled * self.config.pooled * self.shape.channels
    }

    /// Crops `[R, P, P, C]` by the kernel.
    pub fn by_kernel(&self) -> Vec<f32> {
        // Not zeros: whatever is there must be overwritten.
        let mut crops = vec![f32::NAN; self.crops_len()];
        kernel::forward(&self.features, &self.shape, &self.rois, &self.config, &mut crops).unwrap();
        crops
    }

    /// The kernel's gradient `[N, H, W, C]` for a gradient of the crops.
    pub fn kernel_gradient(&self, crops_grad: &[f32]) -> Vec<f32> {
        let mut grad = vec![f32::NAN; self.shape.len()];
        kernel::backward(crops_grad, &self.shape, &self.rois, &self.config, &mut grad).unwrap();
        grad
    }

    /// The features as a channels-last tensor `[N, C, H, W]`.
    pub fn tensor(&self) -> Tensor {
        let MapShape { num_images, size, channels, .. } = self.shape;
        let shape = [num_images, size.height, size.width, channels].map(|extent| extent as i64);
        Tensor::from_slice(&self.features).view(shape).permute([0, 3, 1, 2])
    }

    /// Crops `[R, P, P, C]` of a tensor `[N, C, H, W]`.
    pub fn by_route(&self, features: &Tensor, route: Route) -> Tensor {
        let crops = roi_align(features, &self.rois, self.shape.scale, &self.config, route);
        crops.unwrap().permute([0, 2, 3, 1])
    }
}

/// The values of a tensor, in the order of its dimensions.
pub fn floats(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.contiguous().view([-1])).unwrap()
}

/// The largest difference of two lists of the same length; NaN nowhere.
pub fn max_error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let errors = found.iter().zip(expected).map(|(&a, &b)| (f64::from(a) - b).abs());
    errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
}

pub fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Small batches, with RoIs inside, outside, across the edge, reversed, and no RoI at all.
pub fn any_scene() -> impl Strategy<Value = Scene> {
    let shape = (1usize..3, 1usize..9, 1usize..9, 1usize..40, 0usize..3).prop_map(
        |(num_images, height, width, channels, halvings)| MapShape {
            num_images,
            size: ImageSize::new(height, width),
            channels,
            scale: [1.0, 0.5, 0.25][halvings],
        },
    );
    shape.prop_flat_map(|shape| {
        let features = proptest::collection::vec(-1.0f32..1.0, shape.len());
        let rois = proptest::collection::vec(any_roi(shape), 0..6);
        (Just(shape), features, rois, any_config())
            .prop_map(|(shape, features, rois, config)| Scene { shape, features, rois, config })
    })
}

fn any_roi(shape: MapShape) -> impl Strategy<Value = Roi> {
    let along = move |extent: usize| -0.5 * extent as f32 - 2.0..1.5 * extent as f32 + 2.0;
    let (x, y) = (along(shape.size.width), along(shape.size.height));
    (0..shape.num_images, x.clone(), y.clone(), x, y).prop_map(move |(image, x1, y1, x2, y2)| {
        let in_level = BBox::new(x1, y1, x2, y2);
        Roi { image, bbox: in_level.scale(1.0 / shape.scale, 1.0 / shape.scale) }
    })
}

fn any_config() -> impl Strategy<Value = RoiAlignConfig> {
    (1usize..5, 0usize..4, any::<bool>()).prop_map(|(pooled, samples, aligned)| {
        let sampling = if samples == 0 { Sampling::Adaptive } else { Sampling::Fixed(samples) };
        RoiAlignConfig { pooled, sampling, aligned }
    })
}
