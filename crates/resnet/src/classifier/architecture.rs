//! What a classifier is made of, as YAML in a model file or beside it.

use super::input::InputConfig;
use super::network::Classifier;
use crate::{BlockKind, ClassifierError, ResNetConfig, Variant};
use kestrel_weights::{from_yaml, to_yaml};
use serde::{Deserialize, Serialize};
use std::fmt;
use tch::nn::Path;

/// Every part of a classifier. What a YAML text leaves out is as in torchvision's `resnet50`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an architecture, which is keys such as `backbone` and `num_classes`"
)]
pub struct ClassifierArchitecture {
    /// Classes; there is no background. 1000 for ImageNet.
    pub num_classes: usize,
    /// From picture to input.
    pub input: InputConfig,
    /// The body.
    pub backbone: ResNetConfig,
}

impl Default for ClassifierArchitecture {
    fn default() -> Self {
        Self::of(Variant::ResNet50)
    }
}

impl ClassifierArchitecture {
    /// A published size, for the classes of ImageNet.
    pub fn of(variant: Variant) -> Self {
        Self { num_classes: 1000, input: InputConfig::default(), backbone: variant.config() }
    }

    /// Reads an architecture; `origin` names the text in errors.
    ///
    /// # Errors
    /// When the text is no YAML, has a key that does not exist, or makes no classifier.
    pub fn from_yaml(text: &str, origin: &str) -> Result<Self, ClassifierError> {
        let architecture: Self = from_yaml(text).map_err(|reason| {
            ClassifierError::ArchitectureText { origin: origin.to_owned(), reason }
        })?;
        architecture.validate()?;
        Ok(architecture)
    }

    /// The YAML text that [`Self::from_yaml`] reads back.
    pub fn to_yaml(&self) -> String {
        to_yaml(self)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Names the first key whose value makes no classifier, and what would.
    pub fn validate(&self) -> Result<(), ClassifierError> {
        self.backbone.validate()?;
        self.input.validate()?;
        if self.num_classes == 0 {
            let (found, expected) = ("0".to_owned(), "at least 1");
            return Err(ClassifierError::Setting { field: "num_classes", found, expected });
        }
        Ok(())
    }

    /// Builds the network and registers its parameters under `path`.
    pub fn build(&self, path: &Path) -> Classifier {
        Classifier::new(path, &self.backbone, self.num_classes as i64)
    }

    /// The published size with this body, if there is one; its norm does not matter.
    pub fn variant(&self) -> Option<Variant> {
        let norm = self.backbone.norm;
        let plain = ResNetConfig { zero_init_residual: false, ..self.backbone.clone() };
        Variant::ALL.into_iter().find(|variant| variant.config().with_norm(norm) == plain)
    }
}

impl fmt::Display for ClassifierArchitecture {
    /// `resnet50`, or `ResNet of [1, 1, 1, 1] basic blocks`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variant) = self.variant() {
            return f.write_str(variant.name());
        }
        let block = match self.backbone.block {
            BlockKind::Basic => "basic blocks",
            BlockKind::Bottleneck => "bottlenecks",
        };
        let ResNetConfig { blocks, base_channels, .. } = &self.backbone;
        write!(f, "ResNet of {blocks:?} {block} from {base_channels} channels")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_layers::NormConfig;

    #[test]
    fn yaml_survives_a_round_trip() {
        for norm in [NormConfig::Batch, NormConfig::Group { groups: 8 }] {
            let backbone = Variant::ResNet18.config().with_norm(norm);
            let input = InputConfig::square(64);
            let architecture = ClassifierArchitecture { num_classes: 3, input, backbone };
            let text = architecture.to_yaml();
            let read = ClassifierArchitecture::from_yaml(&text, "test").unwrap();
            assert_eq!(read, architecture);
            assert_eq!(read.to_string(), "resnet18");
        }
    }

    #[test]
    fn a_misspelt_key_is_named_with_what_was_meant() {
        let error = ClassifierArchitecture::from_yaml("input:\n  crop_sid: 64\n", "a.yaml");
        let message = error.unwrap_err().to_string();
        assert!(message.contains("a.yaml") && message.contains("`crop_side`"), "{message}");
        let error = ClassifierArchitecture::from_yaml("num_classes: 0", "a.yaml").unwrap_err();
        assert!(error.to_string().contains("num_classes is 0"), "{error}");
    }

    #[test]
    fn a_size_of_ones_own_is_described() {
        let mut architecture = ClassifierArchitecture::of(Variant::ResNet18);
        architecture.backbone.blocks = [1; 4];
        let text = "ResNet of [1, 1, 1, 1] basic blocks from 64 channels";
        assert_eq!(architecture.to_string(), text);
    }
}
