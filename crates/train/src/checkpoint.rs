//! The state of a run between two steps, kept so that the next step comes out as it would have.
//!
//! One safetensors file holds the weights under their names, what the optimiser remembers under
//! `optimiser/`, the averaged weights under `ema/`, and everything else as JSON in its free text. It
//! is written beside and renamed, so a file that is there is whole. Nothing random has to be kept:
//! each step has random numbers of its own.

use crate::config::SettingError;
use crate::error::TrainError;
use crate::optimiser::{Ema, LossScale, Optimiser};
use crate::task::Score;
use kestrel_data::LoaderPosition;
use kestrel_weights::{FloatStorage, StateDict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tch::{Tensor, no_grad};

/// Where the free text keeps the JSON.
const STATE_KEY: &str = "kestrel.run";
const OPTIMISER: &str = "optimiser/";
const AVERAGES: &str = "ema/";

/// How often the state of a run is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps between two checkpoints, at least 1. One at the end comes anyway.
    pub every_steps: u64,
    /// Checkpoints kept, the newest ones; at least 1.
    pub keep: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every_steps: 500, keep: 2 }
    }
}

impl CheckpointConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        if self.every_steps == 0 {
            return Err(SettingError::new("checkpoint.every_steps", 0, "at least 1"));
        }
        if self.keep == 0 {
            return Err(SettingError::new("checkpoint.keep", 0, "at least 1"));
        }
        Ok(())
    }
}

/// What a run knows of itself, tensors apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// The batch the next step begins with.
    pub position: LoaderPosition,
    /// The best score so far.
    pub best: Option<Score>,
    /// Looks at the validation data since then.
    pub looks_without_gain: u64,
    /// How much the loss is enlarged, with gradients of 16 bits.
    #[serde(default)]
    pub loss_scale: Option<LossScale>,
}

/// Everything that changes while a run goes on.
pub struct RunState<'a> {
    /// The model's variables.
    pub variables: &'a BTreeMap<String, Tensor>,
    /// How its gradients become steps.
    pub optimiser: Optimiser,
    /// Its averaged weights, where there are any.
    pub ema: Option<Ema>,
    /// How far the run is.
    pub progress: Progress,
}

impl RunState<'_> {
    /// The weights to score and to write: the averaged ones, where there are any.
    pub fn weights(&self) -> &BTreeMap<String, Tensor> {
        self.ema.as_ref().map_or(self.variables, Ema::averages)
    }

    /// Every tensor of the state, by its name in the file.
    fn tensors(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        let shallow = |prefix: &'static str| {
            move |(name, tensor): (&String, &Tensor)| {
                (format!("{prefix}{name}"), tensor.shallow_clone())
            }
        };
        let memory = self.optimiser.memory();
        let averages = self.ema.iter().flat_map(|ema| ema.averages());
        let variables = self.variables.iter().map(shallow(""));
        let memory = memory.map(|(name, tensor)| (format!("{OPTIMISER}{name}"), tensor));
        variables.chain(memory).chain(averages.map(shallow(AVERAGES)))
    }

    /// Writes the checkpoint of this step into `folder` and removes all but the `keep` newest.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn save(&self, folder: &Path, keep: usize) -> Result<(), TrainError> {
        fs::create_dir_all(folder).map_err(TrainError::file(folder))?;
        let path = folder.join(file_name(self.progress.step));
        let json = serde_json::to_string(&self.progress)
            .map_err(|error| TrainError::file(&path)(error.into()))?;
        let text = BTreeMap::from([(STATE_KEY.to_owned(), json)]);
        StateDict::from_tensors(self.tensors(), text)?
            .write_safetensors(&path, FloatStorage::AsIs)?;
        let kept = list(folder)?;
        let superfluous = kept.len().saturating_sub(keep);
        for (_, old) in &kept[..superfluous] {
            fs::remove_file(old).map_err(TrainError::file(old))?;
        }
        Ok(())
    }

    /// Takes up the newest checkpoint in `folder`; false where there is none.
    ///
    /// # Errors
    /// When it cannot be read or is one of another run.
    pub fn restore_newest(&mut self, folder: &Path) -> Result<bool, TrainError> {
        match list(folder)?.pop() {
            Some((_, path)) => self.restore(&path).map(|()| true),
            None => Ok(false),
        }
    }

    fn restore(&mut self, path: &Path) -> Result<(), TrainError> {
        let file = StateDict::read(path)?;
        let foreign = |reason: String| TrainError::Checkpoint { path: path.to_owned(), reason };
        let json = file.metadata().get(STATE_KEY).ok_or_else(|| {
            foreign("holds no state of a run; expected a checkpoint that a run wrote".to_owned())
        })?;
        let progress: Progress = serde_json::from_str(json)
            .map_err(|error| foreign(format!("its state of the run cannot be read: {error}")))?;
        let other = |what: String| {
            foreign(format!(
                "{what}; it belongs to a run with another model, optimiser or `train.ema_decay`: give \
                 the run's config.yaml these back, or begin a new run with the weights as `--start`"
            ))
        };
        let mut strange: BTreeSet<&String> = file.tensors().keys().collect();
        for (name, mut tensor) in self.tensors() {
            let kept = file.get(&name).filter(|kept| kept.size() == tensor.size());
            let shape = tensor.size();
            let kept =
                kept.ok_or_else(|| other(format!("has no tensor `{name}` of shape {shape:?}")))?;
            no_grad(|| tensor.copy_(kept));
            strange.remove(&name);
        }
        if let Some(name) = strange.first() {
            return Err(other(format!("has a tensor `{name}` that has no place here")));
        }
        let num_lost = progress.loss_scale.as_ref().map_or(0, LossScale::num_lost);
        self.optimiser.set_num_steps(progress.step.saturating_sub(num_lost));
        // The scale belongs to the precision, which may have been changed since.
        let fresh = self.progress.loss_scale.take();
        let loss_scale = fresh.map(|fresh| progress.loss_scale.unwrap_or(fresh));
        self.progress = Progress { loss_scale, ..progress };
        Ok(())
    }
}

/// Whether there is a checkpoint in `folder`, and of which step the newest is.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest_step(folder: &Path) -> Result<Option<u64>, TrainError> {
    Ok(list(folder)?.pop().map(|(step, _)| step))
}

/// Nine digits keep the order of names that of steps.
fn file_name(step: u64) -> String {
    format!("step-{step:09}.safetensors")
}

/// Checkpoints by rising step; a folder that is not there has none.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, TrainError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(TrainError::file(folder))? {
        let path = entry.map_err(TrainError::file(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix("step-").and_then(|name| name.strip_suffix(".safetensors"));
        if let Some(step) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((step, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
