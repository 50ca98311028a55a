//! What a model starts from: a detector, a classifier, or nothing.

use crate::config::SettingError;
use crate::error::TrainError;
use crate::stages::{NUM_STAGES, stage_of};
use kestrel_layers::caught;
use kestrel_weights::StateDict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tch::{Device, Tensor, nn, no_grad};

/// What a model starts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StartConfig {
    /// A built-in or fetched model by name, or a file: a detector, or a classifier whose layers
    /// become the backbone. Without it every weight starts at random.
    pub weights: Option<String>,
    /// Parts of the backbone that learn nothing, from the input on: 0 none, 1 the stem, 2 the stem and
    /// `layer1`, to 5 the whole of it. A batch norm there that is not frozen still normalises by its
    /// batch, and its averages move, as in torchvision.
    pub freeze_stages: usize,
}

impl StartConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        if self.freeze_stages > NUM_STAGES {
            let expected = "0 to 5";
            return Err(SettingError::new(
                "model.start.freeze_stages",
                self.freeze_stages,
                expected,
            ));
        }
        Ok(())
    }
}

/// A network with first weights from the seed. They are drawn on the CPU whatever the device, so that
/// a seed means the same weights everywhere.
///
/// # Errors
/// When libtorch does not build it, above all for want of memory.
pub(crate) fn seeded<T>(
    seed: u64,
    device: Device,
    build: impl FnOnce(&nn::Path<'_>) -> T,
) -> Result<(nn::VarStore, T), TrainError> {
    let built = || {
        tch::manual_seed(seed as i64);
        let mut store = nn::VarStore::new(Device::Cpu);
        let network = build(&store.root());
        store.set_device(device);
        (store, network)
    };
    caught(built).map_err(|reason| TrainError::Build { reason })
}

/// What came of starting from weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartReport {
    /// Variables that took over a weight.
    pub num_taken: usize,
    /// Variables that start anew since the file has another shape for them, as heads do where the
    /// classes differ.
    pub other_shape: Vec<String>,
    /// Variables that start anew since the file lacks them.
    pub missing: Vec<String>,
    /// Classes whose part of the heads was taken over, where the file names its classes.
    pub classes_taken: Vec<String>,
    /// Classes that the file does not know: their part of the heads starts anew.
    pub classes_anew: Vec<String>,
}

/// The same variables, so that some can be picked.
pub(crate) fn shallow(
    variables: &BTreeMap<String, Tensor>,
) -> impl Iterator<Item = (String, Tensor)> {
    variables.iter().map(|(name, variable)| (name.clone(), variable.shallow_clone()))
}

/// Takes over every weight that fits. A classifier's names, which start at `conv1`, are those of the
/// backbone under `prefix`; its `fc` is left.
///
/// # Errors
/// When nothing fits.
pub fn take_over(
    variables: &BTreeMap<String, Tensor>,
    weights: &StateDict,
    prefix: &str,
) -> Result<StartReport, TrainError> {
    let mut report = StartReport::default();
    for (name, variable) in variables {
        let inner = name.strip_prefix(prefix);
        let found = weights.get(name).or_else(|| inner.and_then(|inner| weights.get(inner)));
        match found {
            Some(weight) if weight.size() == variable.size() => {
                let mut variable = variable.shallow_clone();
                no_grad(|| variable.copy_(weight));
                report.num_taken += 1;
            }
            Some(_) => report.other_shape.push(name.clone()),
            None => report.missing.push(name.clone()),
        }
    }
    if report.num_taken == 0 {
        return Err(TrainError::Start(format!(
            "{}: none of its {} tensors fits the model; expected a detector or a ResNet of the same \
             blocks and channels: check `model.architecture.backbone`",
            weights.file(),
            weights.len()
        )));
    }
    Ok(report)
}

/// Lets the first `count` parts of the backbone learn nothing.
pub fn freeze(variables: &BTreeMap<String, Tensor>, count: usize) {
    let frozen = variables.iter().filter(|(name, _)| stage_of(name).is_some_and(|at| at < count));
    frozen.for_each(|(_, variable)| drop(variable.set_requires_grad(false)));
}
