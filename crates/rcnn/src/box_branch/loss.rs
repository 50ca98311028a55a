//! What the box branch is trained with (`select_training_samples`, `fastrcnn_loss`).

use super::{BoxBranchConfig, BoxPredictions};
use crate::batch::{ResizedTarget, deltas_tensor, index_tensor};
use crate::box_coder::{BoxCoder, Deltas};
use crate::losses::{BoxLosses, smooth_l1_sum};
use crate::matcher::{Match, match_boxes};
use crate::rpn::Proposals;
use crate::sampler::{Draw, Sample};
use kestrel_core::{BBox, Label};
use kestrel_roi_align::Roi;
use tch::{Kind, Reduction, Tensor};

/// The proposals of a batch chosen for training, image after image.
#[derive(Debug, Default)]
pub(crate) struct Training {
    /// Where to crop.
    pub rois: Vec<Roi>,
    /// What each stands for; the background's are label 0.
    pub labels: Vec<Label>,
    /// Those that stand for an object.
    pub positives: Vec<Positive>,
}

/// A RoI that stands for an object.
#[derive(Debug)]
pub(crate) struct Positive {
    /// Place in [`Training::rois`].
    pub place: usize,
    /// Place of the object in its image's ground truth.
    pub object: usize,
    /// What the branch should predict for it.
    pub deltas: Deltas,
}

impl Training {
    pub(super) fn new(
        config: &BoxBranchConfig,
        proposals: Vec<Proposals>,
        targets: &[ResizedTarget],
        draw: &mut Draw,
    ) -> Self {
        let mut training = Self::default();
        for (image, (proposals, target)) in proposals.into_iter().zip(targets).enumerate() {
            let objects = &target.boxes_in_resized;
            // The objects themselves too: early on nothing else overlaps them enough.
            let mut boxes = proposals.boxes_in_resized;
            boxes.extend_from_slice(objects);
            // They come from no anchor, and count down from the other end.
            let of_objects = (0..objects.len() as u64).map(|object| u64::MAX - object);
            let of_proposals = proposals.anchors.into_iter().map(|anchor| anchor as u64);
            let identities: Vec<u64> = of_proposals.chain(of_objects).collect();
            let matches = match_boxes(&config.matcher, objects, &boxes);
            for place in Sample::draw_by(&config.sampler, &matches, &identities, draw).all() {
                training.push(Roi { image, bbox: boxes[place] }, matches[place], target);
            }
        }
        training
    }

    fn push(&mut self, roi: Roi, found: Match, target: &ResizedTarget) {
        let mut label = Label::BACKGROUND;
        if let Match::Object(object) = found {
            label = target.labels[object];
            let deltas = BoxCoder::DETECTIONS.encode(&target.boxes_in_resized[object], &roi.bbox);
            self.positives.push(Positive { place: self.rois.len(), object, deltas });
        }
        self.rois.push(roi);
        self.labels.push(label);
    }

    /// Mean cross-entropy over all RoIs, and the smooth L1 of the positive ones over the number of
    /// all.
    pub(crate) fn losses(&self, predictions: &BoxPredictions) -> BoxLosses {
        let BoxPredictions { class_logits, box_deltas } = predictions;
        let device = class_logits.device();
        let num_classes = class_logits.size()[1] as usize;
        let labels: Vec<usize> = self.labels.iter().map(|label| label.index()).collect();
        let wanted = index_tensor(&labels, device);
        // A sum of nothing is 0 where a mean of nothing would not be a number.
        let reduction = if labels.is_empty() { Reduction::Sum } else { Reduction::Mean };
        let classifier =
            class_logits.cross_entropy_loss::<Tensor>(&wanted, None, reduction, -100, 0.0);

        let column = |positive: &Positive| positive.place * num_classes + labels[positive.place];
        let columns: Vec<usize> = self.positives.iter().map(column).collect();
        let chosen = box_deltas.reshape([-1, 4]).index_select(0, &index_tensor(&columns, device));
        let wanted: Vec<Deltas> = self.positives.iter().map(|positive| positive.deltas).collect();
        let wanted = deltas_tensor(&wanted, device);
        let box_reg = smooth_l1_sum(&chosen, &wanted) / (labels.len().max(1) as f64);
        BoxLosses { classifier: classifier.to_kind(Kind::Float), box_reg }
    }

    /// The RoIs that stand for an object.
    pub(crate) fn positive_rois(&self) -> Vec<Roi> {
        self.positives.iter().map(|positive| self.rois[positive.place]).collect()
    }

    /// The boxes of the positive RoIs of one image, with the object each stands for.
    pub(crate) fn positives_of(&self, image: usize) -> impl Iterator<Item = (BBox, usize)> + '_ {
        let rois = self.positives.iter().map(|positive| (self.rois[positive.place], positive));
        rois.filter(move |(roi, _)| roi.image == image).map(|(roi, found)| (roi.bbox, found.object))
    }
}
