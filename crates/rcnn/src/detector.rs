//! The two detectors, stage by stage.
//!
//! Source: `torchvision/models/detection/generalized_rcnn.py`, `faster_rcnn.py`, `mask_rcnn.py`.
//! Two methods take the place of torchvision's one, whose answer depends on a training flag.

use crate::architecture::Architecture;
use crate::backward::{Backward, TrainingPyramid};
use crate::batch::Batch;
use crate::box_branch::{BoxBranch, Found, Training};
use crate::error::RcnnError;
use crate::losses::Losses;
use crate::mask_branch::MaskBranch;
use crate::rpn::Rpn;
use crate::sampler::Draw;
use kestrel_core::{Detection, Detections, Mask};
use kestrel_fpn::Fpn;
use kestrel_layers::{Mode, Preparation, full};
use kestrel_resnet::ResNet;
use tch::nn::Path;
use tch::{Tensor, no_grad};

/// Finds objects in images, and learns to.
pub trait Detector: std::fmt::Debug + Send {
    /// The losses of a training step on images with ground truth. `draw` chooses the samples.
    ///
    /// # Errors
    /// When the batch has no ground truth, or none of the kind the detector needs.
    fn losses(&self, batch: &Batch, draw: &mut Draw) -> Result<Losses, RcnnError>;

    /// [`Self::losses`], with the gradients of `weight` times their total added to those of the
    /// parameters. The losses cannot be differentiated again. On the CPU this is faster than
    /// `(losses.total() * weight).backward()`, and gives the same gradients to float32 rounding.
    ///
    /// # Errors
    /// As [`Self::losses`].
    fn backward(&self, batch: &Batch, draw: &mut Draw, weight: f64) -> Result<Losses, RcnnError>;

    /// The objects of each image, in original pixels, by falling score.
    ///
    /// # Errors
    /// When the pyramid cannot be pooled, as after a change of device.
    fn detect(&self, batch: &Batch) -> Result<Vec<Detections>, RcnnError>;

    /// Folds norms and lays weights out for inference. Losses cannot be asked for afterwards.
    fn prepare(&mut self, how: Preparation);
}

/// Backbone, pyramid, proposals, box branch.
#[derive(Debug)]
pub struct FasterRcnn {
    /// `backbone.body`.
    pub body: ResNet,
    /// `backbone.fpn`.
    pub fpn: Fpn,
    /// `rpn`.
    pub rpn: Rpn,
    /// `roi_heads.box_head` and `roi_heads.box_predictor`.
    pub boxes: BoxBranch,
}

/// Faster R-CNN with a mask branch.
#[derive(Debug)]
pub struct MaskRcnn {
    /// Everything but the masks.
    pub faster: FasterRcnn,
    /// `roi_heads.mask_head` and `roi_heads.mask_predictor`.
    pub masks: MaskBranch,
}

impl FasterRcnn {
    /// Registers all parameters under `path`.
    pub fn new(path: &Path, architecture: &Architecture) -> Self {
        let Architecture { backbone, fpn, anchors, rpn, box_branch, num_classes, .. } =
            architecture;
        let channels = fpn.channels;
        let (backbone_path, heads) = (path / "backbone", path / "roi_heads");
        Self {
            body: ResNet::new(&(&backbone_path / "body"), backbone),
            fpn: Fpn::new(&(&backbone_path / "fpn"), &backbone.channels(), fpn),
            rpn: Rpn::new(&(path / "rpn"), channels, anchors, rpn),
            boxes: BoxBranch::new(&heads, channels, *num_classes as i64, box_branch),
        }
    }

    /// P2 and up, finest first.
    pub fn pyramid(&self, batch: &Batch, mode: Mode) -> Vec<Tensor> {
        let pyramid = self.fpn.forward(&self.body.forward(&batch.pixels, mode), mode);
        // Crops are taken from float32.
        pyramid.iter().map(full).collect()
    }

    /// Objects in resized pixels, with the pyramid they were found in.
    fn find(&self, batch: &Batch) -> Result<(Vec<Tensor>, Vec<Vec<Found>>), RcnnError> {
        let pyramid = self.pyramid(batch, Mode::Eval);
        let anchored = self.rpn.forward(&pyramid, batch);
        let proposals = self.rpn.propose(&anchored, batch, Mode::Eval);
        let found = self.boxes.detect(&pyramid, &proposals, batch)?;
        Ok((pyramid, found))
    }

    /// Losses without the masks', with the pyramid and the samples they were taken from.
    fn learn(
        &self,
        batch: &Batch,
        draw: &mut Draw,
        way: Backward,
    ) -> Result<(TrainingPyramid, Training, Losses), RcnnError> {
        require_targets(batch)?;
        let pooler = self.boxes.pooler();
        let mut pyramid = TrainingPyramid::new(self.pyramid(batch, Mode::Train), pooler, way)?;
        let anchored = self.rpn.forward(pyramid.levels(), batch);
        let rpn = self.rpn.losses(&anchored, batch, draw);
        let proposals = self.rpn.propose(&anchored, batch, Mode::Train);
        let training = self.boxes.sample(proposals, &batch.targets, draw);
        let crops = pyramid.crops(pooler, &training.rois)?;
        let predictions = self.boxes.predict_from(&crops, Mode::Train);
        let losses = Losses { rpn, boxes: training.losses(&predictions), mask: None };
        Ok((pyramid, training, losses))
    }
}

impl Detector for FasterRcnn {
    fn losses(&self, batch: &Batch, draw: &mut Draw) -> Result<Losses, RcnnError> {
        Ok(self.learn(batch, draw, Backward::Whole)?.2)
    }

    fn backward(&self, batch: &Batch, draw: &mut Draw, weight: f64) -> Result<Losses, RcnnError> {
        let (pyramid, _, losses) = self.learn(batch, draw, Backward::suited_to(batch))?;
        pyramid.backward(&losses, weight)?;
        Ok(losses)
    }

    fn detect(&self, batch: &Batch) -> Result<Vec<Detections>, RcnnError> {
        no_grad(|| {
            let (_, found) = self.find(batch)?;
            let masks = found.iter().map(|objects| vec![None; objects.len()]).collect();
            Ok(in_original(found, masks, batch))
        })
    }

    fn prepare(&mut self, how: Preparation) {
        self.body.prepare(how);
        self.fpn.prepare(how);
        self.rpn.prepare(how);
        self.boxes.prepare(how);
    }
}

impl MaskRcnn {
    /// Registers all parameters under `path`; `masks` is the architecture's mask branch.
    pub fn new(
        path: &Path,
        architecture: &Architecture,
        masks: &crate::mask_branch::MaskBranchConfig,
    ) -> Self {
        let (channels, classes) = (architecture.fpn.channels, architecture.num_classes as i64);
        Self {
            faster: FasterRcnn::new(path, architecture),
            masks: MaskBranch::new(&(path / "roi_heads"), channels, classes, masks),
        }
    }
}

impl MaskRcnn {
    fn learn(
        &self,
        batch: &Batch,
        draw: &mut Draw,
        way: Backward,
    ) -> Result<(TrainingPyramid, Losses), RcnnError> {
        require_masks(batch)?;
        let (mut pyramid, training, losses) = self.faster.learn(batch, draw, way)?;
        let crops = pyramid.crops(self.masks.pooler(), &training.positive_rois())?;
        let mask = self.masks.loss(&crops, &training, batch)?;
        Ok((pyramid, Losses { mask: Some(mask), ..losses }))
    }
}

impl Detector for MaskRcnn {
    fn losses(&self, batch: &Batch, draw: &mut Draw) -> Result<Losses, RcnnError> {
        Ok(self.learn(batch, draw, Backward::Whole)?.1)
    }

    fn backward(&self, batch: &Batch, draw: &mut Draw, weight: f64) -> Result<Losses, RcnnError> {
        let (pyramid, losses) = self.learn(batch, draw, Backward::suited_to(batch))?;
        pyramid.backward(&losses, weight)?;
        Ok(losses)
    }

    fn detect(&self, batch: &Batch) -> Result<Vec<Detections>, RcnnError> {
        no_grad(|| {
            let (pyramid, found) = self.faster.find(batch)?;
            let masks = self.masks.masks(&pyramid, &found, batch)?;
            let masks = masks.into_iter().map(|of_image| of_image.into_iter().map(Some).collect());
            Ok(in_original(found, masks.collect(), batch))
        })
    }

    fn prepare(&mut self, how: Preparation) {
        self.faster.prepare(how);
        self.masks.prepare(how);
    }
}

/// What was found, moved to original pixels, with a mask or none for each object.
fn in_original(
    found: Vec<Vec<Found>>,
    masks: Vec<Vec<Option<Mask>>>,
    batch: &Batch,
) -> Vec<Detections> {
    let of_image = |(image, (objects, masks)): (usize, (Vec<Found>, Vec<Option<Mask>>))| {
        let detection = |(Found { bbox_in_resized, label, score }, mask): (Found, Option<Mask>)| {
            let bbox = batch.original_from_resized(image, &bbox_in_resized);
            Detection { bbox, label, score, mask }
        };
        let objects = objects.into_iter().zip(masks).map(detection).collect();
        Detections { image_size: batch.original[image], objects }
    };
    found.into_iter().zip(masks).enumerate().map(of_image).collect()
}

fn require_targets(batch: &Batch) -> Result<(), RcnnError> {
    if batch.targets.len() != batch.len() {
        return Err(RcnnError::TargetsMissing {
            images: batch.len(),
            targets: batch.targets.len(),
        });
    }
    Ok(())
}

/// An image without objects needs no masks.
fn require_masks(batch: &Batch) -> Result<(), RcnnError> {
    let lacking = |target: &crate::batch::ResizedTarget| {
        target.masks_in_resized.is_none() && !target.boxes_in_resized.is_empty()
    };
    match batch.targets.iter().position(lacking) {
        Some(image) => Err(RcnnError::MasksMissing { image }),
        None => Ok(()),
    }
}
