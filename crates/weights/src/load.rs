//! Weights into a model's variables, after everything has been compared.
//!
//! Difference from `tch`'s own loader: a name the model does not have is reported, shapes must be
//! equal (nothing is broadcast), and a variable keeps its element type.

use crate::{LoadReport, StateDict, WeightsError};
use std::collections::BTreeMap;
use tch::{TchError, Tensor, no_grad};

/// What happens when file and model are not exactly alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// It is an error, and nothing is loaded.
    #[default]
    Strict,
    /// What fits is loaded and the rest reported. That nothing fits at all remains an error.
    Partial,
}

/// Copies the weights into the variables of the same names.
///
/// `variables` are a model's, by full name; shallow clones will do, since the numbers are copied
/// into the memory they share. They may lie on any device.
///
/// # Errors
/// When the two do not fit each other as `strictness` asks. No variable has changed then.
pub fn load(
    variables: impl IntoIterator<Item = (String, Tensor)>,
    weights: &StateDict,
    strictness: Strictness,
) -> Result<LoadReport, WeightsError> {
    let mut variables: BTreeMap<String, Tensor> = variables.into_iter().collect();
    let report = LoadReport::compare(&variables, weights.tensors());
    let file = || weights.file().to_owned();
    if strictness == Strictness::Strict && !report.is_complete() {
        return Err(WeightsError::Mismatch { file: file(), report: Box::new(report) });
    }
    if report.loaded.is_empty() && !variables.is_empty() {
        return Err(WeightsError::NothingFits { file: file(), report: Box::new(report) });
    }
    for name in &report.loaded {
        if let (Some(variable), Some(tensor)) = (variables.get_mut(name), weights.get(name)) {
            copy(variable, tensor)
                .map_err(|source| WeightsError::Torch { tensor: name.clone(), source })?;
        }
    }
    Ok(report)
}

fn copy(variable: &mut Tensor, tensor: &Tensor) -> Result<(), TchError> {
    no_grad(|| variable.f_copy_(tensor))
}
