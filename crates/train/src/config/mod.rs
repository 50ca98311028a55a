//! Everything about a run, as a YAML file says it. Each part's settings lie beside the part.

mod built_in;
mod checked;
mod error;
mod load;

pub use built_in::BUILT_IN;
pub use error::SettingError;
pub(crate) use load::to_text;
pub use load::{BuiltIn, ConfigError, Origin, Resolved, Source, resolve};

use crate::checkpoint::CheckpointConfig;
use crate::classify::ClassifyConfig;
use crate::data::DataConfig;
use crate::optimiser::OptimiserConfig;
use crate::schedule::ScheduleConfig;
use crate::start::StartConfig;
use crate::validation::ValidationConfig;
use kestrel_data::LoaderConfig;
use kestrel_layers::Precision;
use kestrel_rcnn::Architecture;
use serde::{Deserialize, Serialize};

/// The version of the file format that this program reads.
pub const CONFIG_VERSION: u32 = 1;

/// A run. What a file leaves out has the value of [`TrainConfig::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "a run, which is keys such as `data`, `model` and `train`"
)]
pub struct TrainConfig {
    /// Version of the file format; 1.
    pub version: u32,
    /// What is learnt.
    pub task: TaskKind,
    /// Where the first weights, the order of the images, augmentation and sampling come from.
    pub seed: u64,
    /// What is learnt from.
    pub data: DataConfig,
    /// How batches are made of it.
    pub loader: LoaderConfig,
    /// What learns.
    pub model: ModelConfig,
    /// What only `task: classify` looks at.
    pub classify: ClassifyConfig,
    /// How it learns.
    pub train: RecipeConfig,
    /// How often it is scored.
    pub validation: ValidationConfig,
    /// How often its state is kept.
    pub checkpoint: CheckpointConfig,
    /// Steps between two lines of the log, at least 1.
    pub log_every_steps: u64,
}

/// What is learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// Boxes, and masks where the model has them.
    #[default]
    Detect,
    /// One class for a whole picture.
    Classify,
}

/// What learns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// What it starts from.
    pub start: StartConfig,
    /// What it is built of. The number of classes is the data's, whatever stands here.
    pub architecture: Architecture,
    /// Whether it is built as the detector it starts from is; of `architecture` counts what is said
    /// after this, in a config based on the one that says this, or by `--set`.
    pub as_start: bool,
    /// Whether the sizes of pictures and anchors are chosen to suit the data; sizes said after this
    /// count.
    pub fit_to_data: bool,
}

/// How it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecipeConfig {
    /// Times every image is seen; the length of the run, unless `steps` is given.
    pub epochs: f64,
    /// Length of the run in steps.
    pub steps: Option<u64>,
    /// Highest learning rate, for `lr_batch_size` images a step.
    pub lr: f64,
    /// Images a step that `lr` is meant for: with others it is scaled in proportion (Goyal et al.
    /// 2017, arXiv:1706.02677, section 2.1). Without it `lr` is taken as it is.
    pub lr_batch_size: Option<usize>,
    /// Whether pictures go into the network in the size augmentation leaves them, as `scale_jitter`
    /// and `short_side` want it, instead of in the architecture's.
    pub keep_size: bool,
    /// Batches whose gradients are added up for one step, at least 1.
    pub accumulate: usize,
    /// Gradients whose joint norm is larger are scaled down to it.
    pub clip_norm: Option<f64>,
    /// Part of the averaged weights that one step keeps, such as 0.999. The averaged weights are
    /// those that are scored and written. Without it there are none.
    pub ema_decay: Option<f64>,
    /// Bits of the products of a step. With `float16` the loss is scaled, and a step whose gradients
    /// overflow is left out. Scores are always taken in float32.
    pub precision: Precision,
    /// How gradients become steps.
    pub optimiser: OptimiserConfig,
    /// How the learning rate changes over the run.
    pub schedule: ScheduleConfig,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            version: CONFIG_VERSION,
            task: TaskKind::default(),
            seed: 0,
            data: DataConfig::default(),
            loader: LoaderConfig::default(),
            model: ModelConfig::default(),
            classify: ClassifyConfig::default(),
            train: RecipeConfig::default(),
            validation: ValidationConfig::default(),
            checkpoint: CheckpointConfig::default(),
            log_every_steps: 20,
        }
    }
}

impl Default for RecipeConfig {
    /// torchvision's reference for COCO: 26 epochs, 0.02 for 16 images a step.
    fn default() -> Self {
        Self {
            epochs: 26.0,
            steps: None,
            lr: 0.02,
            lr_batch_size: Some(16),
            keep_size: false,
            accumulate: 1,
            clip_norm: None,
            ema_decay: None,
            precision: Precision::default(),
            optimiser: OptimiserConfig::default(),
            schedule: ScheduleConfig::default(),
        }
    }
}

impl TrainConfig {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first key whose value makes no run, and what would.
    pub fn validate(&self) -> Result<(), SettingError> {
        let Self {
            version,
            train,
            log_every_steps,
            data,
            model,
            classify,
            validation,
            checkpoint,
            ..
        } = self;
        if *version != CONFIG_VERSION {
            return Err(SettingError::new("version", version, "1, the version this program reads"));
        }
        if *log_every_steps == 0 {
            return Err(SettingError::new("log_every_steps", log_every_steps, "at least 1"));
        }
        data.validate()?;
        model.start.validate()?;
        classify.validate()?;
        train.validate()?;
        validation.validate()?;
        checkpoint.validate()
    }

    /// Images whose gradients make up a step.
    pub fn images_per_step(&self) -> usize {
        self.loader.batches.batch_size * self.train.accumulate
    }

    /// The highest learning rate for the images a step really has.
    pub fn scaled_lr(&self) -> f64 {
        let scale = |meant: usize| self.images_per_step() as f64 / meant as f64;
        self.train.lr * self.train.lr_batch_size.map_or(1.0, scale)
    }
}

impl RecipeConfig {
    fn validate(&self) -> Result<(), SettingError> {
        let bad = |field, found: &dyn std::fmt::Debug, expected| {
            Err(SettingError::new(field, found, expected))
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if self.steps.is_none() && !positive(self.epochs) {
            return bad("train.epochs", &self.epochs, "above 0, or `train.steps`");
        }
        if !positive(self.lr) {
            return bad("train.lr", &self.lr, "above 0");
        }
        if self.lr_batch_size == Some(0) {
            return bad("train.lr_batch_size", &0, "at least 1, or null");
        }
        if self.accumulate == 0 {
            return bad("train.accumulate", &0, "at least 1");
        }
        if let Some(norm) = self.clip_norm.filter(|&norm| !positive(norm)) {
            return bad("train.clip_norm", &norm, "above 0, or null");
        }
        if let Some(decay) = self.ema_decay.filter(|decay| !(0.0..1.0).contains(decay)) {
            return bad("train.ema_decay", &decay, "from 0 to below 1, or null");
        }
        self.optimiser.validate()?;
        self.schedule.validate()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_survive_yaml() {
        let config = TrainConfig::default();
        config.validate().unwrap();
        let text = to_text(&config).unwrap();
        let source = Source::Text { name: "defaults", text: &text };
        assert_eq!(resolve::<TrainConfig>(source, &[], &[]).unwrap().value, config);
    }

    #[test]
    fn the_rate_follows_the_images_of_a_step() {
        let mut config = TrainConfig::default();
        config.loader.batches.batch_size = 4;
        config.train.accumulate = 2;
        assert_eq!(config.scaled_lr(), 0.01);
        config.train.lr_batch_size = None;
        assert_eq!(config.scaled_lr(), 0.02);
    }

    #[test]
    fn impossible_values_are_named() {
        let changed = |change: fn(&mut TrainConfig)| {
            let mut config = TrainConfig::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(changed(|c| c.version = 2).starts_with("version is 2"));
        assert!(changed(|c| c.train.lr = f64::NAN).starts_with("train.lr is NaN"));
        assert!(changed(|c| c.train.epochs = 0.0).starts_with("train.epochs is 0"));
        assert!(changed(|c| c.train.ema_decay = Some(1.0)).starts_with("train.ema_decay is 1"));
        assert!(changed(|c| c.train.accumulate = 0).starts_with("train.accumulate is 0"));
        assert!(changed(|c| c.log_every_steps = 0).starts_with("log_every_steps is 0"));
    }
}
