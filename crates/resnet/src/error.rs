//! What a classifier refuses.

use crate::ResNetConfigError;
use kestrel_weights::WeightsError;
use tch::TchError;

/// A classifier that cannot be built, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// The architecture's YAML does not parse or has a key that does not exist.
    #[error("architecture of {origin}: {reason}")]
    ArchitectureText {
        /// The file, or the model file's metadata.
        origin: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The architecture parses but makes no classifier.
    #[error("architecture: {field} is {found}; expected {expected}")]
    Setting {
        /// The key.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// The body makes no ResNet.
    #[error(transparent)]
    Backbone(#[from] ResNetConfigError),
    /// libtorch did not do it.
    #[error(
        "{images} pictures at once: {reason}; where memory is out, take fewer (`--batch`), or another \
         device"
    )]
    Network {
        /// Pictures in the batch.
        images: usize,
        /// What libtorch said.
        reason: String,
    },
    /// The names in a weight file are not those of a ResNet classifier.
    #[error(
        "{origin}: cannot tell a classifier from the weights: {reason}; expected a ResNet with `fc`, \
         or give what it is made of with `--architecture FILE.yaml`"
    )]
    NotInferred {
        /// The weight file.
        origin: String,
        /// The first thing that did not fit.
        reason: String,
    },
    /// The class names do not fit the architecture.
    #[error(
        "{origin}: {found} class names for {expected} classes; `kestrel model convert --classes A,B \
         -o FILE` names them anew"
    )]
    Classes {
        /// The model file.
        origin: String,
        /// Names there are.
        found: usize,
        /// Names there should be.
        expected: usize,
    },
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot be run.
    #[error("the classifier cannot be run: {0}")]
    Torch(#[from] TchError),
}
