//! ResNet as a classifier of whole pictures.

mod architecture;
mod input;
mod metadata;
mod model;
mod network;
mod resample;

pub use architecture::ClassifierArchitecture;
pub use input::InputConfig;
pub use metadata::ClassifierMetadata;
pub use model::{ClassifierModel, Prediction, top_k};
pub use network::Classifier;
