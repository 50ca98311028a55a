//! Which pixels make a bin, and with what weights; the same for all channels.
//!
//! Source: Mask R-CNN section 3; torchvision `csrc/ops/cpu/roi_align_common.h`, whose float32
//! operations are copied in order, so that a sample falls on the same side of a pixel.
//!
//! Bilinear weights are products and the range test looks at each axis alone, so a bin's weights
//! are an outer product: `2 P` short lists for a RoI instead of `P * P` long ones. A pixel
//! that several samples of a bin touch is listed once, with the sum of their weights.
//!
//! Difference from torchvision: weights are summed before they meet the features (float32
//! rounding), and adaptive sampling is bounded by [`MAX_ADAPTIVE_SAMPLES`].

use crate::RoiAlignError;
use kestrel_core::{BBox, ImageSize};
use std::ops::Range;

/// Adaptive samples along a bin side. A side that long needs a RoI of 28,000 pixels on the map
/// at 7x7: no image has one, but an unclipped or infinite box must not take forever either.
const MAX_ADAPTIVE_SAMPLES: f32 = 4096.0;

/// A box to crop and the image it lies in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roi {
    /// Place of the image in the batch.
    pub image: usize,
    /// The box, in pixels of the resized image (whose padding is at the right and the bottom).
    pub bbox: BBox,
}

impl Roi {
    /// The boxes of each image of a batch as one list, image after image.
    pub fn of_images(boxes_in_resized: &[Vec<BBox>]) -> Vec<Self> {
        let of_image = |(image, boxes): (usize, &Vec<BBox>)| {
            boxes.iter().map(move |&bbox| Self { image, bbox }).collect::<Vec<_>>()
        };
        boxes_in_resized.iter().enumerate().flat_map(of_image).collect()
    }
}

/// How many samples a bin takes along each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Always this many (`sampling_ratio` of torchvision when positive).
    Fixed(usize),
    /// As many as the bin is pixels long, rounded up (`sampling_ratio` of torchvision when not
    /// positive).
    Adaptive,
}

/// Size and sampling of the crops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoiAlignConfig {
    /// Bins along each side of a crop, `P`.
    pub pooled: usize,
    /// Samples of a bin.
    pub sampling: Sampling,
    /// Whether pixel values stand at pixel centres: half a pixel is taken off the scaled box, and
    /// boxes smaller than a pixel stay so.
    pub aligned: bool,
}

impl RoiAlignConfig {
    /// What torchvision's detectors use: two samples a side, not aligned; `pooled` is 7 for the
    /// box head and 14 for the mask head.
    pub const fn detector(pooled: usize) -> Self {
        Self { pooled, sampling: Sampling::Fixed(2), aligned: false }
    }

    pub(crate) fn check(&self) -> Result<(), RoiAlignError> {
        if self.pooled == 0 || self.sampling == Sampling::Fixed(0) {
            return Err(RoiAlignError::Config(*self));
        }
        Ok(())
    }
}

/// One term of a weighted sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tap {
    /// A row or a column, or `row * W + column` in a bin's full list.
    pub(crate) pixel: usize,
    /// Its weight, divided by the number of samples.
    pub(crate) weight: f32,
}

/// The taps of a RoI's bins along one axis.
#[derive(Debug)]
pub(crate) struct AxisTaps {
    taps: Vec<Tap>,
    /// Where each bin's taps end.
    bin_ends: Vec<usize>,
}

impl AxisTaps {
    /// The taps between two edges, `low..high` in image pixels, on a map `extent` pixels long.
    fn new(low: f32, high: f32, scale: f32, extent: usize, config: &RoiAlignConfig) -> Self {
        let samples = Samples::new(low, high, scale, config);
        let capacity = 2 * config.pooled * samples.count.min(2);
        let mut axis = Self {
            taps: Vec::with_capacity(capacity),
            bin_ends: Vec::with_capacity(config.pooled),
        };
        for bin in 0..config.pooled {
            let bin_start = axis.taps.len();
            for sample in 0..samples.count {
                axis.add_sample(bin_start, samples.position(bin, sample), samples.weight(), extent);
            }
            axis.bin_ends.push(axis.taps.len());
        }
        axis
    }

    fn add_sample(&mut self, bin_start: usize, position: f32, weight: f32, extent: usize) {
        // Written as "inside" so that NaN is outside. A sample on the edge of an empty map, too.
        if !(position >= -1.0 && position <= extent as f32) || extent == 0 {
            return;
        }
        let position = position.max(0.0);
        let low = position as usize;
        if low >= extent - 1 {
            return self.add(bin_start, extent - 1, weight);
        }
        let above = position - low as f32;
        self.add(bin_start, low, (1.0 - above) * weight);
        self.add(bin_start, low + 1, above * weight);
    }

    fn add(&mut self, bin_start: usize, pixel: usize, weight: f32) {
        // Positions rise, so a pixel met before is one of the last two.
        let mut last_two = self.taps[bin_start..].iter_mut().rev().take(2);
        match last_two.find(|tap| tap.pixel == pixel) {
            Some(tap) => tap.weight += weight,
            None => self.taps.push(Tap { pixel, weight }),
        }
    }

    /// The pixels from the first to the last that any bin touches.
    pub(crate) fn touched(&self) -> Range<usize> {
        let pixels = || self.taps.iter().map(|tap| tap.pixel);
        pixels().min().unwrap_or(0)..pixels().max().map_or(0, |last| last + 1)
    }

    /// The taps of one bin; none where all its samples lie outside.
    pub(crate) fn bin(&self, bin: usize) -> &[Tap] {
        let start = if bin == 0 { 0 } else { self.bin_ends[bin - 1] };
        &self.taps[start..self.bin_ends[bin]]
    }
}

/// Where the samples of a RoI stand along one axis, in pixels of the map.
struct Samples {
    start: f32,
    bin_size: f32,
    /// Samples in a bin.
    count: usize,
}

impl Samples {
    fn new(low: f32, high: f32, scale: f32, config: &RoiAlignConfig) -> Self {
        let offset = if config.aligned { 0.5 } else { 0.0 };
        let start = low * scale - offset;
        let length = high * scale - offset - start;
        // No `max`: it would turn NaN into a length.
        let length = if !config.aligned && length < 1.0 { 1.0 } else { length };
        let bin_size = length / config.pooled as f32;
        let count = match config.sampling {
            Sampling::Fixed(count) => count,
            // NaN passes the clamp, and the cast makes it 0.
            Sampling::Adaptive => bin_size.ceil().clamp(0.0, MAX_ADAPTIVE_SAMPLES) as usize,
        };
        Self { start, bin_size, count }
    }

    fn position(&self, bin: usize, sample: usize) -> f32 {
        let within_bin = (sample as f32 + 0.5) * self.bin_size / self.count as f32;
        self.start + bin as f32 * self.bin_size + within_bin
    }

    fn weight(&self) -> f32 {
        1.0 / self.count as f32
    }
}

/// The plan of one RoI on one map.
#[derive(Debug)]
pub(crate) struct RoiTaps {
    /// Rows, for each row of bins.
    pub(crate) y: AxisTaps,
    /// Columns, for each column of bins.
    pub(crate) x: AxisTaps,
    width: usize,
}

impl RoiTaps {
    /// The plan of a box in image pixels on a map of size `map_size`, `scale` times the image.
    pub(crate) fn new(
        bbox: &BBox,
        scale: f32,
        map_size: ImageSize,
        config: &RoiAlignConfig,
    ) -> Self {
        Self {
            y: AxisTaps::new(bbox.y1, bbox.y2, scale, map_size.height, config),
            x: AxisTaps::new(bbox.x1, bbox.x2, scale, map_size.width, config),
            width: map_size.width,
        }
    }

    /// Pixels of the map, as `row * W + column`, with the weights that make one bin.
    pub(crate) fn bin(&self, bin_y: usize, bin_x: usize) -> impl Iterator<Item = Tap> {
        self.y.bin(bin_y).iter().flat_map(move |y| {
            self.x.bin(bin_x).iter().map(move |x| Tap {
                pixel: y.pixel * self.width + x.pixel,
                weight: y.weight * x.weight,
            })
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(4, 5);

    fn config(sampling: Sampling, aligned: bool) -> RoiAlignConfig {
        RoiAlignConfig { pooled: 2, sampling, aligned }
    }

    fn taps(bbox: BBox, config: &RoiAlignConfig) -> RoiTaps {
        RoiTaps::new(&bbox, 1.0, SIZE, config)
    }

    #[test]
    fn a_bin_is_the_mean_of_its_samples() {
        // The bin spans 0.5..2 with samples at 0.875 and 1.625.
        let plan = taps(BBox::new(0.5, 0.5, 3.5, 2.5), &config(Sampling::Fixed(2), false));
        let expected = [(0, 0.0625), (1, 0.625), (2, 0.3125)];
        assert!(plan.x.bin(0).iter().map(|tap| (tap.pixel, tap.weight)).eq(expected));
        // Samples of the first row of bins at 0.75 and 1.25: 3 rows, 3 columns, no pixel twice.
        assert_eq!(plan.bin(0, 0).count(), 9);
        assert_eq!(plan.bin(0, 0).map(|tap| tap.weight).sum::<f32>(), 1.0);
    }

    #[test]
    fn one_pixel_over_the_edge_still_counts() {
        let one = RoiAlignConfig { pooled: 1, ..config(Sampling::Fixed(1), false) };
        let middle = |center: f32| {
            let bbox = BBox::new(center - 1.0, center - 1.0, center + 1.0, center + 1.0);
            taps(bbox, &one)
                .x
                .bin(0)
                .iter()
                .copied()
                .filter(|tap| tap.weight > 0.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(middle(-1.0), [Tap { pixel: 0, weight: 1.0 }]);
        assert_eq!(middle(-1.25), []);
        assert_eq!(middle(5.0), [Tap { pixel: 4, weight: 1.0 }]);
        assert_eq!(middle(5.25), []);
    }

    #[test]
    fn boxes_that_are_none_touch_no_pixel() {
        let nan = BBox::new(f32::NAN, 0.0, 3.0, 3.0);
        let half_nan = BBox::new(1.0, 0.0, f32::NAN, 3.0);
        let endless = BBox::new(f32::NEG_INFINITY, 0.0, f32::INFINITY, 3.0);
        for sampling in [Sampling::Fixed(2), Sampling::Adaptive] {
            for aligned in [false, true] {
                for bbox in [nan, half_nan, endless] {
                    let plan = taps(bbox, &config(sampling, aligned));
                    assert_eq!(plan.bin(0, 0).count() + plan.bin(1, 1).count(), 0, "{bbox:?}");
                }
            }
        }
    }

    #[test]
    fn a_huge_box_ends() {
        let huge = BBox::new(-1e30, -1e30, 1e30, 1e30);
        let plan = taps(huge, &config(Sampling::Adaptive, false));
        assert_eq!(plan.bin(0, 0).count(), 0);
    }

    #[test]
    fn a_map_without_pixels_has_no_taps() {
        let empty = ImageSize::new(0, 0);
        let bbox = BBox::new(0.0, 0.0, 0.0, 0.0);
        let plan = RoiTaps::new(&bbox, 1.0, empty, &config(Sampling::Fixed(2), true));
        assert_eq!(plan.bin(0, 0).count(), 0);
    }

    #[test]
    fn nothing_can_be_pooled_to_nothing() {
        let none = RoiAlignConfig::detector(0);
        assert!(matches!(none.check(), Err(RoiAlignError::Config(found)) if found == none));
        assert!(config(Sampling::Fixed(0), false).check().is_err());
        config(Sampling::Adaptive, false).check().unwrap();
    }

    #[test]
    fn rois_keep_the_order_of_the_images() {
        let boxes = [vec![BBox::default(); 2], vec![], vec![BBox::default()]];
        let images: Vec<usize> = Roi::of_images(&boxes).iter().map(|roi| roi.image).collect();
        assert_eq!(images, [0, 0, 2]);
    }
}
