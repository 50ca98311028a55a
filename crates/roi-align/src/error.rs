//! What RoIAlign refuses.

use crate::RoiAlignConfig;
use tch::{Device, Kind, TchError};

/// Features, RoIs or settings that cannot be pooled.
#[derive(Debug, thiserror::Error)]
pub enum RoiAlignError {
    /// A pooled side or a number of samples of zero.
    #[error("RoIAlign settings: found {0:?}, expected a pooled side and samples of at least 1")]
    Config(RoiAlignConfig),
    /// A tensor that is no batch of feature maps.
    #[error("RoIAlign features: found shape {found:?}, expected [N, C, H, W]")]
    FeatureShape {
        /// Shape of the tensor.
        found: Vec<i64>,
    },
    /// A tensor that is no list of bitmaps.
    #[error("RoIAlign bitmaps: found shape {found:?}, expected [M, H, W]")]
    BitmapShape {
        /// Shape of the tensor.
        found: Vec<i64>,
    },
    /// A slice that does not fit the shapes it comes with.
    #[error("RoIAlign {what}: found {found} values, expected {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The product of its shape.
        expected: usize,
    },
    /// A RoI in an image that is not in the batch.
    #[error("RoI {roi}: found image {image}, expected one of the {num_images} in the batch")]
    Image {
        /// Place in the list of RoIs.
        roi: usize,
        /// The image it names.
        image: usize,
        /// Number of images in the features.
        num_images: usize,
    },
    /// A pyramid with more or fewer levels than there are scales, or with none.
    #[error("feature pyramid: found {found} levels for {expected} scales, expected one for each")]
    NumLevels {
        /// Levels given.
        found: usize,
        /// Scales of the pooler.
        expected: usize,
    },
    /// A pyramid level with other images or channels than the first.
    #[error("pyramid level {level}: found shape {found:?}, expected [N, C, ..] = {expected:?}")]
    LevelShape {
        /// Place in the pyramid.
        level: usize,
        /// Shape of the level.
        found: Vec<i64>,
        /// Images and channels of the first level.
        expected: Vec<i64>,
    },
    /// Features the CPU kernel cannot read, or whose gradient it would drop.
    #[error(
        "RoIAlign kernel: found {kind:?} features on {device:?}, with gradients: {requires_grad}; \
         expected Float on Cpu without gradients; use Route::Bag"
    )]
    Kernel {
        /// Their kind.
        kind: Kind,
        /// Where they are.
        device: Device,
        /// Whether they are attached to a graph.
        requires_grad: bool,
    },
    /// More pixels or weights than an embedding bag can number.
    #[error("RoIAlign bag: found {found} {what}, expected at most {}; pool in parts", i32::MAX)]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it.
        found: usize,
    },
    /// libtorch refused.
    #[error("RoIAlign: {0}")]
    Torch(#[from] TchError),
}
