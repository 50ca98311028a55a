//! What the region proposal network is trained with (`compute_loss`).

use super::{RpnConfig, RpnOutput};
use crate::batch::{ResizedTarget, deltas_tensor, index_tensor};
use crate::box_coder::{BoxCoder, Deltas};
use crate::losses::{RpnLosses, smooth_l1_sum};
use crate::matcher::{Match, match_boxes};
use crate::sampler::{Draw, Sample};
use kestrel_core::BBox;
use rayon::prelude::*;
use tch::{Reduction, Tensor};

/// The sampled anchors of a batch; places count through the images, `K` anchors each.
#[derive(Default)]
struct Sampled {
    positive: Vec<usize>,
    negative: Vec<usize>,
    /// What each positive should predict.
    deltas: Vec<Deltas>,
}

/// Mean binary cross-entropy over all sampled anchors, and the smooth L1 of the positive ones over
/// the number of all sampled.
pub(super) fn losses(
    config: &RpnConfig,
    output: &RpnOutput,
    targets: &[ResizedTarget],
    draw: &mut Draw,
) -> RpnLosses {
    let anchors = output.anchors.to_vec();
    // Without the masks, which are tensors: those are not shared between threads.
    let objects: Vec<&[BBox]> =
        targets.iter().map(|target| target.boxes_in_resized.as_slice()).collect();
    let match_image = |objects: &&[BBox]| match_boxes(&config.matcher, objects, &anchors);
    let matches: Vec<Vec<Match>> = objects.par_iter().map(match_image).collect();
    let mut sampled = Sampled::default();
    for (image, (objects, matches)) in objects.into_iter().zip(&matches).enumerate() {
        let sample = Sample::draw(&config.sampler, matches, draw);
        let first = image * anchors.len();
        for &place in &sample.positive {
            if let Match::Object(object) = matches[place] {
                let deltas = BoxCoder::PROPOSALS.encode(&objects[object], &anchors[place]);
                sampled.deltas.push(deltas);
                sampled.positive.push(first + place);
            }
        }
        sampled.negative.extend(sample.negative.iter().map(|place| first + place));
    }
    sampled.losses(&Tensor::cat(&output.logits, 1), &Tensor::cat(&output.deltas, 1))
}

impl Sampled {
    /// `logits` `[N, K]`, `deltas` `[N, K, 4]`.
    fn losses(&self, logits: &Tensor, deltas: &Tensor) -> RpnLosses {
        let device = logits.device();
        let all = [self.positive.as_slice(), &self.negative].concat();
        let mut wanted = vec![1.0f32; self.positive.len()];
        wanted.resize(all.len(), 0.0);
        let wanted = Tensor::from_slice(&wanted).to_device(device);
        let chosen = logits.flatten(0, -1).index_select(0, &index_tensor(&all, device));
        let objectness =
            chosen.binary_cross_entropy_with_logits::<Tensor>(&wanted, None, None, Reduction::Mean);
        let chosen = deltas.view([-1, 4]).index_select(0, &index_tensor(&self.positive, device));
        let wanted = deltas_tensor(&self.deltas, device);
        let box_reg = smooth_l1_sum(&chosen, &wanted) / (all.len().max(1) as f64);
        RpnLosses { objectness, box_reg }
    }
}
