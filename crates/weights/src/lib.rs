//! Weight files in and out: PyTorch checkpoints (`.pth`, every container `torch.save` has written)
//! and `.safetensors`, under the names torchvision gives the same modules today.
//!
//! A file becomes a [`StateDict`]; [`load`] copies that into a model's variables after every name
//! and every shape has been compared, and says in a [`LoadReport`] what did not fit and why.
//! Nothing in a file is ever executed, and no file makes this crate panic.
//!
//! ```no_run
//! use kestrel_weights::{StateDict, Strictness, WeightsError, load};
//!
//! fn fill(store: &tch::nn::VarStore) -> Result<(), WeightsError> {
//!     let weights = StateDict::read("resnet50.pth".as_ref())?;
//!     load(store.variables(), &weights, Strictness::Strict)?;
//!     Ok(())
//! }
//! ```
//!
//! Difference from torchvision: v1 names are translated when a file is read, not by each module
//! when it is loaded; `num_batches_tracked` is dropped, since nothing here reads it.

mod advice;
mod archive;
mod checkpoint;
mod container;
mod element;
mod error;
mod foreign;
mod load;
mod names;
mod report;
mod safetensors_header;
mod state_dict;
mod write;
mod yaml;

pub use archive::{FileSummary, summarize};
pub use container::Container;
pub use element::TensorInfo;
pub use error::WeightsError;
pub use load::{Strictness, load};
pub use names::Naming;
pub use report::{LoadReport, MisShaped};
pub use state_dict::StateDict;
pub use write::FloatStorage;
pub use yaml::{from_yaml, to_yaml};
