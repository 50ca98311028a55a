//! `kestrel train`: from a folder or a config to a model file.

mod classify;
mod prepare;
mod watch;

use crate::console::{self, counted};
use crate::place::{at_place, make_folder};
use crate::{Outcome, device};
use anyhow::{Result, bail};
use kestrel_args::{Task, TrainArgs};
use kestrel_data::Dataset;
use kestrel_rcnn::Architecture;
use kestrel_train::{
    BUILT_IN, DetectionTask, Ending, Plan, Resolved, RunFolder, Source, TaskKind, TrainConfig,
    TrainingData, anchor_fit, resolve,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tch::Device;
use watch::Watch;

/// The resolved config of a run, in its folder.
const CONFIG_FILE: &str = "config.yaml";

/// More objects than this without an anchor that suits them are worth a word.
const MOST_WITHOUT_ANCHOR: f64 = 0.05;
/// What is done for a user who gives nothing but a folder.
const FOLDER_CONFIG: &str = include_str!("../../../../../configs/base/folder.yaml");

/// Runs the command.
pub(crate) fn run(arguments: &TrainArgs) -> Result<Outcome> {
    let device = device::prepare(&arguments.compute)?;
    let (resolved, folder) = match &arguments.resume {
        Some(folder) => (resumed(folder)?, folder.clone()),
        None => new_run(arguments)?,
    };
    resolved.validate()?;
    device::require_fit("train.precision", resolved.value.train.precision, device)?;
    if resolved.value.task == TaskKind::Classify {
        return classify::run(resolved, folder, arguments.resume.is_some(), device);
    }
    let data = TrainingData::open(&resolved.value.data, resolved.value.seed)?;
    let folder = RunFolder::new(folder);
    let start = prepare::Start::of(&resolved.value, &folder)?;
    let is_fitted = resolved.value.model.fit_to_data;
    let resolved = prepare::settled(resolved, &start, &data.train)?;
    let config = &resolved.value;
    let task = DetectionTask::new(config, &data, device)?;
    start.give_to(|weights| task.start_from(weights))?;
    let plan = Plan::new(config, &data.train)?;
    describe(&data, &task, device);
    warn_of_anchors(task.architecture(), &data, is_fitted);
    describe_run(config, &plan);
    let next = format!("kestrel detect PICTURES --model {}", folder.model().display());
    if arguments.resume.is_none() {
        write_config(&resolved, folder.path())?;
    }
    carry_out(&task, data.train, config, &plan, &folder, &[next])
}

/// From a task that is ready to the lines to type next.
fn carry_out(
    task: &impl kestrel_train::Task,
    dataset: Dataset,
    config: &TrainConfig,
    plan: &Plan,
    folder: &RunFolder,
    next: &[String],
) -> Result<Outcome> {
    let mut watch = Watch::new(plan)?;
    let dataset = Arc::new(dataset);
    let ending = kestrel_train::run(task, &dataset, config, plan, folder, &mut watch)?;
    watch.finish();
    conclude(ending, folder, next);
    Ok(match ending {
        Ending::Stopped { .. } => Outcome::Stopped,
        Ending::Finished { .. } | Ending::NoGain { .. } => Outcome::Done,
    })
}

/// The config of a run that was begun.
fn resumed(folder: &Path) -> Result<Resolved<TrainConfig>> {
    let path = folder.join(CONFIG_FILE);
    if !path.is_file() {
        bail!(
            "--resume {}: found no {CONFIG_FILE} in it; expected the folder of a run",
            folder.display()
        );
    }
    Ok(resolve(Source::File(&path), &[], &[])?)
}

/// The config that the command line asks for, and a folder that no run has used.
fn new_run(arguments: &TrainArgs) -> Result<(Resolved<TrainConfig>, PathBuf)> {
    let (file, sets) = (arguments.config.as_deref(), sets(arguments));
    let folder = Source::Text { name: "built-in base/folder.yaml", text: FOLDER_CONFIG };
    let resolved: Resolved<TrainConfig> = match arguments.task {
        Some(Task::Classify) => classify::resolved(file, &sets)?,
        Some(Task::Detect) | None => resolve(file.map_or(folder, Source::File), &sets, BUILT_IN)?,
    };
    let [data_base, start_base] =
        ["data.path", "model.start.weights"].map(|key| resolved.folder_of(key).to_owned());
    let resolved = resolved.changed(|config| {
        // The run may be taken up again from another folder.
        config.data.path = config.data.path.take().map(|path| absolute(&data_base.join(path)));
        let weights = &mut config.model.start.weights;
        *weights = weights.take().map(|name| name_or_file(name, &start_base));
    })?;
    let named_after = arguments.config.as_deref().or(resolved.value.data.path.as_deref());
    let folder = arguments.output.clone().unwrap_or_else(|| free_folder(named_after));
    if folder.join(CONFIG_FILE).exists() {
        bail!(
            "{} is a run already; go on with it with `--resume {}`, or name another folder with \
             `--output`",
            folder.display(),
            folder.display()
        );
    }
    Ok((resolved, folder))
}

/// Options that stand for keys of the config come before `--set`.
fn sets(arguments: &TrainArgs) -> Vec<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut sets = Vec::new();
    sets.extend(arguments.task.map(|task| format!("task={}", task.name())));
    sets.extend(arguments.data.as_deref().map(data_set));
    sets.extend(
        arguments.start.as_deref().map(|name| format!("model.start.weights={}", quoted(name))),
    );
    if let Some(epochs) = arguments.epochs {
        sets.extend([format!("train.epochs={epochs}"), "train.steps=null".to_owned()]);
    }
    sets.extend(arguments.batch.map(|count| format!("loader.batches.batch_size={count}")));
    sets.extend(arguments.set.iter().cloned());
    sets
}

/// What `--data` stands for.
pub(super) fn data_set(path: &Path) -> String {
    format!("data.path={}", serde_json::Value::from(path.to_string_lossy()))
}

/// A path that is right in every working folder; as it is where it leads nowhere.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// What a run starts from: the name of a model, or a file, which lies beside the config that names it.
fn name_or_file(name: String, base: &Path) -> String {
    let file = base.join(&name);
    match file.is_file() {
        true => absolute(&file).to_string_lossy().into_owned(),
        false => name,
    }
}

/// `runs/NAME`, or the first `runs/NAME-2`, `-3`, ... that is not there.
fn free_folder(named_after: Option<&Path>) -> PathBuf {
    let stem = named_after.and_then(Path::file_stem).and_then(|name| name.to_str());
    let name = stem.filter(|name| !name.starts_with('.')).unwrap_or("run");
    let first = Path::new("runs").join(name);
    let others = (2..).map(|number| Path::new("runs").join(format!("{name}-{number}")));
    std::iter::once(first.clone()).chain(others).find(|path| !path.exists()).unwrap_or(first)
}

fn describe(data: &TrainingData, task: &DetectionTask, device: Device) {
    let num_classes = data.train.categories.len();
    console::note(format_args!(
        "data: {} with {} of {}; {}",
        counted(data.train.images.len(), "image"),
        counted(data.train.num_objects(), "object"),
        match num_classes {
            1 => "1 class".to_owned(),
            count => format!("{count} classes"),
        },
        data.names
    ));
    warn_of_left_out(data.num_findings);
    if data.num_learnt() == 0 {
        console::note("warning: no object to learn from: the model will learn to find nothing");
    }
    let architecture = task.architecture();
    console::note(format_args!(
        "model: {} on {}; pictures at {} to {} pixels, anchors from {} pixels",
        architecture.family(),
        device::name(device),
        architecture.resize.min_size,
        architecture.resize.max_size,
        architecture.anchors.sizes.first().copied().unwrap_or_default()
    ));
    warn_of_outlines(architecture, data);
}

/// Records that could not be read are no part of the data.
fn warn_of_left_out(count: usize) {
    if count > 0 {
        let left_out = counted(count, "unusable record");
        console::note(format_args!(
            "warning: {left_out} left out; `kestrel data check` names them"
        ));
    }
}

/// A Mask R-CNN learns nothing of objects without outlines, not even their boxes.
fn warn_of_outlines(architecture: &Architecture, data: &TrainingData) {
    let lacking = data.num_without_outline();
    if architecture.mask_branch.is_some() && lacking > 0 {
        console::note(format_args!(
            "warning: {lacking} of {} have no outline and are left out; to learn the boxes of all, give \
             `--set data.masks=never`",
            counted(data.num_learnt(), "object")
        ));
    }
}

fn describe_run(config: &TrainConfig, plan: &Plan) {
    let scaled = match config.train.lr_batch_size {
        Some(meant) if meant != config.images_per_step() => format!(
            ", which is {} scaled from {meant} to {} images a step",
            config.train.lr,
            config.images_per_step()
        ),
        _ => String::new(),
    };
    console::note(format_args!(
        "run: {} of {}, {:.1} steps an epoch; learning rate {}{scaled}",
        counted(plan.num_steps as usize, "step"),
        counted(config.images_per_step(), "image"),
        plan.steps_per_epoch,
        config.scaled_lr()
    ));
}

/// Objects that no anchor suits are learnt badly.
fn warn_of_anchors(architecture: &Architecture, data: &TrainingData, is_fitted: bool) {
    let share = anchor_fit(architecture, &data.train).unmatched_share.unwrap_or(0.0);
    if share > MOST_WITHOUT_ANCHOR {
        let fit = if is_fitted { "" } else { "`--set model.fit_to_data=true`, or " };
        console::note(format_args!(
            "warning: no anchor suits {:.0} % of the objects; try {fit}other \
             `model.architecture.anchors.sizes` or `ratios`",
            100.0 * share
        ));
    }
}

fn write_config(config: &Resolved<TrainConfig>, folder: &Path) -> Result<()> {
    make_folder(folder)?;
    let path = folder.join(CONFIG_FILE);
    at_place(&path, fs::write(&path, config.annotated_yaml()))
}

/// How it ended, and the lines to type next.
fn conclude(ending: Ending, folder: &RunFolder, next: &[String]) {
    let path = folder.path().display();
    let steps = |step: u64| counted(step as usize, "step");
    match ending {
        Ending::Finished { step } => console::note(format_args!("finished after {}", steps(step))),
        Ending::NoGain { step } => console::note(format_args!(
            "ended after {}: the scores did not get better any more",
            steps(step)
        )),
        Ending::Stopped { step } => {
            console::note(format_args!("stopped after {}; go on with:", steps(step)));
            console::note(format_args!("  kestrel train --resume {path}"));
            return;
        }
    }
    console::note("use the model with:");
    next.iter().for_each(|line| console::note(format_args!("  {line}")));
}
