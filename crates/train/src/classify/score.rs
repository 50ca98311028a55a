//! How often a classifier is right.

use super::cross_entropy;
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// Share of the images whose likeliest class is right.
pub(super) const ACCURACY: &str = "accuracy";
/// Share of the images of which one of the five likeliest classes is right.
const ACCURACY_TOP5: &str = "accuracy_top5";
/// The accuracy of each class, averaged over the classes, so that a frequent one does not hide others.
const CLASS_ACCURACY: &str = "class_accuracy";

/// Counts over the batches of a look.
pub(super) struct Scores {
    /// Images of each class, and how many of them were right.
    seen: Vec<u64>,
    right: Vec<u64>,
    right_in_five: u64,
    loss_sum: f64,
}

impl Scores {
    pub fn new(num_classes: usize) -> Self {
        Self {
            seen: vec![0; num_classes],
            right: vec![0; num_classes],
            right_in_five: 0,
            loss_sum: 0.0,
        }
    }

    /// Counts logits `[N, K]` of images of `classes [N]`.
    pub fn add(&mut self, logits: &Tensor, classes: &Tensor) {
        let of = classes.size1().unwrap_or(0);
        if of == 0 {
            return;
        }
        let num_ranks = 5.min(self.seen.len()) as i64;
        let (_, ranked) = logits.topk(num_ranks, 1, true, true);
        let hits = ranked.eq_tensor(&classes.unsqueeze(1));
        let rows = |tensor: Tensor| Vec::<i64>::try_from(&tensor.to_kind(Kind::Int64).contiguous());
        let first = rows(hits.select(1, 0)).unwrap_or_default();
        for (class, is_right) in
            rows(classes.shallow_clone()).unwrap_or_default().into_iter().zip(first)
        {
            self.seen[class as usize] += 1;
            self.right[class as usize] += is_right as u64;
        }
        self.right_in_five += hits.sum(Kind::Int64).int64_value(&[]) as u64;
        self.loss_sum += cross_entropy(logits, classes, 0.0).double_value(&[]) * of as f64;
    }

    fn num_images(&self) -> u64 {
        self.seen.iter().sum()
    }

    fn share(&self, count: u64) -> Option<f64> {
        let of = self.num_images();
        (of > 0).then(|| count as f64 / of as f64)
    }

    pub fn accuracy(&self) -> Option<f64> {
        self.share(self.right.iter().sum())
    }

    fn class_accuracy(&self) -> Option<f64> {
        let classes = self.seen.iter().zip(&self.right).filter(|&(&seen, _)| seen > 0);
        let shares: Vec<f64> = classes.map(|(&seen, &right)| right as f64 / seen as f64).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    }

    /// What has a value. The best of five is told only where there are more classes than that.
    pub fn named(&self) -> BTreeMap<String, f64> {
        let in_five = self.share(self.right_in_five).filter(|_| self.seen.len() > 5);
        let rows = [
            (ACCURACY, self.accuracy()),
            (ACCURACY_TOP5, in_five),
            (CLASS_ACCURACY, self.class_accuracy()),
        ];
        rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The cross entropy, without smoothing.
    pub fn losses(&self) -> BTreeMap<String, f64> {
        let mean = self.share(1).map(|one| self.loss_sum * one);
        let rows = [super::LOSS, "loss"].into_iter();
        rows.filter_map(|name| Some((name.to_owned(), mean?))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_a_hand() {
        let mut scores = Scores::new(6);
        let row = |first: usize, second: usize| -> Vec<f32> {
            let value = |class| {
                if class == first {
                    2.0
                } else if class == second {
                    1.0
                } else {
                    0.0
                }
            };
            (0..6).map(value).collect()
        };
        // Two of class 0 right, one of class 1 second, one of class 5 the last of six.
        let rows = [row(0, 1), row(0, 2), row(0, 1), row(0, 1)].concat();
        let mut logits = Tensor::from_slice(&rows).view([4, 6]);
        let _ = logits.get(3).get(5).fill_(-1.0);
        logits = logits.shallow_clone();
        scores.add(&logits, &Tensor::from_slice(&[0i64, 0, 1, 5]));
        scores.add(&logits.narrow(0, 0, 0), &Tensor::from_slice::<i64>(&[]));
        let named = scores.named();
        assert_eq!((named[ACCURACY], named[ACCURACY_TOP5]), (0.5, 0.75));
        // Of three classes one is always right.
        assert!((named[CLASS_ACCURACY] - 1.0 / 3.0).abs() < 1e-12, "{named:?}");
    }

    #[test]
    fn nothing_seen_has_no_scores() {
        let scores = Scores::new(3);
        assert!(scores.named().is_empty() && scores.losses().is_empty());
    }
}
