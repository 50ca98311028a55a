//! What can go wrong with weights.

use crate::{Container, LoadReport};
use std::io;
use tch::{Kind, TchError};

/// Weights that could not be read, written or loaded. `file` is the path, or the name given to
/// weights that do not come from a file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The operating system did not give the file.
    #[error("cannot read weights from `{file}`: {source}; check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of no bytes.
    #[error("cannot read weights from `{file}`: the file is empty; download or copy it again")]
    Empty {
        /// The file.
        file: String,
    },
    /// A file of another kind.
    #[error(
        "cannot read weights from `{file}`: found {found}, expected a PyTorch checkpoint (.pth) \
         or a .safetensors file; {remedy}"
    )]
    Foreign {
        /// The file.
        file: String,
        /// What it seems to be, with its article.
        found: &'static str,
        /// What to do with such a file.
        remedy: &'static str,
    },
    /// A weight file that contradicts itself.
    #[error(
        "cannot read weights from `{file}`: it starts as a {container} but is cut short or \
         damaged ({detail}); download or copy it again"
    )]
    Damaged {
        /// The file.
        file: String,
        /// What it starts as.
        container: Container,
        /// What is wrong inside.
        detail: String,
    },
    /// A whole checkpoint with something else than named tensors in it.
    #[error(
        "cannot read weights from `{file}`: the {container} holds {found}, expected a dictionary \
         of named tensors; save `model.state_dict()` (nothing in the file was executed)"
    )]
    NotWeights {
        /// The file.
        file: String,
        /// Its container.
        container: Container,
        /// What lies at its root.
        found: String,
    },
    /// A tensor of an element type libtorch does not compute with.
    #[error(
        "cannot read weights from `{file}`: tensor `{tensor}` has elements of type {found}, \
         expected float16, bfloat16, float32, float64, bool or a signed integer; convert it first"
    )]
    Element {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its element type, in the file's words.
        found: String,
    },
    /// The operating system did not take the file.
    #[error("cannot write weights to `{file}`: {source}; check the folder and the free space")]
    Write {
        /// The file.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A tensor the safetensors format has no place for.
    #[error(
        "cannot write weights to `{file}`: tensor `{tensor}` has elements of type {kind:?}, \
         expected a real floating, integer or bool type; convert it first"
    )]
    Unwritable {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its element type.
        kind: Kind,
    },
    /// A tensor with the name that safetensors keeps for itself.
    #[error(
        "cannot write weights to `{file}`: a tensor is called `{tensor}`, which the format keeps \
         for itself; rename it"
    )]
    ReservedName {
        /// The file.
        file: String,
        /// The name.
        tensor: String,
    },
    /// A number too large for the type it should be stored in.
    #[error(
        "cannot write weights to `{file}`: tensor `{tensor}` has values that become infinite as \
         {kind:?}, expected smaller ones; store it in a wider type"
    )]
    Overflow {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// The type it should be stored in.
        kind: Kind,
    },
    /// Strict loading of weights that are not exactly the model's; nothing was loaded.
    #[error("the weights in `{file}` do not fit the model, nothing was loaded: {report}")]
    Mismatch {
        /// The file.
        file: String,
        /// What fits and what does not.
        report: Box<LoadReport>,
    },
    /// Partial loading of weights none of which are the model's.
    #[error("no tensor in `{file}` fits the model: {report}")]
    NothingFits {
        /// The file.
        file: String,
        /// What does not fit.
        report: Box<LoadReport>,
    },
    /// libtorch refused a tensor.
    #[error("libtorch refused tensor `{tensor}`: {source}; check the free memory of the device")]
    Torch {
        /// The tensor.
        tensor: String,
        /// libtorch's answer.
        source: TchError,
    },
}
