//! What only classification has settings for.

use crate::config::SettingError;
use kestrel_data::{Augmentation, CropsConfig};
use serde::{Deserialize, Serialize};

/// Settings of `task: classify`. The network is `model.architecture.backbone`; mean and deviation of
/// its input are those of `model.architecture.resize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifyConfig {
    /// Side of the square the network sees, in pixels. Without it the data decides, by the middle one
    /// of its pictures' short sides: 64 up to 128 pixels, 128 up to 256, else 224. Crops by
    /// `random_resized_crop` get this side, whatever theirs is.
    pub input_side: Option<usize>,
    /// Part of each label that is spread over all classes; from 0 to below 1. The default is 0.1.
    pub label_smoothing: f64,
    /// Which parts are cut out of the pictures of a detection set; of a folder of class folders
    /// pictures are taken whole.
    pub crops: CropsConfig,
}

impl Default for ClassifyConfig {
    fn default() -> Self {
        Self { input_side: None, label_smoothing: 0.1, crops: CropsConfig::default() }
    }
}

impl ClassifyConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let expected = "from 0 to below 1";
            let found = self.label_smoothing;
            return Err(SettingError::new("classify.label_smoothing", found, expected));
        }
        match self.input_side {
            Some(side) if !(32..=1024).contains(&side) => {
                Err(SettingError::new("classify.input_side", side, "32 to 1024, or null"))
            }
            _ => Ok(()),
        }
    }

    /// The side training pictures come out of augmentation with, or that of the network's input.
    pub(crate) fn training_side(augment: &[Augmentation], input_side: usize) -> usize {
        let side = |stage: &Augmentation| match stage {
            Augmentation::RandomResizedCrop(crop) => Some(crop.side),
            _ => None,
        };
        augment.iter().rev().find_map(side).unwrap_or(input_side)
    }
}

/// The built-in config a classifier is trained with where nobody says otherwise.
pub const CLASSIFY_CONFIG: &str = "base/classify.yaml";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN, Source, TaskKind, TrainConfig, resolve};

    #[test]
    fn the_built_in_config_is_a_sound_classification() {
        let source = Source::File(CLASSIFY_CONFIG.as_ref());
        let config = resolve::<TrainConfig>(source, &[], BUILT_IN).unwrap().value;
        config.validate().unwrap();
        assert_eq!((config.task, config.classify.input_side), (TaskKind::Classify, None));
        assert_eq!(ClassifyConfig::training_side(&config.loader.augment, 9), 64);
        assert_eq!(config.scaled_lr(), 0.025);
    }

    #[test]
    fn impossible_values_are_named() {
        let message = |config: ClassifyConfig| config.validate().unwrap_err().to_string();
        let text = message(ClassifyConfig { label_smoothing: 1.0, ..Default::default() });
        assert!(text.starts_with("classify.label_smoothing is 1"), "{text}");
        let text = message(ClassifyConfig { input_side: Some(8), ..Default::default() });
        assert!(text.starts_with("classify.input_side is 8"), "{text}");
    }
}
