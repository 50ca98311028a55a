//! What a detector refuses.

use kestrel_resnet::ResNetConfigError;
use kestrel_roi_align::RoiAlignError;
use kestrel_weights::WeightsError;

/// A detector that cannot be built, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum RcnnError {
    /// The architecture's YAML does not parse or has a key that does not exist.
    #[error("architecture of {origin}: {reason}")]
    ArchitectureText {
        /// The file, or the model file's metadata.
        origin: String,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The architecture parses but makes no detector.
    #[error("architecture: {field} is {found}; expected {expected}")]
    Architecture {
        /// The key.
        field: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The backbone makes no ResNet.
    #[error(transparent)]
    Backbone(#[from] ResNetConfigError),
    /// The names in a weight file are not those of a detector Kestrel knows.
    #[error(
        "{origin}: cannot tell the architecture from the weights: {reason}; give it with \
         `--architecture FILE.yaml`"
    )]
    NotInferred {
        /// The weight file.
        origin: String,
        /// The first thing that did not fit.
        reason: String,
    },
    /// The class names do not fit the architecture.
    #[error(
        "{origin}: {found} class names for {expected} classes, background included; `kestrel model \
         convert --classes A,B -o FILE` names them anew, all but the background"
    )]
    Categories {
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
    /// Losses of images without ground truth.
    #[error("losses: {images} images but {targets} targets; every image needs one, even if empty")]
    TargetsMissing {
        /// Images in the batch.
        images: usize,
        /// Targets in the batch.
        targets: usize,
    },
    /// Mask losses of objects without masks.
    #[error("losses: image {image} of the batch has objects but no masks; Mask R-CNN needs both")]
    MasksMissing {
        /// Place in the batch.
        image: usize,
    },
    /// libtorch did not build it.
    #[error("building the model: {reason}; where memory is out, the architecture is too large")]
    Build {
        /// What libtorch said.
        reason: String,
    },
    /// libtorch did not do it.
    #[error(
        "{images} images at once: {reason}; where memory is out, take fewer (`--batch`), smaller \
         pictures (`min_size` of the architecture), or another device"
    )]
    Network {
        /// Images in the batch.
        images: usize,
        /// What libtorch said.
        reason: String,
    },
    /// Crops could not be made.
    #[error(transparent)]
    RoiAlign(#[from] RoiAlignError),
}
