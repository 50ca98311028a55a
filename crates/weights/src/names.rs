//! Names as the file has them -> names as the model has them.
//!
//! Three things happen, in this order: wrappers around the state dict are taken off, counters
//! nothing reads are dropped, and torchvision's v1 names become those it uses today
//! (`_load_from_state_dict` in `ops/feature_pyramid_network.py`, `models/detection/rpn.py`,
//! `models/detection/mask_rcnn.py`).

use std::collections::BTreeMap;

/// Which of torchvision's two naming schemes a file was written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// Names as torchvision 0.13 and later writes them, or no torchvision names at all.
    #[default]
    Current,
    /// Names from before, found and translated. The COCO detectors torchvision published before
    /// then are such files, and they need frozen batch norms with an eps of 0.
    TorchvisionV1,
}

/// One renaming. `#` stands for a number, which their names count from `first` and ours from 0.
/// What follows is `weight` or `bias`: a longer rest is a name of today.
struct Row {
    theirs: &'static str,
    ours: &'static str,
    first: usize,
}

const V1_ROWS: [Row; 4] = [
    Row {
        theirs: "backbone.fpn.inner_blocks.#.",
        ours: "backbone.fpn.inner_blocks.#.0.",
        first: 0,
    },
    Row {
        theirs: "backbone.fpn.layer_blocks.#.",
        ours: "backbone.fpn.layer_blocks.#.0.",
        first: 0,
    },
    Row { theirs: "rpn.head.conv.", ours: "rpn.head.conv.0.0.", first: 0 },
    Row { theirs: "roi_heads.mask_head.mask_fcn#.", ours: "roi_heads.mask_head.#.0.", first: 1 },
];

/// Where checkpoints keep the state dict beside other things. What lies beside it (the optimiser's
/// momenta, a second set of averaged weights) is left out.
const WRAPPERS: [&str; 3] = ["state_dict.", "model_state_dict.", "model."];
/// What `DataParallel` and `DistributedDataParallel` put before every name.
const PARALLEL: &str = "module.";
/// The modules at the top of torchvision's ResNets and detectors: at such a name nothing is
/// wrapped any more.
const TOP_MODULES: [&str; 11] = [
    "backbone.",
    "rpn.",
    "roi_heads.",
    "head.",
    "conv1.",
    "bn1.",
    "layer1.",
    "layer2.",
    "layer3.",
    "layer4.",
    "fc.",
];
/// Counts batches and is read by nothing, since the momentum of batch norm is given.
const BATCH_COUNTER: &str = "num_batches_tracked";

/// The same tensors under the names of today.
pub(crate) fn to_current<T>(named: BTreeMap<String, T>) -> (BTreeMap<String, T>, Naming) {
    let mut named = unwrapped(named);
    named.retain(|name, _| name.rsplit('.').next() != Some(BATCH_COUNTER));
    let renamed: Vec<(String, String)> = named
        .keys()
        .filter_map(|name| Some((name.clone(), from_v1(name)?)))
        .filter(|(_, ours)| !named.contains_key(ours))
        .collect();
    let naming = if renamed.is_empty() { Naming::Current } else { Naming::TorchvisionV1 };
    for (theirs, ours) in renamed {
        if let Some(tensor) = named.remove(&theirs) {
            named.insert(ours, tensor);
        }
    }
    (named, naming)
}

fn unwrapped<T>(mut named: BTreeMap<String, T>) -> BTreeMap<String, T> {
    while let Some(prefix) = wrapper(&named) {
        let inside =
            |(name, tensor): (String, T)| Some((name.strip_prefix(prefix)?.into(), tensor));
        named = named.into_iter().filter_map(inside).collect();
    }
    named
}

/// The outermost wrapper, if there is one.
fn wrapper<T>(named: &BTreeMap<String, T>) -> Option<&'static str> {
    let at_top = |name: &String| TOP_MODULES.iter().any(|module| name.starts_with(module));
    if named.is_empty() || named.keys().any(at_top) {
        return None;
    }
    if named.keys().all(|name| name.starts_with(PARALLEL)) {
        return Some(PARALLEL);
    }
    WRAPPERS.into_iter().find(|prefix| named.keys().any(|name| name.starts_with(prefix)))
}

/// Today's name for a v1 name, `None` for every other.
fn from_v1(name: &str) -> Option<String> {
    V1_ROWS.iter().find_map(|row| row.apply(name))
}

impl Row {
    fn apply(&self, name: &str) -> Option<String> {
        let (parent, parameter) = name.rsplit_once('.')?;
        if !matches!(parameter, "weight" | "bias") {
            return None;
        }
        let parent = &name[..=parent.len()];
        let Some((before, after)) = self.theirs.split_once('#') else {
            return (parent == self.theirs).then(|| format!("{}{parameter}", self.ours));
        };
        let number = parent.strip_prefix(before)?.strip_suffix(after)?.parse::<usize>().ok()?;
        let number = number.checked_sub(self.first)?.to_string();
        Some(format!("{}{parameter}", self.ours.replace('#', &number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current(names: &[&str]) -> (Vec<String>, Naming) {
        let named = names.iter().map(|&name| (name.to_owned(), ())).collect();
        let (named, naming) = to_current(named);
        (named.into_keys().collect(), naming)
    }

    #[test]
    fn each_row_renames() {
        for (theirs, ours) in [
            ("backbone.fpn.inner_blocks.2.bias", "backbone.fpn.inner_blocks.2.0.bias"),
            ("backbone.fpn.layer_blocks.0.weight", "backbone.fpn.layer_blocks.0.0.weight"),
            ("rpn.head.conv.weight", "rpn.head.conv.0.0.weight"),
            ("roi_heads.mask_head.mask_fcn4.bias", "roi_heads.mask_head.3.0.bias"),
        ] {
            assert_eq!(current(&[theirs]), (vec![ours.to_owned()], Naming::TorchvisionV1));
        }
    }

    #[test]
    fn names_of_today_stay() {
        let names = [
            "backbone.fpn.inner_blocks.0.0.weight",
            "backbone.fpn.inner_blocks.0.1.running_mean",
            "roi_heads.mask_head.0.0.bias",
            "rpn.head.conv.0.0.weight",
            "rpn.head.conv.1.0.weight",
        ];
        let (kept, naming) = current(&names);
        assert_eq!(kept, names);
        assert_eq!(naming, Naming::Current);
    }

    #[test]
    fn a_number_that_is_none_or_too_small_stays() {
        for name in ["roi_heads.mask_head.mask_fcn0.bias", "roi_heads.mask_head.mask_fcn.bias"] {
            assert_eq!(current(&[name]).0, [name]);
        }
    }

    #[test]
    fn an_old_name_does_not_replace_a_new_one() {
        let names = ["rpn.head.conv.0.0.weight", "rpn.head.conv.weight"];
        assert_eq!(current(&names), (names.map(String::from).to_vec(), Naming::Current));
    }

    #[test]
    fn wrappers_come_off_in_any_nesting() {
        for name in [
            "conv1.weight",
            "module.conv1.weight",
            "model.conv1.weight",
            "state_dict.module.conv1.weight",
            "model_state_dict.conv1.weight",
            "state_dict.model.conv1.weight",
        ] {
            assert_eq!(current(&[name]).0, ["conv1.weight"]);
        }
    }

    #[test]
    fn what_lies_beside_the_state_dict_is_left_out() {
        let names = ["model.fc.bias", "optimizer.state.0.momentum_buffer", "model_ema.fc.bias"];
        assert_eq!(current(&names).0, ["fc.bias"]);
    }

    #[test]
    fn names_nobody_wrapped_stay() {
        assert_eq!(current(&["fc.bias", "model.weight"]).0, ["fc.bias", "model.weight"]);
        assert_eq!(current(&["encoder.weight"]).0, ["encoder.weight"]);
        assert_eq!(current(&["module.a", "other.b"]).0, ["module.a", "other.b"]);
        assert_eq!(current(&[]), (Vec::new(), Naming::Current));
    }

    #[test]
    fn counters_are_dropped() {
        assert_eq!(current(&["bn1.num_batches_tracked", "bn1.weight"]).0, ["bn1.weight"]);
    }
}
