//! A detector taken apart: what each stage gives for one batch.

use kestrel_core::{BBox, Detections, RgbImage};
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

/// Boxes of the reference in resized pixels, image by image.
pub struct Reference<'a> {
    pub proposals: &'a [Vec<BBox>],
    pub found: &'a [Vec<BBox>],
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
    /// The heads are shown the reference's boxes, so that their numbers can be compared row by
    /// row; the detections come from our own.
    pub fn run(
        parts: &mut Parts,
        architecture: &Architecture,
        images: &[RgbImage],
        reference: &Reference<'_>,
    ) -> Self {
        no_grad(|| {
            let batch = Batch::new(images, &architecture.resize, Device::Cpu);
            let faster = parts.faster();
            let body = faster.body.forward(&batch.pixels, Mode::Eval);
            let pyramid = faster.fpn.forward(&body, Mode::Eval);
            let rpn = faster.rpn.forward(&pyramid, &batch);
            let proposals = faster.rpn.propose(&rpn, &batch, Mode::Eval);
            let rois = Roi::of_images(reference.proposals);
            let box_crops = faster.boxes.crops(&pyramid, &rois).unwrap();
            let predictions = faster.boxes.predict(&pyramid, &rois, Mode::Eval).unwrap();
            let mask_logits = match parts {
                Parts::Faster(_) => None,
                Parts::Mask(mask) => {
                    let rois = Roi::of_images(reference.found);
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
