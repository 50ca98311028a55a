//! A YAML file, or nothing but a folder, becomes a run; a run becomes a model file.
//!
//! [`run()`] is the loop. It asks a [`Task`] for gradients, scores and the model file; the
//! [`DetectionTask`] is Faster and Mask R-CNN, the [`ClassificationTask`] their backbone as a
//! classifier. A [`TrainConfig`] says how, a [`Plan`] how long, and an
//! [`Observer`] hears of it. A run taken up from a checkpoint gives, on the CPU, the very weights it
//! would have given undisturbed.

mod checkpoint;
mod classify;
mod config;
mod data;
mod detection;
mod error;
mod fit;
mod look;
mod observer;
mod optimiser;
pub mod record;
mod run;
mod schedule;
mod stages;
mod start;
mod task;
mod validation;

pub use checkpoint::{CheckpointConfig, Progress, newest_step};
pub use classify::{
    CLASSIFY_CONFIG, ClassBatch, ClassificationData, ClassificationTask, ClassifyConfig,
};
pub use config::{
    BUILT_IN, BuiltIn, CONFIG_VERSION, ConfigError, ModelConfig, Origin, RecipeConfig, Resolved,
    SettingError, Source, TaskKind, TrainConfig, resolve,
};
pub use data::{DataConfig, MaskUse, TrainingData};
pub use detection::DetectionTask;
pub use error::TrainError;
pub use fit::{anchor_fit, fit_sizes};
pub use kestrel_layers::Precision;
pub use observer::{Ending, Event, Observer};
pub use optimiser::{Ema, Optimiser, OptimiserConfig, OptimiserKind};
pub use run::{CHECKPOINTS, MODEL_FILE, Plan, RunFolder, run};
pub use schedule::{Curve, Schedule, ScheduleConfig};
pub use start::{StartConfig, StartReport};
pub use task::{Score, Task, Validated};
pub use validation::ValidationConfig;
