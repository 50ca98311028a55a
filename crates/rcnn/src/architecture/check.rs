//! What the types of an architecture cannot keep right.

use super::Architecture;
use crate::box_branch::BoxHeadConfig;
use crate::error::RcnnError;
use crate::matcher::MatcherConfig;
use crate::sampler::SamplerConfig;
use kestrel_layers::NormConfig;
use std::fmt::Debug;

/// More channels or classes than this are a slip of the pen, and their products overflow.
const MOST: i64 = 1 << 16;
/// The same for the side of a crop.
const MOST_POOLED: usize = 1024;

impl Architecture {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the first key whose value makes no detector, and what would.
    pub fn validate(&self) -> Result<(), RcnnError> {
        self.backbone.validate()?;
        self.check_input()?;
        self.check_pyramid()?;
        self.check_choices()?;
        self.check_box_head()?;
        self.check_mask_branch()
    }

    fn check_input(&self) -> Result<(), RcnnError> {
        let (classes, resize) = (self.num_classes, &self.resize);
        let expected = "2 to 65536: the background and the classes";
        require((2..=MOST as usize).contains(&classes), "num_classes", &classes, expected)?;
        let sizes = (resize.min_size, resize.max_size);
        let is_good = 1 <= sizes.0 && sizes.0 <= sizes.1;
        require(is_good, "resize.min_size, resize.max_size", &sizes, "1 <= min_size <= max_size")?;
        let is_good = resize.std.iter().all(|&std| positive(std));
        require(is_good, "resize.std", &resize.std, "three numbers above 0")
    }

    fn check_pyramid(&self) -> Result<(), RcnnError> {
        let (fpn, anchors) = (&self.fpn, &self.anchors);
        require(is_count(fpn.channels), "fpn.channels", &fpn.channels, "1 to 65536")?;
        require_groups("fpn.norm", fpn.norm, fpn.channels)?;
        let num_levels = 4 + fpn.extra.count();
        let is_good =
            anchors.sizes.len() == num_levels && anchors.sizes.iter().all(|&size| positive(size));
        let expected = format!("{num_levels} sizes above 0, one for each level of the pyramid");
        require(is_good, "anchors.sizes", &anchors.sizes, &expected)?;
        let is_good = !anchors.ratios.is_empty() && anchors.ratios.iter().all(|&r| positive(r));
        require(is_good, "anchors.ratios", &anchors.ratios, "at least one ratio, all above 0")
    }

    /// Thresholds, matching and sampling of both stages.
    fn check_choices(&self) -> Result<(), RcnnError> {
        let (rpn, boxes) = (&self.rpn, &self.box_branch);
        require_iou("rpn.nms_thresh", rpn.nms_thresh)?;
        require_matcher("rpn.matcher", &rpn.matcher)?;
        require_sampler("rpn.sampler", &rpn.sampler)?;
        require_iou("box_branch.nms_thresh", boxes.nms_thresh)?;
        require_matcher("box_branch.matcher", &boxes.matcher)?;
        require_sampler("box_branch.sampler", &boxes.sampler)
    }

    fn check_box_head(&self) -> Result<(), RcnnError> {
        let boxes = &self.box_branch;
        let is_good = (1..=MOST_POOLED).contains(&boxes.pooled);
        require(is_good, "box_branch.pooled", &boxes.pooled, "1 to 1024")?;
        let features = match boxes.head {
            BoxHeadConfig::TwoFc { features } => features,
            BoxHeadConfig::ConvFc { features, norm, .. } => {
                require_groups("box_branch.head.conv_fc.norm", norm, self.fpn.channels)?;
                features
            }
        };
        require(features >= 1, "box_branch.head", &boxes.head, "features of at least 1")
    }

    fn check_mask_branch(&self) -> Result<(), RcnnError> {
        let Some(masks) = &self.mask_branch else { return Ok(()) };
        let is_good = (1..=MOST_POOLED).contains(&masks.pooled)
            && is_count(masks.predictor_channels)
            && masks.convs.iter().all(|&channels| is_count(channels));
        let expected = "pooled 1 to 1024, predictor_channels and every entry of convs 1 to 65536";
        require(is_good, "mask_branch", masks, expected)?;
        let mut channels = masks.convs.iter();
        channels.try_for_each(|&channels| require_groups("mask_branch.norm", masks.norm, channels))
    }
}

fn require(
    is_good: bool,
    field: &'static str,
    found: &dyn Debug,
    expected: &str,
) -> Result<(), RcnnError> {
    if is_good {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), expected.to_owned());
    Err(RcnnError::Architecture { field, found, expected })
}

fn is_count(channels: i64) -> bool {
    (1..=MOST).contains(&channels)
}

fn positive(value: f32) -> bool {
    value > 0.0 && value.is_finite()
}

fn require_iou(field: &'static str, iou: f64) -> Result<(), RcnnError> {
    require((0.0..=1.0).contains(&iou), field, &iou, "from 0 to 1")
}

/// Groups of a group norm share the channels evenly.
fn require_groups(
    field: &'static str,
    norm: Option<NormConfig>,
    channels: i64,
) -> Result<(), RcnnError> {
    let Some(NormConfig::Group { groups }) = norm else { return Ok(()) };
    let is_good = groups >= 1 && channels % groups == 0;
    require(is_good, field, &norm, &format!("groups that divide {channels} channels"))
}

fn require_matcher(field: &'static str, matcher: &MatcherConfig) -> Result<(), RcnnError> {
    let MatcherConfig { foreground_iou, background_iou, .. } = *matcher;
    let is_good =
        0.0 <= background_iou && background_iou <= foreground_iou && foreground_iou <= 1.0;
    require(is_good, field, matcher, "0 <= background_iou <= foreground_iou <= 1")
}

fn require_sampler(field: &'static str, sampler: &SamplerConfig) -> Result<(), RcnnError> {
    let is_good = sampler.per_image >= 1 && (0.0..=1.0).contains(&sampler.positive_fraction);
    require(is_good, field, sampler, "per_image of at least 1, positive_fraction from 0 to 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_named() {
        for (text, key) in [
            ("num_classes: 1", "num_classes"),
            ("anchors:\n  sizes: [8.0]", "anchors.sizes"),
            ("resize:\n  std: [0.0, 1.0, 1.0]", "resize.std"),
            ("backbone:\n  blocks: [0, 1, 1, 1]", "backbone.blocks"),
            ("fpn:\n  norm: {group: {groups: 7}}", "fpn.norm"),
            ("rpn:\n  nms_thresh: .nan", "rpn.nms_thresh"),
            ("rpn:\n  sampler: {per_image: 0, positive_fraction: 0.5}", "rpn.sampler"),
            (
                "box_branch:\n  sampler: {per_image: 9, positive_fraction: 2.0}",
                "box_branch.sampler",
            ),
            (
                "rpn:\n  matcher: {foreground_iou: 0.3, background_iou: 0.7, allow_low_quality: true}",
                "rpn.matcher",
            ),
            ("box_branch:\n  head: {two_fc: {features: -1}}", "box_branch.head"),
            ("mask_branch:\n  predictor_channels: 0", "mask_branch"),
        ] {
            let message = Architecture::from_yaml(text, "a.yaml").unwrap_err().to_string();
            assert!(message.starts_with(&format!("architecture: {key}")) || key.contains("blocks"));
            assert!(message.contains(key), "{message}");
        }
    }
}
