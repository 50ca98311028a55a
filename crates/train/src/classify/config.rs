//! What only classification has settings for.

use crate::config::{SettingError, TaskKind, TrainConfig};
use crate::optimiser::OptimiserConfig;
use crate::schedule::{Curve, ScheduleConfig};
use kestrel_data::{Augmentation, BatchOrderConfig, CropsConfig, RandomResizedCrop};
use serde::{Deserialize, Serialize};

/// Settings of `task: classify`. The network is `model.architecture.backbone`; mean and deviation of
/// its input are those of `model.architecture.resize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifyConfig {
    /// Side of the square the network sees, in pixels. Without it the data decides, by the middle one
    /// of its pictures' short sides: 64 up to 96 pixels, 128 up to 192, else 224. Crops by
    /// `random_resized_crop` then get this side.
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

impl TrainConfig {
    /// What a classifier is trained with where nobody says otherwise: torchvision's reference at a
    /// smaller scale (0.1 for 256 images a step, half a cosine), 30 epochs, 64 images a step, parts of
    /// at least a third of the picture, mirrored or not.
    pub fn classification() -> Self {
        let mut config = Self { task: TaskKind::Classify, ..Self::default() };
        let crop = RandomResizedCrop { min_area: 0.35, side: 64, ..RandomResizedCrop::default() };
        config.loader.augment = vec![
            Augmentation::RandomResizedCrop(crop),
            Augmentation::HorizontalFlip(kestrel_data::augment::Flip::default()),
        ];
        config.loader.batches = BatchOrderConfig {
            batch_size: 64,
            aspect_ratio_groups: 0,
            keep_empty: false,
            ..BatchOrderConfig::default()
        };
        let train = &mut config.train;
        (train.epochs, train.lr, train.lr_batch_size) = (30.0, 0.1, Some(256));
        train.optimiser = OptimiserConfig {
            nesterov: true,
            norm_weight_decay: Some(0.0),
            bias_weight_decay: Some(0.0),
            ..OptimiserConfig::default()
        };
        train.schedule =
            ScheduleConfig { curve: Curve::Cosine, warmup_steps: 50, ..ScheduleConfig::default() };
        config
    }
}
