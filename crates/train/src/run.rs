//! The training loop.
//!
//! Everything random in a step comes from the seed and the number of the step or the sample, so the
//! state between two steps is all that a run needs to go on exactly as it would have.

mod plan;
mod step;

pub use plan::Plan;

use crate::checkpoint::{Progress, RunState};
use crate::config::{TrainConfig, to_text};
use crate::error::TrainError;
use crate::observer::{Ending, Event, Observer};
use crate::optimiser::{Ema, LossScale, Optimiser};
use crate::record::{Metric, Recorder};
use crate::start::freeze;
use crate::task::{Score, Task, Validated};
use kestrel_data::Dataset;
use kestrel_weights::FloatStorage;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use step::Steps;

/// The model file of the best weights so far, or of the last where nothing is scored.
pub const MODEL_FILE: &str = "model.safetensors";
/// The folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// Detections on the sheet of validation pictures have at least this score.
const SHEET_SCORE: f32 = 0.5;

/// Where a run writes.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// A folder, which is made when something is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The model file.
    pub fn model(&self) -> PathBuf {
        self.path.join(MODEL_FILE)
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }
}

/// Trains from the newest checkpoint in `folder`, or from the start where there is none, to the end
/// of the plan.
///
/// # Errors
/// When data or weights cannot be read, a loss is no number, or a file cannot be written. The
/// checkpoints written before stay.
pub fn run<T: Task>(
    task: &T,
    dataset: &Arc<Dataset>,
    config: &TrainConfig,
    plan: &Plan,
    folder: &RunFolder,
    observer: &mut dyn Observer,
) -> Result<Ending, TrainError> {
    let mut state = start(task, config);
    let resumed = state.restore_newest(&folder.checkpoints())?;
    let records = Recorder::open(folder.path(), state.progress.step)?;
    observer.event(&Event::Started { step: state.progress.step, resumed })?;
    let mut steps = Steps::new(task, dataset, config, plan, state.progress.position)?;
    let mut sitting = Sitting { task, config, plan, folder, records, observer };
    while state.progress.step < plan.num_steps {
        let metric = steps.next(&mut state, sitting.observer)?;
        let step = state.progress.step;
        metric.iter().try_for_each(|metric| sitting.record(metric))?;
        if plan.is_look(step) && sitting.look_or_save(&mut state)? == Look::NoHope {
            sitting.save(&state)?;
            return Ok(Ending::NoGain { step });
        }
        let wants_stop = sitting.observer.wants_stop();
        if plan.is_checkpoint(step) || wants_stop {
            sitting.save(&state)?;
        }
        if wants_stop && step < plan.num_steps {
            return Ok(Ending::Stopped { step });
        }
    }
    sitting.records.finish()?;
    Ok(Ending::Finished { step: state.progress.step })
}

fn start<'a>(task: &'a impl Task, config: &TrainConfig) -> RunState<'a> {
    let variables = task.variables();
    freeze(variables, config.model.start.freeze_stages);
    RunState {
        variables,
        optimiser: Optimiser::new(variables, &config.train.optimiser),
        ema: config.train.ema_decay.map(|decay| Ema::new(variables, decay)),
        progress: Progress {
            loss_scale: LossScale::of(config.train.precision),
            ..Progress::default()
        },
    }
}

/// What came of a look at the validation data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The run goes on.
    GoesOn,
    /// The scores have not become better for so long that the run should end.
    NoHope,
}

/// What happens between steps: looks, checkpoints, records.
struct Sitting<'a, T> {
    task: &'a T,
    config: &'a TrainConfig,
    plan: &'a Plan,
    folder: &'a RunFolder,
    records: Recorder,
    observer: &'a mut dyn Observer,
}

impl<T: Task> Sitting<'_, T> {
    fn record(&mut self, metric: &Metric) -> Result<(), TrainError> {
        self.records.write(metric)?;
        self.observer.event(&Event::Measured(metric))
    }

    fn save(&mut self, state: &RunState<'_>) -> Result<(), TrainError> {
        state.save(&self.folder.checkpoints(), self.config.checkpoint.keep)?;
        self.observer.event(&Event::Saved { step: state.progress.step })
    }

    /// A look; where it fails, what was learnt is kept before the run ends.
    fn look_or_save(&mut self, state: &mut RunState<'_>) -> Result<Look, TrainError> {
        let looked = self.look(state);
        if looked.is_err() {
            self.save(state)?;
        }
        looked
    }

    /// Scores the weights, and writes the model file if they are the best.
    fn look(&mut self, state: &mut RunState<'_>) -> Result<Look, TrainError> {
        let begin = Instant::now();
        self.observer.event(&Event::Looking { step: state.progress.step })?;
        let Validated { mut losses, scores, decisive, pictures, unreadable } =
            self.task.validate(state.weights())?;
        let mut unreadable = unreadable.iter();
        unreadable.try_for_each(|picture| self.observer.event(&Event::Unreadable(picture)))?;
        // JSON has no word for what is no number.
        losses.retain(|_, loss| loss.is_finite());
        let Progress { step, position, .. } = state.progress;
        if !pictures.is_empty() {
            self.records.write_sheet(&pictures, self.task.categories(), SHEET_SCORE)?;
        }
        if is_better(decisive.as_ref(), state.progress.best.as_ref(), self.config) {
            let notes = notes(self.config, step, &scores);
            self.task
                .model_file(state.weights(), notes)?
                .write_safetensors(&self.folder.model(), FloatStorage::AsIs)?;
            state.progress.best = decisive;
            state.progress.looks_without_gain = 0;
        } else {
            state.progress.looks_without_gain += 1;
        }
        let (epoch, secs) = (self.plan.epochs_done(position), begin.elapsed().as_secs_f64());
        self.record(&Metric::Validation { step, epoch, losses, scores, secs })?;
        let patience = self.config.validation.patience.unwrap_or(u64::MAX);
        let hopeless = state.progress.looks_without_gain >= patience;
        Ok(if hopeless { Look::NoHope } else { Look::GoesOn })
    }
}

/// Without scores the newest weights are the best.
fn is_better(found: Option<&Score>, best: Option<&Score>, config: &TrainConfig) -> bool {
    match (found, best) {
        (Some(found), Some(best)) => found.value > best.value + config.validation.min_gain,
        (Some(_), None) => true,
        (None, best) => best.is_none(),
    }
}

/// A model file goes out into the world; where things lay on this machine is nobody's business.
fn without_places(config: &TrainConfig) -> TrainConfig {
    let mut config = config.clone();
    let name = |path: PathBuf| path.file_name().map(PathBuf::from);
    config.data.path = config.data.path.and_then(name);
    let weights = config.model.start.weights.map(PathBuf::from).and_then(name);
    config.model.start.weights = weights.map(|name| name.to_string_lossy().into_owned());
    config
}

/// What a model file says of its origin.
fn notes(
    config: &TrainConfig,
    step: u64,
    scores: &BTreeMap<String, f64>,
) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::from([("train.step".to_owned(), step.to_string())]);
    if let Ok(text) = to_text(&without_places(config)) {
        notes.insert("train.config".to_owned(), text);
    }
    notes.extend(scores.iter().map(|(name, value)| (format!("score.{name}"), value.to_string())));
    notes
}
