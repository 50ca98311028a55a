//! The architecture behind a bare state dict, read off its names and shapes.
//!
//! What leaves no trace in the weights is taken as torchvision's default: picture sizes, anchor
//! sizes, thresholds. Whether the guess is right is decided by the strict load that follows.

use crate::anchors::AnchorConfig;
use crate::architecture::Architecture;
use crate::box_branch::{BoxBranchConfig, BoxHeadConfig};
use crate::error::RcnnError;
use crate::mask_branch::MaskBranchConfig;
use crate::rpn::RpnConfig;
use kestrel_fpn::{ExtraLevels, FpnConfig};
use kestrel_layers::NormConfig;
use kestrel_resnet::{BlockKind, ResNetConfig};
use kestrel_weights::{Naming, StateDict};

/// The architecture that has these names and shapes.
///
/// # Errors
/// When the names are not those of a Faster or Mask R-CNN on a ResNet with a pyramid.
pub fn infer_architecture(weights: &StateDict) -> Result<Architecture, RcnnError> {
    let shapes = Shapes { weights };
    let fpn = shapes.fpn()?;
    let channels = fpn.channels;
    let [num_classes, _] = shapes.matrix("roi_heads.box_predictor.cls_score.weight")?;
    Ok(Architecture {
        num_classes: num_classes as usize,
        backbone: shapes.backbone()?,
        fpn,
        anchors: shapes.anchors()?,
        rpn: RpnConfig { convs: shapes.count("rpn.head.conv.#.0.weight"), ..RpnConfig::default() },
        box_branch: shapes.box_branch(channels)?,
        mask_branch: shapes.mask_branch()?,
        ..Architecture::default()
    })
}

struct Shapes<'a> {
    weights: &'a StateDict,
}

impl Shapes<'_> {
    fn has(&self, name: &str) -> bool {
        self.weights.get(name).is_some()
    }

    /// How many of `name` there are when `#` counts from 0.
    fn count(&self, name: &str) -> usize {
        (0..).take_while(|index: &usize| self.has(&name.replace('#', &index.to_string()))).count()
    }

    /// Shape of a tensor of `D` dimensions.
    fn shape<const D: usize>(&self, name: &str) -> Result<[i64; D], RcnnError> {
        let found = self.weights.get(name).map(tch::Tensor::size);
        let reason = match &found {
            None => format!("`{name}` is missing"),
            Some(shape) => format!("`{name}` has shape {shape:?}, expected {D} dimensions"),
        };
        found.and_then(|shape| shape.try_into().ok()).ok_or_else(|| self.not_inferred(reason))
    }

    fn filter(&self, name: &str) -> Result<[i64; 4], RcnnError> {
        self.shape(name)
    }

    fn matrix(&self, name: &str) -> Result<[i64; 2], RcnnError> {
        self.shape(name)
    }

    fn not_inferred(&self, reason: String) -> RcnnError {
        RcnnError::NotInferred { origin: self.weights.file().to_owned(), reason }
    }

    fn backbone(&self) -> Result<ResNetConfig, RcnnError> {
        let body = |name: &str| format!("backbone.body.{name}");
        let [base_channels, ..] = self.filter(&body("conv1.weight"))?;
        let bottleneck = self.has(&body("layer1.0.conv3.weight"));
        let [inner, inner_of_group, ..] = self.filter(&body("layer1.0.conv2.weight"))?;
        let (groups, width_per_group) = if bottleneck {
            let groups = inner / inner_of_group.max(1);
            (groups, inner * 64 / (base_channels * groups).max(1))
        } else {
            (1, 64)
        };
        if !self.has(&body("bn1.running_mean")) {
            let reason = "the backbone's norm has no running mean, so it is a group norm of \
                          unknown groups";
            return Err(self.not_inferred(reason.to_owned()));
        }
        let blocks = |layer| self.count(&body(&format!("layer{layer}.#.conv1.weight")));
        Ok(ResNetConfig {
            block: if bottleneck { BlockKind::Bottleneck } else { BlockKind::Basic },
            blocks: [1, 2, 3, 4].map(blocks),
            base_channels,
            groups,
            width_per_group,
            norm: match self.weights.naming() {
                Naming::Current => NormConfig::Batch,
                Naming::TorchvisionV1 => NormConfig::Frozen { eps: 0.0 },
            },
            zero_init_residual: false,
        })
    }

    /// Batch norm where the second layer of a brick has running statistics.
    fn norm(&self, brick: &str) -> Option<NormConfig> {
        self.has(&format!("{brick}.1.running_mean")).then_some(NormConfig::Batch)
    }

    fn fpn(&self) -> Result<FpnConfig, RcnnError> {
        let [channels, ..] = self.filter("backbone.fpn.inner_blocks.0.0.weight")?;
        let extra = if self.has("backbone.fpn.extra_blocks.p6.weight") {
            let [_, from, ..] = self.filter("backbone.fpn.extra_blocks.p6.weight")?;
            if from == channels { ExtraLevels::P6P7FromP5 } else { ExtraLevels::P6P7FromC5 }
        } else {
            ExtraLevels::MaxPool
        };
        Ok(FpnConfig { channels, norm: self.norm("backbone.fpn.inner_blocks.0"), extra })
    }

    fn anchors(&self) -> Result<AnchorConfig, RcnnError> {
        let anchors = AnchorConfig::default();
        let [found, ..] = self.filter("rpn.head.cls_logits.weight")?;
        if found != anchors.per_position() as i64 {
            let reason = format!("{found} anchors at a position, torchvision has 3");
            return Err(self.not_inferred(reason));
        }
        Ok(anchors)
    }

    fn box_branch(&self, channels: i64) -> Result<BoxBranchConfig, RcnnError> {
        let head = |name: &str| format!("roi_heads.box_head.{name}");
        let (first_fc, head) = if self.has(&head("fc6.weight")) {
            let [features, _] = self.matrix(&head("fc6.weight"))?;
            (head("fc6.weight"), BoxHeadConfig::TwoFc { features })
        } else {
            let convs = self.count(&head("#.0.weight"));
            let first_fc = head(&format!("{}.weight", convs + 1));
            let [features, _] = self.matrix(&first_fc)?;
            let norm = self.norm(&head("0"));
            (first_fc, BoxHeadConfig::ConvFc { convs, norm, features })
        };
        let [_, inputs] = self.matrix(&first_fc)?;
        let pooled = ((inputs / channels.max(1)) as f64).sqrt().round() as usize;
        Ok(BoxBranchConfig { head, pooled, ..BoxBranchConfig::default() })
    }

    fn mask_branch(&self) -> Result<Option<MaskBranchConfig>, RcnnError> {
        let count = self.count("roi_heads.mask_head.#.0.weight");
        if !self.has("roi_heads.mask_predictor.conv5_mask.weight") {
            return Ok(None);
        }
        let channels = |index: usize| -> Result<i64, RcnnError> {
            Ok(self.filter(&format!("roi_heads.mask_head.{index}.0.weight"))?[0])
        };
        let [_, predictor_channels, ..] =
            self.filter("roi_heads.mask_predictor.conv5_mask.weight")?;
        Ok(Some(MaskBranchConfig {
            convs: (0..count).map(channels).collect::<Result<_, _>>()?,
            norm: self.norm("roi_heads.mask_head.0"),
            predictor_channels,
            ..MaskBranchConfig::default()
        }))
    }
}
