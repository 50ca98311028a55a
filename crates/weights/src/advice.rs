//! Why a file does not fit a model, in plain words, as far as names and shapes tell.

use crate::{LoadReport, MisShaped};
use std::collections::BTreeMap;
use std::fmt;
use tch::Tensor;

type Named = BTreeMap<String, Tensor>;

/// Where a detector keeps its ResNet.
const BODY: &str = "backbone.body.";

/// The sentences for a comparison; none when all is well.
pub(crate) fn of(report: &LoadReport, model: &Named, weights: &Named) -> Vec<String> {
    if report.is_complete() {
        return Vec::new();
    }
    let families = (Family::of(weights), Family::of(model));
    let wrong_family = families.0.zip(families.1).and_then(|(file, model)| file.against(model));
    let backbones = Backbone::of(weights).zip(Backbone::of(model));
    let wrong_depth = backbones.filter(|(file, model)| file != model).map(|(file, model)| {
        format!("the file has {file} as its backbone, the model {model}: choose the same")
    });
    let mut sentences = vec![
        class_count(&report.mis_shaped),
        wrong_family.or_else(|| wrong_version(model, weights)),
        wrong_depth,
    ];
    if sentences.iter().all(Option::is_none) {
        sentences.push(prefix(&report.missing, &report.unused));
    }
    sentences.into_iter().flatten().collect()
}

fn has(named: &Named, prefix: &str) -> bool {
    // The first name not before the prefix in the alphabet starts with it, if any does.
    named.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
}

/// A layer with one row, or `rows_per_class` rows, for each class.
struct ClassLayer {
    name: &'static str,
    rows_per_class: i64,
    counts: &'static str,
}

const CLASS_LAYERS: [ClassLayer; 4] = [
    ClassLayer {
        name: "roi_heads.box_predictor.cls_score",
        rows_per_class: 1,
        counts: "classes (background included)",
    },
    ClassLayer {
        name: "roi_heads.box_predictor.bbox_pred",
        rows_per_class: 4,
        counts: "classes (background included)",
    },
    ClassLayer {
        name: "roi_heads.mask_predictor.mask_fcn_logits",
        rows_per_class: 1,
        counts: "classes (background included)",
    },
    ClassLayer { name: "fc", rows_per_class: 1, counts: "classes" },
];

fn class_count(mis_shaped: &[MisShaped]) -> Option<String> {
    CLASS_LAYERS.iter().find_map(|layer| {
        let bias = format!("{}.bias", layer.name);
        let MisShaped { found, expected, .. } = mis_shaped.iter().find(|m| m.name == bias)?;
        let (file, model) = (found.first()?, expected.first()?);
        let (file, model) = (file / layer.rows_per_class, model / layer.rows_per_class);
        Some(format!(
            "the file was trained for {file} {}, the model has {model}: give the model as many as \
             the file, or load partially to fine-tune, with new class layers",
            layer.counts
        ))
    })
}

/// What a set of names belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Detectron2,
    OneStage,
    MobileNet,
    KeypointRcnn,
    MaskRcnn,
    FasterRcnn,
    ResNet,
}

impl Family {
    /// The first of these that is found decides.
    const SIGNS: [(&'static str, Self); 7] = [
        ("backbone.bottom_up.", Self::Detectron2),
        ("head.classification_head.", Self::OneStage),
        ("backbone.body.0.0.", Self::MobileNet),
        ("roi_heads.keypoint_", Self::KeypointRcnn),
        ("roi_heads.mask_", Self::MaskRcnn),
        ("roi_heads.box_", Self::FasterRcnn),
        ("layer1.0.conv1.", Self::ResNet),
    ];

    fn of(named: &Named) -> Option<Self> {
        Self::SIGNS.into_iter().find(|(sign, _)| has(named, sign)).map(|(_, family)| family)
    }

    /// What to say when a file of this family is given to a model of another.
    fn against(self, model: Self) -> Option<String> {
        let remedy = match (self, model) {
            _ if self == model => return None,
            (Self::ResNet, _) => {
                "a detector keeps it under `backbone.body.`: load it as the detector's backbone"
            }
            (_, Self::ResNet) => "build a detector from it, or choose a ResNet's own weights",
            (Self::MaskRcnn, _) => {
                "build a Mask R-CNN, or load partially to leave the mask branch out"
            }
            (Self::KeypointRcnn, _) => {
                "there are no keypoints here; load partially for the rest of it"
            }
            (Self::FasterRcnn, Self::MaskRcnn) => {
                "build a Faster R-CNN, or load partially to train a new mask branch"
            }
            _ => "choose weights of torchvision's Faster or Mask R-CNN with ResNet and FPN",
        };
        Some(format!("the file seems to be {self}, the model is {model}: {remedy}"))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detectron2 => "a detectron2 model",
            Self::OneStage => "a one-stage detector (RetinaNet, FCOS or SSD)",
            Self::MobileNet => "a detector on a MobileNet",
            Self::KeypointRcnn => "a Keypoint R-CNN",
            Self::MaskRcnn => "a Mask R-CNN",
            Self::FasterRcnn => "a Faster R-CNN",
            Self::ResNet => "a ResNet classifier",
        })
    }
}

/// torchvision's second versions have a second convolution in the proposal head.
fn wrong_version(model: &Named, weights: &Named) -> Option<String> {
    let version = |named: &Named| match has(named, "rpn.head.conv.1.") {
        true => Some("v2"),
        false => has(named, "rpn.head.conv.0.").then_some("v1"),
    };
    let (file, model) = (version(weights)?, version(model)?);
    (file != model).then(|| {
        format!(
            "the file is of torchvision's {file} architecture, the model of {model}: choose the \
             same"
        )
    })
}

/// A ResNet by its blocks.
#[derive(Debug, PartialEq, Eq)]
struct Backbone {
    blocks: [usize; 4],
    is_bottleneck: bool,
}

impl Backbone {
    fn of(named: &Named) -> Option<Self> {
        let path = [BODY, ""].into_iter().find(|path| has(named, &format!("{path}layer1.0.")))?;
        let num_blocks = |stage: usize| {
            (0..).take_while(|block| has(named, &format!("{path}layer{stage}.{block}."))).count()
        };
        Some(Self {
            blocks: [1, 2, 3, 4].map(num_blocks),
            is_bottleneck: has(named, &format!("{path}layer1.0.conv3.")),
        })
    }
}

impl fmt::Display for Backbone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.blocks, self.is_bottleneck) {
            ([2, 2, 2, 2], false) => f.write_str("a ResNet-18"),
            ([3, 4, 6, 3], false) => f.write_str("a ResNet-34"),
            ([3, 4, 6, 3], true) => f.write_str("a ResNet-50"),
            ([3, 4, 23, 3], true) => f.write_str("a ResNet-101"),
            ([3, 8, 36, 3], true) => f.write_str("a ResNet-152"),
            (blocks, true) => write!(f, "a ResNet of {blocks:?} bottlenecks"),
            (blocks, false) => write!(f, "a ResNet of {blocks:?} basic blocks"),
        }
    }
}

/// One beginning that sets most of the unused names apart from missing ones.
fn prefix(missing: &[String], unused: &[String]) -> Option<String> {
    let mut counts: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for missing in missing {
        for unused in unused {
            if let Some(more) = beginning(missing, unused) {
                *counts.entry((more, true)).or_default() += 1;
            }
            if let Some(less) = beginning(unused, missing) {
                *counts.entry((less, false)).or_default() += 1;
            }
        }
    }
    let ((beginning, model_has_it), count) = counts.into_iter().max_by_key(|&(_, count)| count)?;
    let (with, without) =
        if model_has_it { ("the model", "the file") } else { ("the file", "the model") };
    (2 * count >= unused.len().min(missing.len())).then(|| {
        format!(
            "{count} names differ only in that {with} has `{beginning}` before them and {without} \
             has not"
        )
    })
}

/// What `long` has before `short`, up to and with a dot.
fn beginning<'a>(long: &'a str, short: &str) -> Option<&'a str> {
    long.strip_suffix(short).filter(|before| before.ends_with('.'))
}
