//! The mask branch: a crop of each detection becomes a small mask (He et al. 2017,
//! arXiv:1703.06870, section 3).
//!
//! Source: `torchvision/models/detection/mask_rcnn.py` and `roi_heads.py`. Letters: `D` detections
//! of the batch, `C` classes, `P` pooled side; the mask has twice as many pixels a side.
//! Difference: in inference only the channel of the predicted class is computed, which gives the
//! same number with fewer products.

mod loss;

#[cfg(test)]
pub(crate) use loss::wanted_masks;

use crate::batch::{Batch, index_tensor};
use crate::box_branch::{Found, Training, pool};
use crate::numbers::to_vec;
use crate::paste;
use kestrel_core::{BBox, ImageSize, Label, Mask};
use kestrel_layers::{
    Activation, Conv2d, ConvConfig, ConvNorm, ConvTranspose2d, KAIMING_NORMAL, Mode, NormConfig,
    Preparation, full, torch_default,
};
use kestrel_roi_align::{MultiLevelPooler, Roi, RoiAlignError};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::nn::Path;

/// The shape of the branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaskBranchConfig {
    /// Channels of each 3x3 convolution.
    pub convs: Vec<i64>,
    /// Normalisation after each of them; none in torchvision's v1 model.
    pub norm: Option<NormConfig>,
    /// Channels of the transposed convolution that doubles the side.
    pub predictor_channels: i64,
    /// Side of a crop, `P`.
    pub pooled: usize,
}

impl Default for MaskBranchConfig {
    fn default() -> Self {
        Self { convs: vec![256; 4], norm: None, predictor_channels: 256, pooled: 14 }
    }
}

/// `mask_head` and `mask_predictor`.
#[derive(Debug)]
pub struct MaskBranch {
    pooler: MultiLevelPooler,
    convs: Vec<ConvNorm>,
    conv5_mask: ConvTranspose2d,
    mask_fcn_logits: Conv2d,
}

impl MaskBranch {
    /// Registers `mask_head` and `mask_predictor` under `path`.
    pub fn new(path: &Path, channels: i64, num_classes: i64, config: &MaskBranchConfig) -> Self {
        let inputs = std::iter::once(channels).chain(config.convs.iter().copied());
        let conv = |(index, (from, &to)): (usize, (i64, &i64))| {
            let path = path / "mask_head" / index;
            let conv = ConvConfig::same(3, KAIMING_NORMAL);
            ConvNorm::new(&path, [from, to], conv, config.norm, Activation::Relu)
        };
        let convs = inputs.zip(&config.convs).enumerate().map(conv).collect();
        let last = config.convs.last().copied().unwrap_or(channels);
        let (path, inner) = (path / "mask_predictor", config.predictor_channels);
        let logits =
            ConvConfig { bias: Some(torch_default(inner)), ..ConvConfig::same(1, KAIMING_NORMAL) };
        Self {
            pooler: MultiLevelPooler::detector(config.pooled),
            convs,
            conv5_mask: ConvTranspose2d::new(
                &(&path / "conv5_mask"),
                last,
                inner,
                2,
                KAIMING_NORMAL,
            ),
            mask_fcn_logits: Conv2d::new(&(&path / "mask_fcn_logits"), inner, num_classes, logits),
        }
    }

    /// The mask of every object found, in original pixels, image by image.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled.
    pub fn masks(
        &self,
        pyramid: &[Tensor],
        found: &[Vec<Found>],
        batch: &Batch,
    ) -> Result<Vec<Vec<Mask>>, RoiAlignError> {
        let crops = self.probabilities(pyramid, found)?;
        let side = 2 * self.pooler.config.pooled;
        let place = |image: usize, object: &Found| {
            let bbox = batch.original_from_resized(image, &object.bbox_in_resized);
            (bbox, batch.original[image])
        };
        let places: Vec<(BBox, ImageSize)> = found
            .iter()
            .enumerate()
            .flat_map(|(image, objects)| objects.iter().map(move |object| place(image, object)))
            .collect();
        let masks: Vec<Mask> = crops
            .par_chunks_exact(side * side)
            .zip(&places)
            .map(|(crop, (bbox, size))| paste::paste_mask(crop, side, bbox, *size))
            .collect();
        let mut masks = masks.into_iter();
        Ok(found.iter().map(|objects| masks.by_ref().take(objects.len()).collect()).collect())
    }

    /// Probabilities of the predicted class's mask, `[D, 2 P, 2 P]` in row order.
    fn probabilities(
        &self,
        pyramid: &[Tensor],
        found: &[Vec<Found>],
    ) -> Result<Vec<f32>, RoiAlignError> {
        let boxes: Vec<Vec<BBox>> = found
            .iter()
            .map(|objects| objects.iter().map(|object| object.bbox_in_resized).collect())
            .collect();
        let labels: Vec<Label> = found.iter().flatten().map(|object| object.label).collect();
        let rois = Roi::of_images(&boxes);
        if rois.is_empty() {
            return Ok(Vec::new());
        }
        let crops = pool(&self.pooler, pyramid, &rois)?;
        let logits = self.logits_of(&crops, &labels, Mode::Eval);
        Ok(to_vec(&self.conv5_mask.image_of_rows(&logits.sigmoid().unsqueeze(-1), self.side())))
    }

    fn side(&self) -> i64 {
        self.pooler.config.pooled as i64
    }

    /// Where the branch's crops come from.
    pub(crate) fn pooler(&self) -> &MultiLevelPooler {
        &self.pooler
    }

    /// What the last convolution sees of every crop, as rows: `[D, 2 P * 2 P, predictor channels]`.
    fn rows(&self, crops: &Tensor, mode: Mode) -> Tensor {
        let first = crops.shallow_clone();
        let x = self.convs.iter().fold(first, |x, conv| conv.forward(&x, mode));
        self.conv5_mask.rows(&x).relu_()
    }

    /// Mask logits of one class for each crop, `[D, 2 P * 2 P]` in the order of the rows.
    fn logits_of(&self, crops: &Tensor, labels: &[Label], mode: Mode) -> Tensor {
        let places: Vec<usize> = labels.iter().map(|label| label.index()).collect();
        let rows = self.rows(crops, mode);
        let outputs = index_tensor(&places, rows.device());
        full(&self.mask_fcn_logits.one_output_each(&rows, &outputs))
    }

    /// Mask logits of every class for crops of these RoIs, `[D, C, 2 P, 2 P]`.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled.
    pub fn logits(
        &self,
        pyramid: &[Tensor],
        rois: &[Roi],
        mode: Mode,
    ) -> Result<Tensor, RoiAlignError> {
        let rows = self.rows(&pool(&self.pooler, pyramid, rois)?, mode);
        let logits = full(&self.mask_fcn_logits.of_rows(&rows));
        Ok(self.conv5_mask.image_of_rows(&logits, self.side()))
    }

    /// The loss over all proposals that stand for an object, from crops `[D, channels, P, P]` of
    /// theirs.
    ///
    /// # Errors
    /// When the masks of the ground truth do not fit.
    pub(crate) fn loss(
        &self,
        crops: &Tensor,
        training: &Training,
        batch: &Batch,
    ) -> Result<Tensor, RoiAlignError> {
        let labels: Vec<Label> =
            training.positives.iter().map(|found| training.labels[found.place]).collect();
        let logits = self.logits_of(crops, &labels, Mode::Train);
        let side = 2 * self.side();
        let logits = self.conv5_mask.image_of_rows(&logits.unsqueeze(-1), self.side());
        loss::mask_loss(&logits.view([-1, side, side]), training, batch)
    }

    /// Prepares every layer for inference.
    pub fn prepare(&mut self, how: Preparation) {
        self.convs.iter_mut().for_each(|layer| layer.prepare(how));
        self.conv5_mask.prepare();
        self.mask_fcn_logits.prepare(how);
    }
}
