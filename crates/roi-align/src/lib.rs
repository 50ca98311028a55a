//! RoIAlign (He et al., *Mask R-CNN*, 2017, section 3): a crop of fixed size out of a feature map,
//! for boxes that lie between pixels. Forward, backward, and the choice of the pyramid level.
//!
//! RoIAlign is a sparse linear map. A [`Roi`] is split into `P x P` bins, a bin into samples, and
//! a sample is a bilinear mix of four pixels; so a bin is a weighted sum of pixels, with weights
//! that do not depend on the features. They are planned once for a RoI and shared by all
//! channels. Two [`Route`]s apply them: a CPU kernel on slices for inference ([`kernel`]), and an
//! embedding bag on tensors wherever gradients or another device are wanted.
//!
//! Letters: `N` images, `C` channels, `H W` size of a feature map, `R` RoIs, `P` pooled side.
//!
//! *Aligned* moves the box by half a pixel, so that a pixel's value stands at its centre. With the
//! feature `10 * row + column` and the RoI `0.5 0.5 3.5 2.5`, pooled 2x2 with two samples a side,
//! the first bin is 11.25, and 5.75 when aligned. Detectors of torchvision do not align.
//!
//! Difference from torchvision: [`Sampling::Adaptive`] takes at most 4096 samples a bin side, a
//! RoI of no finite size gives zeros, and a RoI of an image that is not there is an error.

mod backward;
mod bag;
mod bitmaps;
mod detached;
mod error;
pub mod kernel;
mod plan;
mod pooler;
mod vector;

pub use bitmaps::crop_bitmaps;
pub use detached::DetachedPyramid;
pub use error::RoiAlignError;
pub use plan::{Roi, RoiAlignConfig, Sampling};
pub use pooler::{MultiLevelPooler, Route, roi_align};
