//! What the heads take over from a start: a class that the start knows by name keeps its weights, under
//! whatever number; all others are learnt from the beginning.

use kestrel_core::Categories;
use kestrel_rcnn::Metadata;
use kestrel_weights::StateDict;
use std::collections::BTreeMap;
use tch::{Tensor, no_grad};

/// Layers with a block of rows for each class, and the rows of a block.
const BY_CLASS: [(&str, i64); 3] = [
    ("roi_heads.box_predictor.cls_score.", 1),
    ("roi_heads.box_predictor.bbox_pred.", 4),
    ("roi_heads.mask_predictor.mask_fcn_logits.", 1),
];

/// Rows of a block, where the variable has a block for each class.
pub(super) fn rows_per_class(name: &str) -> Option<i64> {
    BY_CLASS.iter().find(|(layer, _)| name.starts_with(layer)).map(|&(_, rows)| rows)
}

/// What a start calls its classes; none where it does not say.
pub(super) fn names_of(weights: &StateDict) -> Option<Categories> {
    let categories = Metadata::of(weights, None).ok()?.categories;
    (categories != Categories::numbered(categories.len())).then_some(categories)
}

/// Classes that both have, as pairs of labels, and the names that the start does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shared {
    /// Labels there and here, the background among them; empty where no class is shared.
    pairs: Vec<(i64, i64)>,
    /// Names here.
    pub taken: Vec<String>,
    pub anew: Vec<String>,
}

impl Shared {
    pub fn of(theirs: &Categories, ours: &Categories) -> Self {
        let mut shared = Self { pairs: vec![(0, 0)], taken: Vec::new(), anew: Vec::new() };
        for (name, label) in ours.names().iter().zip(0..).skip(1) {
            match theirs.label(name) {
                Some(there) => {
                    shared.pairs.push((i64::from(there.0), label));
                    shared.taken.push(name.clone());
                }
                None => shared.anew.push(name.clone()),
            }
        }
        // What is background depends on what is not.
        if shared.taken.is_empty() {
            shared.pairs.clear();
        }
        shared
    }

    /// Takes over the rows of the shared classes; how many variables took any.
    pub fn take_over(&self, variables: &BTreeMap<String, Tensor>, weights: &StateDict) -> usize {
        let mut num_taken = 0;
        for (name, variable) in variables {
            let Some((rows, weight)) = rows_per_class(name).zip(weights.get(name)) else {
                continue;
            };
            if weight.size()[1..] != variable.size()[1..] {
                continue;
            }
            num_taken += usize::from(!self.pairs.is_empty());
            for &(there, here) in &self.pairs {
                let block = weight.narrow(0, there * rows, rows);
                no_grad(|| variable.narrow(0, here * rows, rows).copy_(&block));
            }
        }
        num_taken
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    fn names(names: &[&str]) -> Categories {
        Categories::new(names.iter().copied())
    }

    #[test]
    fn classes_are_known_by_name() {
        let theirs = names(&["__background__", "cat", "dog", "cow"]);
        let ours = names(&["__background__", "dog", "bird", "cat"]);
        let shared = Shared::of(&theirs, &ours);
        assert_eq!(shared.pairs, [(0, 0), (2, 1), (1, 3)]);
        assert_eq!((shared.taken.len(), shared.anew.as_slice()), (2, &["bird".to_owned()][..]));

        let layer = "roi_heads.box_predictor.bbox_pred.bias";
        let there = Tensor::arange(16, (Kind::Float, Device::Cpu));
        let weights =
            StateDict::from_tensors([(layer.to_owned(), there)], BTreeMap::new()).unwrap();
        let here = Tensor::full([16], -1.0, (Kind::Float, Device::Cpu));
        let variables = BTreeMap::from([(layer.to_owned(), here.shallow_clone())]);
        assert_eq!(shared.take_over(&variables, &weights), 1);
        let expected: [f32; 16] =
            [0., 1., 2., 3., 8., 9., 10., 11., -1., -1., -1., -1., 4., 5., 6., 7.];
        assert_eq!(Vec::<f32>::try_from(&here).unwrap(), expected);
    }

    #[test]
    fn nothing_shared_is_nothing_taken() {
        let shared = Shared::of(&names(&["_", "nucleus"]), &names(&["_", "car"]));
        assert_eq!((shared.pairs.len(), shared.anew.len()), (0, 1));
    }
}
