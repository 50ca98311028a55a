//! What the mask branch is trained with (`maskrcnn_loss`, `project_masks_on_boxes`).

use crate::batch::{Batch, ResizedTarget};
use crate::box_branch::Training;
use kestrel_core::BBox;
use kestrel_roi_align::{Roi, RoiAlignConfig, RoiAlignError, Sampling, crop_bitmaps};
use tch::{Device, Kind, Reduction, Tensor};

/// Mean binary cross-entropy of the ground-truth class's mask; 0 where nothing is positive.
///
/// `logits` is `[D, side, side]` for the positive RoIs in their order.
pub(super) fn mask_loss(
    logits: &Tensor,
    training: &Training,
    batch: &Batch,
) -> Result<Tensor, RoiAlignError> {
    if training.positives.is_empty() {
        // Zero, but attached to every parameter, so that each has a gradient.
        return Ok(logits.sum(Kind::Float) * 0.0);
    }
    let side = logits.size()[1] as usize;
    let wanted: Vec<Tensor> = batch
        .targets
        .iter()
        .enumerate()
        .map(|(image, target)| wanted_masks(target, training.positives_of(image), side))
        .collect::<Result<_, _>>()?;
    let wanted = Tensor::cat(&wanted, 0).to_device(logits.device());
    Ok(logits.binary_cross_entropy_with_logits::<Tensor>(&wanted, None, None, Reduction::Mean))
}

/// The object's mask inside each box, `[D, side, side]`, between 0 and 1 at its edge.
pub(crate) fn wanted_masks(
    target: &ResizedTarget,
    positives: impl Iterator<Item = (BBox, usize)>,
    side: usize,
) -> Result<Tensor, RoiAlignError> {
    // An object's place is the image its RoI lies in: its own bitmap.
    let rois: Vec<Roi> = positives.map(|(bbox, object)| Roi { image: object, bbox }).collect();
    let side_len = side as i64;
    let Some(masks) = target.masks_in_resized.as_ref().filter(|_| !rois.is_empty()) else {
        return Ok(Tensor::zeros([0, side_len, side_len], (Kind::Float, Device::Cpu)));
    };
    let config = RoiAlignConfig { pooled: side, sampling: Sampling::Adaptive, aligned: false };
    crop_bitmaps(masks, &rois, &config)
}
