//! What a detector is made of, as YAML in a model file or beside it.

mod check;

use crate::anchors::AnchorConfig;
use crate::batch::ResizeConfig;
use crate::box_branch::{BoxBranchConfig, BoxHeadConfig};
use crate::detector::{Detector, FasterRcnn, MaskRcnn};
use crate::error::RcnnError;
use crate::mask_branch::MaskBranchConfig;
use crate::rpn::RpnConfig;
use kestrel_fpn::FpnConfig;
use kestrel_layers::NormConfig;
use kestrel_resnet::{ResNetConfig, Variant};
use kestrel_weights::{from_yaml, to_yaml};
use serde::{Deserialize, Serialize};
use tch::nn::Path;

/// Every part of a detector. What a YAML text leaves out is as in `fasterrcnn_resnet50_fpn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an architecture, which is keys such as `backbone` and `num_classes`"
)]
pub struct Architecture {
    /// Classes with the background; 91 for COCO.
    pub num_classes: usize,
    /// From picture to input.
    pub resize: ResizeConfig,
    /// C2 to C5.
    pub backbone: ResNetConfig,
    /// P2 and up.
    pub fpn: FpnConfig,
    /// Boxes proposals start from.
    pub anchors: AnchorConfig,
    /// Proposals.
    pub rpn: RpnConfig,
    /// Classes and boxes.
    pub box_branch: BoxBranchConfig,
    /// Masks; without it the detector is a Faster R-CNN.
    pub mask_branch: Option<MaskBranchConfig>,
}

impl Default for Architecture {
    fn default() -> Self {
        Preset::FasterRcnnResNet50Fpn.architecture()
    }
}

/// The detectors torchvision publishes weights for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// `fasterrcnn_resnet50_fpn`.
    FasterRcnnResNet50Fpn,
    /// `fasterrcnn_resnet50_fpn_v2`.
    FasterRcnnResNet50FpnV2,
    /// `maskrcnn_resnet50_fpn`.
    MaskRcnnResNet50Fpn,
    /// `maskrcnn_resnet50_fpn_v2`.
    MaskRcnnResNet50FpnV2,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::FasterRcnnResNet50Fpn,
        Self::FasterRcnnResNet50FpnV2,
        Self::MaskRcnnResNet50Fpn,
        Self::MaskRcnnResNet50FpnV2,
    ];

    /// torchvision's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FasterRcnnResNet50Fpn => "fasterrcnn_resnet50_fpn",
            Self::FasterRcnnResNet50FpnV2 => "fasterrcnn_resnet50_fpn_v2",
            Self::MaskRcnnResNet50Fpn => "maskrcnn_resnet50_fpn",
            Self::MaskRcnnResNet50FpnV2 => "maskrcnn_resnet50_fpn_v2",
        }
    }

    /// Its parts, for the 91 slots of COCO, with live batch norm.
    pub fn architecture(self) -> Architecture {
        let v1 = Architecture {
            num_classes: 91,
            resize: ResizeConfig::default(),
            backbone: Variant::ResNet50.config(),
            fpn: FpnConfig::default(),
            anchors: AnchorConfig::default(),
            rpn: RpnConfig::default(),
            box_branch: BoxBranchConfig::default(),
            mask_branch: None,
        };
        let masks = MaskBranchConfig::default();
        match self {
            Self::FasterRcnnResNet50Fpn => v1,
            Self::MaskRcnnResNet50Fpn => Architecture { mask_branch: Some(masks), ..v1 },
            Self::FasterRcnnResNet50FpnV2 => v1.into_v2(),
            Self::MaskRcnnResNet50FpnV2 => {
                Architecture { mask_branch: Some(masks), ..v1 }.into_v2()
            }
        }
    }
}

impl Architecture {
    /// torchvision's second version: batch norm in pyramid and heads, two convolutions before the
    /// proposals, four before the classes.
    fn into_v2(mut self) -> Self {
        let norm = Some(NormConfig::Batch);
        self.fpn.norm = norm;
        self.rpn.convs = 2;
        self.box_branch.head = BoxHeadConfig::ConvFc { convs: 4, norm, features: 1024 };
        if let Some(masks) = &mut self.mask_branch {
            masks.norm = norm;
        }
        self
    }

    /// Reads an architecture; `origin` names the text in errors.
    ///
    /// # Errors
    /// When the text is no YAML, has a key that does not exist, or makes no detector.
    pub fn from_yaml(text: &str, origin: &str) -> Result<Self, RcnnError> {
        let architecture: Self = from_yaml(text)
            .map_err(|reason| RcnnError::ArchitectureText { origin: origin.to_owned(), reason })?;
        architecture.validate()?;
        Ok(architecture)
    }

    /// The YAML text that [`Self::from_yaml`] reads back.
    pub fn to_yaml(&self) -> String {
        to_yaml(self)
    }

    /// Builds the detector and registers its parameters under `path`.
    pub fn build(&self, path: &Path) -> Box<dyn Detector> {
        match &self.mask_branch {
            Some(masks) => Box::new(MaskRcnn::new(path, self, masks)),
            None => Box::new(FasterRcnn::new(path, self)),
        }
    }

    /// The same with every batch norm frozen: weights of the one fit the other, and losses do not
    /// depend on the company an image is in.
    pub fn with_frozen_norms(mut self) -> Self {
        let freeze = |norm: &mut NormConfig| {
            if *norm == NormConfig::Batch {
                *norm = NormConfig::Frozen { eps: 1e-5 };
            }
        };
        freeze(&mut self.backbone.norm);
        self.fpn.norm.iter_mut().for_each(freeze);
        if let BoxHeadConfig::ConvFc { norm, .. } = &mut self.box_branch.head {
            norm.iter_mut().for_each(freeze);
        }
        if let Some(masks) = &mut self.mask_branch {
            masks.norm.iter_mut().for_each(freeze);
        }
        self
    }

    /// `Mask R-CNN` or `Faster R-CNN`.
    pub const fn family(&self) -> &'static str {
        match self.mask_branch {
            Some(_) => "Mask R-CNN",
            None => "Faster R-CNN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_survives_a_round_trip() {
        for preset in Preset::ALL {
            let mut architecture = preset.architecture();
            architecture.backbone.norm = NormConfig::Frozen { eps: 0.0 };
            let text = architecture.to_yaml();
            assert!(text.contains("frozen:\n      eps: 0.0") && !text.contains('!'), "{text}");
            assert_eq!(Architecture::from_yaml(&text, "test").unwrap(), architecture);
        }
    }

    #[test]
    fn a_misspelt_key_is_named_with_what_was_meant() {
        let error = Architecture::from_yaml("fpn:\n  chanels: 64\n", "a.yaml").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("a.yaml") && message.contains("chanels"), "{message}");
        assert!(message.contains("did you mean `channels`"), "{message}");
    }
}
