//! What the loop asks of whatever is learnt: detection or classification.

use crate::error::TrainError;
use crate::record::Looked;
use crate::start;
use kestrel_core::Categories;
use kestrel_data::{Sample, Unreadable};
use kestrel_rcnn::Draw;
use kestrel_weights::StateDict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::Tensor;

/// Something that can be learnt from batches.
pub trait Task {
    /// What the network takes.
    type Batch: Send + 'static;

    /// Whether samples need masks.
    fn with_masks(&self) -> bool;

    /// What makes a batch of samples; called in the loader's threads.
    fn collate(&self) -> Box<dyn Fn(Vec<Sample>) -> Self::Batch + Send + Sync>;

    /// What the classes are called.
    fn categories(&self) -> &Categories;

    /// The variables of the model in training, by full name.
    fn variables(&self) -> &BTreeMap<String, Tensor>;

    /// Computes the losses of a batch and adds `weight` times their gradients to those the variables
    /// have. Every loss comes back by its name.
    ///
    /// # Errors
    /// When the network refuses the batch.
    fn backward(
        &self,
        batch: &Self::Batch,
        draw: &mut Draw,
        weight: f64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError>;

    /// Losses and scores of these weights on the validation data.
    ///
    /// # Errors
    /// When the network refuses.
    fn validate(&self, weights: &BTreeMap<String, Tensor>) -> Result<Validated, TrainError>;

    /// The model file of these weights, which `kestrel detect` or `classify` takes as it is. `notes`
    /// go into its free text.
    ///
    /// # Errors
    /// When the weights cannot be brought to the CPU.
    fn model_file(
        &self,
        weights: &BTreeMap<String, Tensor>,
        notes: BTreeMap<String, String>,
    ) -> Result<StateDict, TrainError>;
}

/// What came of a look at the validation data.
#[derive(Debug, Default)]
pub struct Validated {
    /// Mean of each loss over the batches, by name.
    pub losses: BTreeMap<String, f64>,
    /// Scores by name, between 0 and 1; what has no value is not there.
    pub scores: BTreeMap<String, f64>,
    /// The score by which the best weights are chosen.
    pub decisive: Option<Score>,
    /// The first few pictures with what was found on them; none where nothing can be drawn.
    pub pictures: Vec<Looked>,
    /// Pictures nothing was found on, since they cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A score and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// A key of [`Validated::scores`].
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// Weights by name, with the free text of their file.
pub(crate) fn state_dict(
    weights: &BTreeMap<String, Tensor>,
    text: BTreeMap<String, String>,
) -> Result<StateDict, TrainError> {
    Ok(StateDict::from_tensors(start::shallow(weights), text)?)
}
