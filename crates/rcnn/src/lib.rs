//! Faster R-CNN (Ren et al. 2015, arXiv:1506.01497) and Mask R-CNN (He et al. 2017,
//! arXiv:1703.06870) on a feature pyramid, equal to torchvision 0.26 in detections, losses and
//! gradients.
//!
//! There are two ways through a [`Detector`], [`Detector::losses`] and [`Detector::detect`]; each is the
//! stages of the paper's figure and nothing else. [`Detector::backward`] is the first with gradients. An [`Architecture`] says what it is built of, and
//! a [`Model`] is a detector with weights, ready for inference, with the names of its classes.

mod anchors;
mod architecture;
mod backward;
mod batch;
mod box_branch;
mod box_coder;
mod detector;
mod error;
mod infer;
mod losses;
mod mask_branch;
mod matcher;
mod model;
mod numbers;
#[cfg(test)]
mod ops_parity;
mod paste;
mod resample;
mod rpn;
mod sampler;

pub use anchors::{AnchorConfig, Anchors, LevelAnchors};
pub use architecture::{Architecture, Preset};
pub use batch::{Batch, ResizeConfig, ResizedTarget};
pub use box_branch::{BoxBranch, BoxBranchConfig, BoxHead, BoxHeadConfig, BoxPredictions, Found};
pub use box_coder::{BoxCoder, Deltas};
pub use detector::{Detector, FasterRcnn, MaskRcnn};
pub use error::RcnnError;
pub use infer::infer_architecture;
pub use kestrel_layers::{Precision, Preparation, silence_caught};
pub use losses::{BoxLosses, Losses, RpnLosses};
pub use mask_branch::{MaskBranch, MaskBranchConfig};
pub use matcher::{Match, MatcherConfig, match_boxes};
pub use model::{Metadata, Model};
pub use paste::paste_mask;
pub use rpn::{ProposalCounts, Proposals, Rpn, RpnConfig, RpnOutput};
pub use sampler::{Draw, Sample, SamplerConfig};
