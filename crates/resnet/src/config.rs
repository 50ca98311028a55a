//! What a ResNet is made of, and the sizes that have a name.

use kestrel_layers::NormConfig;
use serde::{Deserialize, Serialize};

/// The two residual blocks of the paper (figure 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// Two 3x3 convolutions.
    Basic,
    /// 1x1, 3x3, 1x1, with four times the channels at its end.
    Bottleneck,
}

impl BlockKind {
    /// Channels out for each channel of the stage.
    pub const fn expansion(self) -> i64 {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// The shape of a ResNet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetConfig {
    /// Which block.
    pub block: BlockKind,
    /// Number of blocks in each of the four stages.
    pub blocks: [usize; 4],
    /// Channels of the stem and of the first stage; each later stage has twice as many.
    pub base_channels: i64,
    /// Groups of the 3x3 convolution in a bottleneck (ResNeXt).
    pub groups: i64,
    /// Channels of each group where the stage has 64 (ResNeXt, Wide ResNet).
    pub width_per_group: i64,
    /// Normalisation after every convolution.
    pub norm: NormConfig,
    /// Whether every residual branch starts at zero, for training from scratch.
    pub zero_init_residual: bool,
}

/// More blocks, channels or groups than this are a slip of the pen, and their products overflow.
const MOST: i64 = 1 << 16;

/// A ResNet that cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResNetConfigError {
    /// A number below 1, or above what any network has.
    #[error("backbone.{field} is {found}; expected 1 to {MOST}")]
    Count {
        /// The key.
        field: &'static str,
        /// Its value.
        found: i64,
    },
    /// Groups or widths asked of a basic block, which has none.
    #[error(
        "backbone.groups and backbone.width_per_group are for the bottleneck block; leave them out"
    )]
    BasicBlockHasNoGroups,
    /// Channels that do not divide into groups.
    #[error("backbone: {channels} channels do not divide into {groups} groups")]
    Groups {
        /// Channels of the narrowest layer concerned.
        channels: i64,
        /// Groups asked for.
        groups: i64,
    },
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Variant::ResNet50.config()
    }
}

impl ResNetConfig {
    const fn plain(block: BlockKind, blocks: [usize; 4]) -> Self {
        Self {
            block,
            blocks,
            base_channels: 64,
            groups: 1,
            width_per_group: 64,
            norm: NormConfig::Batch,
            zero_init_residual: false,
        }
    }

    const fn wider(self, groups: i64, width_per_group: i64) -> Self {
        Self { groups, width_per_group, ..self }
    }

    /// The same with another normalisation.
    pub const fn with_norm(self, norm: NormConfig) -> Self {
        Self { norm, ..self }
    }

    /// Channels of C2, C3, C4, C5.
    pub fn channels(&self) -> [i64; 4] {
        [1, 2, 4, 8].map(|times| self.base_channels * times * self.block.expansion())
    }

    /// Channels inside the blocks of a stage (0 to 3).
    pub(crate) fn inner_channels(&self, stage: usize) -> i64 {
        let planes = self.base_channels << stage;
        match self.block {
            BlockKind::Basic => planes,
            BlockKind::Bottleneck => planes * self.width_per_group / 64 * self.groups,
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// When a count is out of range or channels do not divide into groups.
    pub fn validate(&self) -> Result<(), ResNetConfigError> {
        let blocks = |count: usize| ("blocks", i64::try_from(count).unwrap_or(i64::MAX));
        let [c2, c3, c4, c5] = self.blocks.map(blocks);
        let counts = [
            c2,
            c3,
            c4,
            c5,
            ("base_channels", self.base_channels),
            ("groups", self.groups),
            ("width_per_group", self.width_per_group),
        ];
        if let Some(&(field, found)) = counts.iter().find(|(_, count)| !(1..=MOST).contains(count))
        {
            return Err(ResNetConfigError::Count { field, found });
        }
        if self.block == BlockKind::Basic && (self.groups, self.width_per_group) != (1, 64) {
            return Err(ResNetConfigError::BasicBlockHasNoGroups);
        }
        let narrowest = self.inner_channels(0).min(self.base_channels);
        let norm_groups = match self.norm {
            NormConfig::Group { groups } => groups,
            NormConfig::Batch | NormConfig::Frozen { .. } => 1,
        };
        let divides = |channels: i64, groups: i64| groups >= 1 && channels % groups == 0;
        if narrowest < 1 || !divides(narrowest, norm_groups) {
            return Err(ResNetConfigError::Groups { channels: narrowest, groups: norm_groups });
        }
        Ok(())
    }
}

/// The sizes torchvision publishes weights for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// 18 layers.
    ResNet18,
    /// 34 layers.
    ResNet34,
    /// 50 layers.
    ResNet50,
    /// 101 layers.
    ResNet101,
    /// 152 layers.
    ResNet152,
    /// ResNeXt, 50 layers, 32 groups of 4.
    #[serde(rename = "resnext50_32x4d")]
    ResNeXt50Groups32x4,
    /// ResNeXt, 101 layers, 32 groups of 8.
    #[serde(rename = "resnext101_32x8d")]
    ResNeXt101Groups32x8,
    /// ResNeXt, 101 layers, 64 groups of 4.
    #[serde(rename = "resnext101_64x4d")]
    ResNeXt101Groups64x4,
    /// Wide ResNet, 50 layers, twice the inner channels.
    #[serde(rename = "wide_resnet50_2")]
    WideResNet50,
    /// Wide ResNet, 101 layers, twice the inner channels.
    #[serde(rename = "wide_resnet101_2")]
    WideResNet101,
}

impl Variant {
    /// Every variant, smallest first.
    pub const ALL: [Self; 10] = [
        Self::ResNet18,
        Self::ResNet34,
        Self::ResNet50,
        Self::ResNet101,
        Self::ResNet152,
        Self::ResNeXt50Groups32x4,
        Self::ResNeXt101Groups32x8,
        Self::ResNeXt101Groups64x4,
        Self::WideResNet50,
        Self::WideResNet101,
    ];

    /// torchvision's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResNet18 => "resnet18",
            Self::ResNet34 => "resnet34",
            Self::ResNet50 => "resnet50",
            Self::ResNet101 => "resnet101",
            Self::ResNet152 => "resnet152",
            Self::ResNeXt50Groups32x4 => "resnext50_32x4d",
            Self::ResNeXt101Groups32x8 => "resnext101_32x8d",
            Self::ResNeXt101Groups64x4 => "resnext101_64x4d",
            Self::WideResNet50 => "wide_resnet50_2",
            Self::WideResNet101 => "wide_resnet101_2",
        }
    }

    /// Its shape, with batch norm.
    pub const fn config(self) -> ResNetConfig {
        use BlockKind::{Basic, Bottleneck};
        const LAYERS_50: [usize; 4] = [3, 4, 6, 3];
        const LAYERS_101: [usize; 4] = [3, 4, 23, 3];
        let plain = ResNetConfig::plain;
        match self {
            Self::ResNet18 => plain(Basic, [2, 2, 2, 2]),
            Self::ResNet34 => plain(Basic, LAYERS_50),
            Self::ResNet50 => plain(Bottleneck, LAYERS_50),
            Self::ResNet101 => plain(Bottleneck, LAYERS_101),
            Self::ResNet152 => plain(Bottleneck, [3, 8, 36, 3]),
            Self::ResNeXt50Groups32x4 => plain(Bottleneck, LAYERS_50).wider(32, 4),
            Self::ResNeXt101Groups32x8 => plain(Bottleneck, LAYERS_101).wider(32, 8),
            Self::ResNeXt101Groups64x4 => plain(Bottleneck, LAYERS_101).wider(64, 4),
            Self::WideResNet50 => plain(Bottleneck, LAYERS_50).wider(1, 128),
            Self::WideResNet101 => plain(Bottleneck, LAYERS_101).wider(1, 128),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_channels_of_the_named_sizes() {
        assert_eq!(Variant::ResNet18.config().channels(), [64, 128, 256, 512]);
        assert_eq!(Variant::ResNet50.config().channels(), [256, 512, 1024, 2048]);
        let inner = |variant: Variant| [0, 3].map(|stage| variant.config().inner_channels(stage));
        assert_eq!(inner(Variant::ResNet50), [64, 512]);
        assert_eq!(inner(Variant::ResNeXt50Groups32x4), [128, 1024]);
        assert_eq!(inner(Variant::WideResNet50), [128, 1024]);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for variant in Variant::ALL {
            assert_eq!(variant.config().validate(), Ok(()));
        }
        let none = ResNetConfig { blocks: [1, 0, 1, 1], ..Variant::ResNet18.config() };
        assert!(matches!(
            none.validate(),
            Err(ResNetConfigError::Count { field: "blocks", found: 0 })
        ));
        let huge = ResNetConfig { base_channels: 1 << 60, ..Variant::ResNet50.config() };
        assert!(matches!(
            huge.validate(),
            Err(ResNetConfigError::Count { field: "base_channels", .. })
        ));
        let grouped = Variant::ResNet18.config().wider(2, 64);
        assert_eq!(grouped.validate(), Err(ResNetConfigError::BasicBlockHasNoGroups));
        let norm = Variant::ResNet50.config().with_norm(NormConfig::Group { groups: 7 });
        assert!(matches!(norm.validate(), Err(ResNetConfigError::Groups { groups: 7, .. })));
    }
}
