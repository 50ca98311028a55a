//! The weights torchvision publishes for the networks Kestrel builds.
//!
//! Source: the numbers are those of torchvision 0.26, `models/resnet.py`,
//! `models/detection/faster_rcnn.py` and `models/detection/mask_rcnn.py`.
//! Difference from torchvision: none known.

use Architecture::*;
use Recipe::{Improved, Original};
use std::fmt;

/// One published file of weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// What it is called on the command line; `-v2` marks the improved recipe where there are two.
    pub name: &'static str,
    /// The network the weights belong to.
    pub architecture: Architecture,
    /// How it was trained.
    pub recipe: Recipe,
    /// The first hexadecimal digits of the file's SHA-256.
    pub hash_prefix: &'static str,
    /// Size of the file in MiB, rounded.
    pub size_mib: f64,
    /// What it scores, as published.
    pub accuracy: Accuracy,
}

/// What a network answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Boxes, and perhaps masks, of COCO's categories.
    Detector,
    /// One of ImageNet's 1000 classes for the whole image.
    Classifier,
}

/// The networks there are weights for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the field's own")]
pub enum Architecture {
    ResNet18,
    ResNet34,
    ResNet50,
    ResNet101,
    ResNet152,
    ResNeXt50_32x4d,
    ResNeXt101_32x8d,
    ResNeXt101_64x4d,
    WideResNet50_2,
    WideResNet101_2,
    FasterRcnnResNet50Fpn,
    FasterRcnnResNet50FpnV2,
    MaskRcnnResNet50Fpn,
    MaskRcnnResNet50FpnV2,
}

/// The two generations of torchvision's training recipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// That of the original papers.
    Original,
    /// Longer, with stronger augmentation and averaged weights.
    Improved,
}

/// A published score; all numbers are per cent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accuracy {
    /// On the validation images of ImageNet-1K, one centre crop each.
    ImageNet {
        /// How often the first answer is right.
        top1: f64,
        /// How often one of the first five is.
        top5: f64,
    },
    /// On COCO val2017: average precision over IoU 0.50 to 0.95.
    Coco {
        /// Of the boxes.
        box_ap: f64,
        /// Of the masks, where the network has them.
        mask_ap: Option<f64>,
    },
}

/// All models: classifiers first, small before large; then detectors.
///
/// The two wide networks of the original recipe are stored in half precision, and so take half
/// the space of their successors.
// One model a line reads as the table it is.
#[rustfmt::skip]
pub static MODELS: [Model; 21] = [
    row("resnet18", ResNet18, Original, "f37072fd", 44.661, imagenet(69.758, 89.078)),
    row("resnet34", ResNet34, Original, "b627a593", 83.275, imagenet(73.314, 91.420)),
    row("resnet50", ResNet50, Original, "0676ba61", 97.781, imagenet(76.130, 92.862)),
    row("resnet50-v2", ResNet50, Improved, "11ad3fa6", 97.790, imagenet(80.858, 95.434)),
    row("resnet101", ResNet101, Original, "63fe2227", 170.511, imagenet(77.374, 93.546)),
    row("resnet101-v2", ResNet101, Improved, "cd907fc2", 170.530, imagenet(81.886, 95.780)),
    row("resnet152", ResNet152, Original, "394f9c45", 230.434, imagenet(78.312, 94.046)),
    row("resnet152-v2", ResNet152, Improved, "f82ba261", 230.474, imagenet(82.284, 96.002)),
    row("resnext50_32x4d", ResNeXt50_32x4d, Original, "7cdf4587", 95.789, imagenet(77.618, 93.698)),
    row("resnext50_32x4d-v2", ResNeXt50_32x4d, Improved, "1a0047aa", 95.833, imagenet(81.198, 95.340)),
    row("resnext101_32x8d", ResNeXt101_32x8d, Original, "8ba56ff5", 339.586, imagenet(79.312, 94.526)),
    row("resnext101_32x8d-v2", ResNeXt101_32x8d, Improved, "110c445d", 339.673, imagenet(82.834, 96.228)),
    row("resnext101_64x4d", ResNeXt101_64x4d, Improved, "173b62eb", 319.318, imagenet(83.246, 96.454)),
    row("wide_resnet50_2", WideResNet50_2, Original, "95faca4d", 131.820, imagenet(78.468, 94.086)),
    row("wide_resnet50_2-v2", WideResNet50_2, Improved, "9ba9bcbe", 263.124, imagenet(81.602, 95.758)),
    row("wide_resnet101_2", WideResNet101_2, Original, "32ee1156", 242.896, imagenet(78.848, 94.284)),
    row("wide_resnet101_2-v2", WideResNet101_2, Improved, "d733dc28", 484.747, imagenet(82.510, 96.020)),
    row("fasterrcnn_resnet50_fpn", FasterRcnnResNet50Fpn, Original, "258fb6c6", 159.743, coco(37.0, None)),
    row("fasterrcnn_resnet50_fpn_v2", FasterRcnnResNet50FpnV2, Improved, "dd69338a", 167.104, coco(46.7, None)),
    row("maskrcnn_resnet50_fpn", MaskRcnnResNet50Fpn, Original, "bf2d0c1e", 169.840, coco(37.9, Some(34.6))),
    row("maskrcnn_resnet50_fpn_v2", MaskRcnnResNet50FpnV2, Improved, "73cbd019", 177.219, coco(47.4, Some(41.8))),
];

const fn row(
    name: &'static str,
    architecture: Architecture,
    recipe: Recipe,
    hash_prefix: &'static str,
    size_mib: f64,
    accuracy: Accuracy,
) -> Model {
    Model { name, architecture, recipe, hash_prefix, size_mib, accuracy }
}

const fn imagenet(top1: f64, top5: f64) -> Accuracy {
    Accuracy::ImageNet { top1, top5 }
}

const fn coco(box_ap: f64, mask_ap: Option<f64>) -> Accuracy {
    Accuracy::Coco { box_ap, mask_ap }
}

impl Model {
    /// More bytes than the file has: its size is rounded.
    pub(crate) fn most_bytes(&self) -> u64 {
        (self.size_mib.ceil() as u64 + 1) << 20
    }

    /// Whether it detects or classifies.
    pub const fn kind(&self) -> Kind {
        self.architecture.kind()
    }

    /// The file's name on the server and in the cache.
    pub fn file_name(&self) -> String {
        let (stem, hash) = (self.architecture.name(), self.hash_prefix);
        match self.kind() {
            Kind::Detector => format!("{stem}_coco-{hash}.pth"),
            Kind::Classifier => format!("{stem}-{hash}.pth"),
        }
    }

    /// The epsilon of the frozen batch norms these weights were trained with; `None` where the
    /// network has no frozen ones.
    ///
    /// It is 0 for the original COCO detectors: they are older than the default of 1e-5, and that
    /// default would move their scores.
    pub const fn frozen_norm_eps(&self) -> Option<f64> {
        match self.architecture {
            FasterRcnnResNet50Fpn | MaskRcnnResNet50Fpn => Some(0.0),
            _ => None,
        }
    }

    /// To how many pixels the shorter side is resized before the centre crop of 224 that gives the
    /// published accuracy; `None` for a detector.
    pub const fn resized_side(&self) -> Option<u32> {
        match (self.kind(), self.recipe) {
            (Kind::Detector, _) => None,
            (Kind::Classifier, Original) => Some(256),
            (Kind::Classifier, Improved) => Some(232),
        }
    }

    /// What a user has to know before using the weights in a product.
    pub const fn licence(&self) -> &'static str {
        match self.kind() {
            Kind::Detector => {
                "published with torchvision (BSD-3-Clause); trained on COCO 2017 (annotations CC BY \
                 4.0, pictures under Flickr's terms) from ImageNet weights (non-commercial research \
                 terms); whether a use is permitted is the user's to decide"
            }
            Kind::Classifier => {
                "published with torchvision (BSD-3-Clause); trained on ImageNet-1K (non-commercial \
                 research terms); whether a use is permitted is the user's to decide"
            }
        }
    }
}

impl Architecture {
    /// Whether it detects or classifies.
    pub const fn kind(self) -> Kind {
        match self {
            FasterRcnnResNet50Fpn
            | FasterRcnnResNet50FpnV2
            | MaskRcnnResNet50Fpn
            | MaskRcnnResNet50FpnV2 => Kind::Detector,
            _ => Kind::Classifier,
        }
    }

    /// The name of torchvision's builder.
    pub const fn name(self) -> &'static str {
        match self {
            ResNet18 => "resnet18",
            ResNet34 => "resnet34",
            ResNet50 => "resnet50",
            ResNet101 => "resnet101",
            ResNet152 => "resnet152",
            ResNeXt50_32x4d => "resnext50_32x4d",
            ResNeXt101_32x8d => "resnext101_32x8d",
            ResNeXt101_64x4d => "resnext101_64x4d",
            WideResNet50_2 => "wide_resnet50_2",
            WideResNet101_2 => "wide_resnet101_2",
            FasterRcnnResNet50Fpn => "fasterrcnn_resnet50_fpn",
            FasterRcnnResNet50FpnV2 => "fasterrcnn_resnet50_fpn_v2",
            MaskRcnnResNet50Fpn => "maskrcnn_resnet50_fpn",
            MaskRcnnResNet50FpnV2 => "maskrcnn_resnet50_fpn_v2",
        }
    }

    /// Number of weights: 91 classes for a detector, 1000 for a classifier.
    pub const fn num_parameters(self) -> u64 {
        match self {
            ResNet18 => 11_689_512,
            ResNet34 => 21_797_672,
            ResNet50 => 25_557_032,
            ResNet101 => 44_549_160,
            ResNet152 => 60_192_808,
            ResNeXt50_32x4d => 25_028_904,
            ResNeXt101_32x8d => 88_791_336,
            ResNeXt101_64x4d => 83_455_272,
            WideResNet50_2 => 68_883_240,
            WideResNet101_2 => 126_886_696,
            FasterRcnnResNet50Fpn => 41_755_286,
            FasterRcnnResNet50FpnV2 => 43_712_278,
            MaskRcnnResNet50Fpn => 44_401_393,
            MaskRcnnResNet50FpnV2 => 46_359_409,
        }
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageNet { top1, top5 } => write!(out, "acc@1 {top1:.1}, acc@5 {top5:.1}"),
            Self::Coco { box_ap, mask_ap: None } => write!(out, "box AP {box_ap:.1}"),
            Self::Coco { box_ap, mask_ap: Some(mask_ap) } => {
                write!(out, "box AP {box_ap:.1}, mask AP {mask_ap:.1}")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::find;

    #[test]
    fn a_file_is_as_large_as_its_weights() {
        for model in &MODELS {
            let halved = model.recipe == Original
                && matches!(model.architecture, WideResNet50_2 | WideResNet101_2);
            let bytes_each = if halved { 2.0 } else { 4.0 };
            let weights_mib =
                model.architecture.num_parameters() as f64 * bytes_each / f64::from(1 << 20);
            // Running means, counters and the archive's directory come on top: below one per cent.
            let overhead = model.size_mib / weights_mib - 1.0;
            assert!((0.0..0.01).contains(&overhead), "{}: {overhead}", model.name);
        }
    }

    #[test]
    fn hashes_are_eight_digits_and_differ() {
        let mut hashes: Vec<_> = MODELS.iter().map(|model| model.hash_prefix).collect();
        for hash in &hashes {
            assert!(hash.len() == 8 && hash.bytes().all(|c| b"0123456789abcdef".contains(&c)));
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), MODELS.len());
    }

    #[test]
    fn the_improved_recipe_scores_higher() {
        let score = |model: &Model| match model.accuracy {
            Accuracy::ImageNet { top1, .. } => top1,
            Accuracy::Coco { box_ap, .. } => box_ap,
        };
        for improved in MODELS.iter().filter(|model| model.recipe == Improved) {
            let name = improved.name.trim_end_matches("-v2").trim_end_matches("_v2");
            let original = find(name).unwrap();
            let higher = score(improved) > score(original) || original == improved;
            assert!(higher, "{}", improved.name);
        }
    }

    #[test]
    fn masks_are_scored_where_there_are_masks() {
        for model in &MODELS {
            let has_mask_ap = matches!(model.accuracy, Accuracy::Coco { mask_ap: Some(_), .. });
            assert_eq!(has_mask_ap, model.name.starts_with("mask"), "{}", model.name);
            let is_coco = matches!(model.accuracy, Accuracy::Coco { .. });
            assert_eq!(is_coco, model.kind() == Kind::Detector, "{}", model.name);
        }
    }

    #[test]
    fn a_row_in_full() {
        let model = find("maskrcnn_resnet50_fpn").unwrap();
        assert_eq!(model.file_name(), "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth");
        assert_eq!(model.frozen_norm_eps(), Some(0.0));
        assert_eq!(model.resized_side(), None);
        assert_eq!(model.accuracy.to_string(), "box AP 37.9, mask AP 34.6");
        let model = find("resnext101_64x4d").unwrap();
        assert_eq!(model.file_name(), "resnext101_64x4d-173b62eb.pth");
        assert_eq!((model.frozen_norm_eps(), model.resized_side()), (None, Some(232)));
        assert_eq!(model.accuracy.to_string(), "acc@1 83.2, acc@5 96.5");
    }
}
