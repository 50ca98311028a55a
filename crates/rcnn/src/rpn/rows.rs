//! The head's numbers, brought to where proposals are chosen: the CPU.

use super::RpnOutput;
use crate::numbers::{to_places, to_vec};
use tch::{Device, Tensor};

/// Anchors of one level of one image, and what the head says of them.
pub(super) struct LevelRows {
    /// Which anchors of the level these are, rising; `None` for all of them.
    pub anchors: Option<Vec<usize>>,
    pub logits: Vec<f32>,
    pub deltas: Vec<f32>,
}

/// For each image and each level at least the `count` best anchors.
pub(super) fn read(output: &RpnOutput, count: usize) -> Vec<Vec<LevelRows>> {
    if output.logits.iter().all(|logits| logits.device() == Device::Cpu) {
        all(output)
    } else {
        best(output, count)
    }
}

fn num_images(output: &RpnOutput) -> i64 {
    output.logits.first().map_or(0, |logits| logits.size()[0])
}

fn all(output: &RpnOutput) -> Vec<Vec<LevelRows>> {
    let of_image = |image: i64| {
        let row = |tensor: &Tensor| to_vec(&tensor.get(image));
        let levels = output.logits.iter().zip(&output.deltas);
        let rows = levels.map(|(logits, deltas)| LevelRows {
            anchors: None,
            logits: row(logits),
            deltas: row(deltas),
        });
        rows.collect()
    };
    (0..num_images(output)).map(of_image).collect()
}

/// Chosen on the device: all of them are 4 MB an image, whose way takes longer than the network.
fn best(output: &RpnOutput, count: usize) -> Vec<Vec<LevelRows>> {
    let (mut logits, mut deltas, mut anchors) = (Vec::new(), Vec::new(), Vec::new());
    for (of_level, coded) in output.logits.iter().zip(&output.deltas) {
        let best = best_anchors(of_level, count as i64);
        let of_deltas = best.unsqueeze(-1).expand([-1, -1, 4], false);
        logits.push(of_level.gather(1, &best, false));
        deltas.push(coded.gather(1, &of_deltas, false));
        anchors.push(best);
    }
    let counts: Vec<usize> = anchors.iter().map(|of_level| of_level.size()[1] as usize).collect();
    // One way for all levels and images: each takes as long as thousands of numbers.
    let (logits, deltas) = (to_vec(&Tensor::cat(&logits, 1)), to_vec(&Tensor::cat(&deltas, 1)));
    let anchors = to_places(&Tensor::cat(&anchors, 1));
    let mut start = 0;
    let mut of_level = |&count: &usize| {
        let span = start..start + count;
        start += count;
        LevelRows {
            anchors: Some(anchors[span.clone()].to_vec()),
            deltas: deltas[4 * span.start..4 * span.end].to_vec(),
            logits: logits[span].to_vec(),
        }
    };
    (0..num_images(output)).map(|_| counts.iter().map(&mut of_level).collect()).collect()
}

/// Places of the largest logits of each image, rising, so that equal ones keep their order; those that
/// are no numbers come last.
fn best_anchors(logits: &Tensor, count: i64) -> Tensor {
    let (infinity, least) = (f64::INFINITY, f64::NEG_INFINITY);
    let count = logits.size()[1].min(count);
    let ranked = logits.nan_to_num(least, infinity, least);
    let (_, places) = ranked.topk(count, 1, /* largest */ true, /* sorted */ false);
    places.sort(1, /* descending */ false).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchors::{AnchorConfig, Anchors};
    use crate::numbers::largest;
    use kestrel_core::ImageSize;
    use tch::Kind;

    /// Both ways lead to the same rows, ties at the edge of the choice apart, and what is no number is
    /// never among the best.
    #[test]
    fn the_best_are_among_all() {
        tch::manual_seed(0);
        let map = |anchors: i64| Tensor::randn([2, anchors], (Kind::Float, Device::Cpu));
        let sizes = [60, 12];
        let output = RpnOutput {
            anchors: Anchors::new(&AnchorConfig::default(), ImageSize::new(32, 32), &[]),
            logits: sizes.map(map).into(),
            deltas: sizes.map(|anchors| map(4 * anchors).view([2, -1, 4])).into(),
        };
        let _ = output.logits[0].get(1).narrow(0, 7, 30).fill_(f64::NAN);
        for (all, best) in all(&output).iter().flatten().zip(best(&output, 20).iter().flatten()) {
            let anchors = best.anchors.as_deref().unwrap_or_default();
            let wanted = largest(&all.logits, 20);
            let found: Vec<usize> =
                largest(&best.logits, 20).into_iter().map(|row| anchors[row]).collect();
            assert_eq!(found, wanted);
            for (row, &anchor) in anchors.iter().enumerate() {
                assert_eq!(best.logits[row], all.logits[anchor]);
                assert_eq!(
                    best.deltas[4 * row..4 * row + 4],
                    all.deltas[4 * anchor..4 * anchor + 4]
                );
            }
        }
    }
}
