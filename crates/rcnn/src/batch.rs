//! From decoded pictures to the network's input, and where things lie in it.
//!
//! Source: `GeneralizedRCNNTransform` in `torchvision/models/detection/transform.py`. Letters:
//! `N` images, `H W` padded size. Spaces: *original* pixels of the picture, *resized* pixels of
//! what the network sees.
//!
//! Differences: a side that would round down to nothing becomes one pixel long, where torchvision
//! fails (pictures more than 600 times longer than high). Otherwise none known.

use crate::resample;
use kestrel_core::{BBox, ImageSize, Label, RgbImage, Target};
use kestrel_layers::laid_out_for_training;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// Padded sides are multiples of this, so that the strides up to 32 divide them.
const SIZE_DIVISOR: usize = 32;

/// How a picture becomes input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResizeConfig {
    /// The shorter side is resized to this many pixels...
    pub min_size: usize,
    /// ...unless the longer one would be longer than this.
    pub max_size: usize,
    /// Mean of red, green and blue, as parts of 255, subtracted first.
    pub mean: [f32; 3],
    /// What is left is divided by this.
    pub std: [f32; 3],
}

impl Default for ResizeConfig {
    /// torchvision's sizes, and the ImageNet statistics its backbones were trained with.
    fn default() -> Self {
        Self {
            min_size: 800,
            max_size: 1333,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        }
    }
}

impl ResizeConfig {
    /// The size a picture is resized to. Rounded down after a product in double precision, as
    /// torchvision does: one size in twenty comes out a pixel short of `min_size`.
    pub fn resized(&self, original: ImageSize) -> ImageSize {
        let short = original.height.min(original.width) as f64;
        let long = original.height.max(original.width) as f64;
        let scale = (self.min_size as f64 / short).min(self.max_size as f64 / long);
        let side = |pixels: usize| ((pixels as f64 * scale).floor() as usize).max(1);
        ImageSize::new(side(original.height), side(original.width))
    }

    /// Every value a pixel can have, normalised: one table for each colour.
    fn tables(&self) -> [[f32; 256]; 3] {
        [0, 1, 2].map(|c| {
            std::array::from_fn(|value| (value as f32 / 255.0 - self.mean[c]) / self.std[c])
        })
    }
}

/// Ground truth of one image of a batch.
#[derive(Debug)]
pub struct ResizedTarget {
    /// In resized pixels.
    pub boxes_in_resized: Vec<BBox>,
    /// One for each box.
    pub labels: Vec<Label>,
    /// `[M, height, width]` of 0 and 1 in resized pixels (not padded), where there are masks.
    pub masks_in_resized: Option<Tensor>,
}

/// Images of any sizes, resized and padded into one tensor.
#[derive(Debug)]
pub struct Batch {
    /// `[N, 3, H, W]`, normalised; padding is 0, the mean colour. Channels-last in memory, but not to
    /// train on the CPU.
    pub pixels: Tensor,
    /// Size of each picture as decoded.
    pub original: Vec<ImageSize>,
    /// Size of each picture in `pixels`, without the padding.
    pub resized: Vec<ImageSize>,
    /// Ground truth for each picture, or none.
    pub targets: Vec<ResizedTarget>,
}

impl Batch {
    /// A batch to detect in. No images make a batch of none.
    pub fn new(images: &[RgbImage], config: &ResizeConfig, device: Device) -> Self {
        let resized = images.iter().map(|image| config.resized(image.size())).collect();
        Self::at_sizes(images, resized, config, device)
    }

    /// A batch of images resized to given sizes.
    fn at_sizes(
        images: &[RgbImage],
        resized: Vec<ImageSize>,
        config: &ResizeConfig,
        device: Device,
    ) -> Self {
        let original = images.iter().map(RgbImage::size).collect();
        let pixels = match device {
            Device::Cpu => pixels_by_kernel(images, &resized, config),
            card => pixels_on_card(images, &resized, config, card),
        };
        Self { pixels, original, resized, targets: Vec::new() }
    }

    /// A batch to train on: one target for each image, which may have no objects. On the CPU its pixels
    /// are contiguous, as torchvision's are: in another layout libtorch adds in another order, some of
    /// millions of ReLUs turn, and full-size gradients are 3e-3 from torchvision's instead of 5e-5.
    ///
    /// # Panics
    /// When there are not as many targets as images.
    pub fn with_targets(
        images: &[RgbImage],
        targets: &[Target],
        config: &ResizeConfig,
        device: Device,
    ) -> Self {
        Self::new(images, config, device).and_targets(targets)
    }

    /// The same, with every image in the size it has: for samples whose size augmentation chose.
    ///
    /// # Panics
    /// When there are not as many targets as images.
    pub fn with_targets_as_they_are(
        images: &[RgbImage],
        targets: &[Target],
        config: &ResizeConfig,
        device: Device,
    ) -> Self {
        let sizes = images.iter().map(RgbImage::size).collect();
        Self::at_sizes(images, sizes, config, device).and_targets(targets)
    }

    fn and_targets(self, targets: &[Target]) -> Self {
        let batch = self;
        assert_eq!(batch.len(), targets.len(), "one target for each image");
        let pixels = laid_out_for_training(&batch.pixels);
        let sizes = batch.original.par_iter().zip(&batch.resized);
        let resize = |(target, (&from, &to)): (&Target, _)| ResizedTarget::new(target, from, to);
        let targets = targets.par_iter().zip(sizes).map(resize).collect();
        Self { pixels, targets, ..batch }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.original.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.original.is_empty()
    }

    /// Height and width of `pixels`.
    pub fn padded(&self) -> ImageSize {
        map_size(&self.pixels)
    }

    /// A box of image `image`, moved from resized to original pixels.
    pub(crate) fn original_from_resized(&self, image: usize, bbox_in_resized: &BBox) -> BBox {
        let (from, to) = (self.resized[image], self.original[image]);
        bbox_in_resized.scale(side_ratio(from.width, to.width), side_ratio(from.height, to.height))
    }
}

/// `[N, 3, H, W]`, channels-last.
fn pixels_by_kernel(images: &[RgbImage], resized: &[ImageSize], config: &ResizeConfig) -> Tensor {
    let padded = padded_size(resized);
    let tables = config.tables();
    let mut pixels = vec![0.0f32; images.len() * padded.area() * 3];
    let places = pixels.par_chunks_mut((padded.area() * 3).max(1));
    places.zip(images).zip(resized).for_each(|((place, image), &size)| {
        resample::bilinear(image, &tables, size, place, padded.width);
    });
    Tensor::from_slice(&pixels).view(shape_last(images.len(), padded)).permute([0, 3, 1, 2])
}

/// The same by libtorch's operators. The picture goes over as it is: one of 640x480 in a tenth of the
/// bytes it has when it is resized.
fn pixels_on_card(
    images: &[RgbImage],
    resized: &[ImageSize],
    config: &ResizeConfig,
    card: Device,
) -> Tensor {
    let padded = padded_size(resized);
    let pixels = Tensor::zeros(shape_last(images.len(), padded), (Kind::Float, card));
    let pixels = pixels.permute([0, 3, 1, 2]);
    let of_colours = |values: &[f32; 3]| Tensor::from_slice(values).view([3, 1, 1]).to_device(card);
    let (mean, std) = (of_colours(&config.mean), of_colours(&config.std));
    for (place, (image, size)) in (0..).zip(images.iter().zip(resized)) {
        let from = image.size();
        if from.area() == 0 {
            continue;
        }
        let bytes = Tensor::from_slice(image.pixels());
        let bytes = bytes.view([from.height as i64, from.width as i64, 3]).to_device(card);
        let original = (bytes.permute([2, 0, 1]).to_kind(Kind::Float) / 255.0 - &mean) / &std;
        let [height, width] = [size.height, size.width].map(|side| side as i64);
        let resized = original.unsqueeze(0).upsample_bilinear2d([height, width], false, None, None);
        let mut within = pixels.get(place).narrow(1, 0, height).narrow(2, 0, width);
        within.copy_(&resized.get(0));
    }
    pixels
}

/// `[N, H, W, 3]`.
fn shape_last(num_images: usize, padded: ImageSize) -> [i64; 4] {
    [num_images, padded.height, padded.width, 3].map(|side| side as i64)
}

impl ResizedTarget {
    fn new(target: &Target, from: ImageSize, to: ImageSize) -> Self {
        let (x_ratio, y_ratio) =
            (side_ratio(from.width, to.width), side_ratio(from.height, to.height));
        let boxes = target.boxes().iter().map(|bbox| bbox.scale(x_ratio, y_ratio)).collect();
        let masks = target.masks().map(|masks| {
            let mut bitmaps = vec![0u8; masks.len() * to.area()];
            let places = bitmaps.par_chunks_exact_mut(to.area().max(1));
            places.zip(masks).for_each(|(place, mask)| resample::nearest(mask, to, place));
            let shape = [masks.len(), to.height, to.width].map(|side| side as i64);
            Tensor::from_slice(&bitmaps).view(shape)
        });
        Self { boxes_in_resized: boxes, labels: target.labels().to_vec(), masks_in_resized: masks }
    }
}

/// New over old, in float32 as torchvision has it.
fn side_ratio(from: usize, to: usize) -> f32 {
    to as f32 / from as f32
}

fn padded_size(resized: &[ImageSize]) -> ImageSize {
    let longest = |side: fn(&ImageSize) -> usize| {
        resized.iter().map(side).max().unwrap_or(1).next_multiple_of(SIZE_DIVISOR)
    };
    ImageSize::new(longest(|size| size.height), longest(|size| size.width))
}

/// The last two dimensions of a tensor.
pub(crate) fn map_size(map: &Tensor) -> ImageSize {
    let shape = map.size();
    let side = |from_end: usize| shape[shape.len() - from_end] as usize;
    ImageSize::new(side(2), side(1))
}

/// Boxes as a `[R, 4]` tensor.
pub(crate) fn deltas_tensor(rows: &[[f32; 4]], device: Device) -> Tensor {
    Tensor::from_slice(rows.as_flattened()).view([-1, 4]).to_device(device)
}

/// Places as an index tensor.
pub(crate) fn index_tensor(places: &[usize], device: Device) -> Tensor {
    let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
    Tensor::from_slice(&places).to_kind(Kind::Int64).to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes torchvision 0.26 gives, the last two among those that fall a pixel short.
    #[test]
    fn sizes_are_rounded_down() {
        let config = ResizeConfig::default();
        for (from, to) in [
            ([480, 640], [800, 1066]),
            ([427, 640], [800, 1199]),
            ([1080, 1920], [749, 1333]),
            ([612, 612], [800, 800]),
            ([100, 298], [447, 1332]),
        ] {
            let [height, width] = from;
            let resized = config.resized(ImageSize::new(height, width));
            assert_eq!([resized.height, resized.width], to, "{from:?}");
        }
        let thread = config.resized(ImageSize::new(1, 5000));
        assert_eq!(thread, ImageSize::new(1, 1333));
    }

    #[test]
    fn different_images_share_one_padded_tensor() {
        let config = ResizeConfig { min_size: 40, max_size: 100, ..ResizeConfig::default() };
        let grey = |height, width| RgbImage::filled(ImageSize::new(height, width), [124, 116, 104]);
        let batch = Batch::new(&[grey(20, 40), grey(50, 20)], &config, Device::Cpu);
        assert_eq!(batch.pixels.size(), [2, 3, 128, 96]);
        assert_eq!(batch.resized, [ImageSize::new(40, 80), ImageSize::new(100, 40)]);
        let at = |n, y, x| batch.pixels.double_value(&[n, 0, y, x]);
        assert!(at(0, 39, 79) != 0.0 && at(0, 40, 79) == 0.0 && at(0, 39, 80) == 0.0);
    }

    /// The way of a card, done here: to float32 rounding the same, also in layout and padding.
    #[test]
    fn both_ways_of_resizing_agree() {
        let picture = |height: usize, width: usize| {
            let pixels = (0..height * width * 3).map(|at| (at * 7919 % 251) as u8).collect();
            RgbImage::new(ImageSize::new(height, width), pixels).unwrap()
        };
        let images = [picture(30, 47), picture(64, 21), picture(0, 9), picture(40, 40)];
        let config = ResizeConfig { min_size: 40, max_size: 66, ..ResizeConfig::default() };
        let resized: Vec<_> = images.iter().map(|image| config.resized(image.size())).collect();
        let kernel = pixels_by_kernel(&images, &resized, &config);
        let card = pixels_on_card(&images, &resized, &config, Device::Cpu);
        assert_eq!((kernel.size(), kernel.stride()), (card.size(), card.stride()));
        let worst = (kernel - card).abs().max().double_value(&[]);
        // A normalised value is up to 2.6; some float32 steps there.
        assert!(worst < 2e-6, "{worst}");
    }

    #[test]
    fn no_images_are_a_batch() {
        let batch = Batch::new(&[], &ResizeConfig::default(), Device::Cpu);
        assert!(batch.is_empty());
        assert_eq!(batch.pixels.size()[0], 0);
    }
}
