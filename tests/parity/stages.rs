//! A detector taken apart: what each stage gives for one batch.

use kestrel_core::{Detections, RgbImage};
use kestrel_layers::Mode;
use kestrel_rcnn::{Architecture, Batch, Detector, FasterRcnn, MaskRcnn, Proposals, RpnOutput};
use kestrel_roi_align::Roi;
use tch::nn::VarStore;
use tch::{Device, Tensor, no_grad};

/// A detector whose parts can be looked at.
pub enum Parts {
    Faster(FasterRcnn),
    Mask(MaskRcnn),
}

impl Parts {
    pub fn build(store: &VarStore, architecture: &Architecture) -> Self {
        match &architecture.mask_branch {
            Some(masks) => Self::Mask(MaskRcnn::new(&store.root(), architecture, masks)),
            None => Self::Faster(FasterRcnn::new(&store.root(), architecture)),
        }
    }

    pub fn faster(&self) -> &FasterRcnn {
        match self {
            Self::Faster(faster) => faster,
            Self::Mask(mask) => &mask.faster,
        }
    }

    pub fn detector(&mut self) -> &mut dyn Detector {
        match self {
            Self::Faster(faster) => faster,
            Self::Mask(mask) => mask,
        }
    }
}

/// Everything between picture and detections.
pub struct Stages {
    pub batch: Batch,
    pub body: [Tensor; 4],
    pub pyramid: Vec<Tensor>,
    pub rpn: RpnOutput,
    pub proposals: Vec<Proposals>,
    pub box_crops: Tensor,
    pub class_logits: Tensor,
    pub box_deltas: Tensor,
    pub detections: Vec<Detections>,
    /// Mask logits of every class for every detection.
    pub mask_logits: Option<Tensor>,
}

impl Stages {
    pub fn run(parts: &mut Parts, architecture: &Architecture, images: &[RgbImage]) -> Self {
        no_grad(|| {
            let batch = Batch::new(images, &architecture.resize, Device::Cpu);
            let faster = parts.faster();
            let body = faster.body.forward(&batch.pixels, Mode::Eval);
            let pyramid = faster.fpn.forward(&body, Mode::Eval);
            let rpn = faster.rpn.forward(&pyramid, &batch);
            let proposals = faster.rpn.propose(&rpn, &batch, Mode::Eval);
            let boxes: Vec<_> = proposals.iter().map(|of| of.boxes_in_resized.clone()).collect();
            let rois = Roi::of_images(&boxes);
            let box_crops = faster.boxes.crops(&pyramid, &rois).unwrap();
            let predictions = faster.boxes.predict(&pyramid, &rois, Mode::Eval).unwrap();
            let found = faster.boxes.detect(&pyramid, &proposals, &batch).unwrap();
            let found: Vec<_> =
                found.iter().map(|of| of.iter().map(|one| one.bbox_in_resized).collect()).collect();
            let mask_logits = match parts {
                Parts::Faster(_) => None,
                Parts::Mask(mask) => {
                    let rois = Roi::of_images(&found);
                    Some(mask.masks.logits(&pyramid, &rois, Mode::Eval).unwrap())
                }
            };
            let detections = parts.detector().detect(&batch).unwrap();
            Self {
                batch,
                body,
                pyramid,
                rpn,
                proposals,
                box_crops,
                class_logits: predictions.class_logits,
                box_deltas: predictions.box_deltas,
                detections,
                mask_logits,
            }
        })
    }
}
