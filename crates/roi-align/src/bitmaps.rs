//! Crops of bitmaps: what a mask branch should predict for a box (Mask R-CNN section 3).
//!
//! Source: `project_masks_on_boxes` in `torchvision/models/detection/roi_heads.py`, which turns every
//! mask of an image into floats and pools them as feature maps of one channel. Here the bytes are
//! read where they are, and only inside the boxes. Letters: `M` bitmaps. Difference from
//! torchvision: float32 rounding, as in the kernel.

use crate::kernel::check_images;
use crate::plan::RoiTaps;
use crate::{Roi, RoiAlignConfig, RoiAlignError};
use kestrel_core::ImageSize;
use kestrel_slices as slices;
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

/// The crops `[R, P, P]`, float32 on the CPU, of bitmaps `[M, H, W]` of 0 and 1. The `image` of a RoI
/// is the place of its bitmap, and its box is in the bitmap's pixels.
///
/// # Errors
/// When shapes, settings or RoIs do not fit.
pub fn crop_bitmaps(
    bitmaps: &Tensor,
    rois: &[Roi],
    config: &RoiAlignConfig,
) -> Result<Tensor, RoiAlignError> {
    config.check()?;
    let shape = bitmaps.size();
    let [count, height, width] = shape[..] else {
        return Err(RoiAlignError::BitmapShape { found: shape });
    };
    check_images(rois, count as usize)?;
    let size = ImageSize::new(height as usize, width as usize);
    let bytes = bitmaps.f_to_device(Device::Cpu)?.f_to_kind(Kind::Uint8)?.f_contiguous()?;
    let bytes = slices::bytes(&bytes).ok_or(RoiAlignError::BitmapShape { found: shape })?;
    let crops_shape = [rois.len(), config.pooled, config.pooled].map(|extent| extent as i64);
    let crops = slices::filled(&crops_shape, |values| {
        let crops = values.par_chunks_exact_mut(config.pooled * config.pooled).zip(rois);
        crops.for_each(|(crop, roi)| {
            let bitmap = &bytes[roi.image * size.area()..][..size.area()];
            crop_one(bitmap, &RoiTaps::new(&roi.bbox, 1.0, size, config), config.pooled, crop);
        });
    })?;
    Ok(crops)
}

fn crop_one(bitmap: &[u8], plan: &RoiTaps, pooled: usize, crop: &mut [f32]) {
    for (bin, value) in crop.iter_mut().enumerate() {
        let taps = plan.bin(bin / pooled, bin % pooled);
        *value = taps.map(|tap| tap.weight * f32::from(bitmap[tap.pixel])).sum();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Route, Sampling, roi_align};
    use kestrel_core::BBox;

    const CONFIG: RoiAlignConfig =
        RoiAlignConfig { pooled: 5, sampling: Sampling::Adaptive, aligned: false };

    #[test]
    fn equal_to_pooling_feature_maps_of_one_channel() {
        tch::manual_seed(0);
        let bitmaps = Tensor::randint(2, [3, 20, 30], (Kind::Uint8, Device::Cpu));
        let corners = [(0.0, 0.0, 30.0, 20.0), (3.2, 4.1, 11.9, 18.0), (-4.0, 15.0, 60.0, 50.0)];
        let roi = |(image, (x1, y1, x2, y2))| Roi { image, bbox: BBox::new(x1, y1, x2, y2) };
        let rois: Vec<Roi> = corners.into_iter().enumerate().map(roi).collect();
        let maps = bitmaps.to_kind(Kind::Float).unsqueeze(1);
        let expected = roi_align(&maps, &rois, 1.0, &CONFIG, Route::Kernel).unwrap().squeeze_dim(1);
        let found = crop_bitmaps(&bitmaps, &rois, &CONFIG).unwrap();
        // The same products in the same order.
        assert!(found.equal(&expected));
        assert!(found.max().double_value(&[]) > 0.0);
    }

    #[test]
    fn nothing_to_crop_and_nothing_to_crop_from() {
        let bitmaps = Tensor::zeros([2, 4, 4], (Kind::Uint8, Device::Cpu));
        assert_eq!(crop_bitmaps(&bitmaps, &[], &CONFIG).unwrap().size(), [0, 5, 5]);
        let outside = Roi { image: 2, bbox: BBox::default() };
        assert!(crop_bitmaps(&bitmaps, &[outside], &CONFIG).is_err());
        assert!(crop_bitmaps(&bitmaps.get(0), &[], &CONFIG).is_err());
        let empty = Tensor::zeros([1, 0, 0], (Kind::Uint8, Device::Cpu));
        let inside = Roi { image: 0, bbox: BBox::new(0.0, 0.0, 3.0, 3.0) };
        let crops = crop_bitmaps(&empty, &[inside], &CONFIG).unwrap();
        assert_eq!(crops.sum(Kind::Float).double_value(&[]), 0.0);
    }
}
