//! `kestrel train`: from a folder or a config to a model file.

mod watch;

use crate::args::TrainArgs;
use crate::console::{self, counted};
use crate::model_source::ModelSource;
use crate::place::{at_place, make_folder};
use crate::{Outcome, device};
use anyhow::{Context, Result, bail};
use kestrel_train::{
    DetectionTask, Ending, Plan, RunFolder, StartReport, TrainConfig, TrainingData, newest_step,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tch::Device;
use watch::Watch;

/// The resolved config of a run, in its folder.
const CONFIG_FILE: &str = "config.yaml";

/// Runs the command.
pub(crate) fn run(arguments: &TrainArgs) -> Result<Outcome> {
    let device = device::prepare(&arguments.compute)?;
    let (config, folder) = match &arguments.resume {
        Some(folder) => (resumed_config(folder)?, folder.clone()),
        None => new_run(arguments)?,
    };
    config.validate()?;
    let data = TrainingData::open(&config.data, config.seed)?;
    let task = DetectionTask::new(&config, &data, device)?;
    let folder = RunFolder::new(folder);
    let is_new = newest_step(&folder.checkpoints())?.is_none();
    if is_new {
        start(&task, &config)?;
    }
    task.freeze(config.model.start.freeze_stages);
    let plan = Plan::new(&config, &data.train)?;
    describe(&config, &data, &task, &plan, device);
    make_folder(folder.path())?;
    if arguments.resume.is_none() {
        write_config(&config, folder.path())?;
    }
    let mut watch = Watch::new(&plan, folder.path())?;
    let dataset = Arc::new(data.train);
    let ending = kestrel_train::run(&task, &dataset, &config, &plan, &folder, &mut watch)?;
    watch.finish();
    conclude(ending, &folder);
    Ok(Outcome::Done)
}

fn resumed_config(folder: &Path) -> Result<TrainConfig> {
    let path = folder.join(CONFIG_FILE);
    let text = fs::read_to_string(&path).with_context(|| {
        format!("--resume: {} cannot be read; expected the folder of a run", path.display())
    })?;
    serde_yaml::from_str(&text).with_context(|| path.display().to_string())
}

/// The config that the command line asks for, and a folder that no run has used.
fn new_run(arguments: &TrainArgs) -> Result<(TrainConfig, PathBuf)> {
    let mut config: TrainConfig = match &arguments.config {
        Some(path) => serde_yaml::from_str(&at_place(path, fs::read_to_string(path))?)
            .with_context(|| path.display().to_string())?,
        None => TrainConfig::default(),
    };
    if let Some(path) = &arguments.data {
        config.data.path = Some(path.clone());
    }
    if let Some(start) = &arguments.start {
        config.model.start.weights = Some(start.clone());
    }
    if let Some(epochs) = arguments.epochs {
        (config.train.epochs, config.train.steps) = (epochs, None);
    }
    if let Some(batch) = arguments.batch {
        config.loader.batches.batch_size = batch.get();
    }
    let folder = match &arguments.output {
        Some(folder) => folder.clone(),
        None => free_folder(arguments.config.as_deref().or(config.data.path.as_deref())),
    };
    if folder.join(CONFIG_FILE).exists() {
        bail!(
            "{} is a run already; go on with it with `--resume {}`, or name another folder with \
             `--output`",
            folder.display(),
            folder.display()
        );
    }
    Ok((config, folder))
}

/// `runs/NAME`, or the first `runs/NAME-2`, `-3`, ... that is not there.
fn free_folder(named_after: Option<&Path>) -> PathBuf {
    let stem = named_after.and_then(Path::file_stem).and_then(|name| name.to_str());
    let name = stem.filter(|name| !name.starts_with('.')).unwrap_or("run");
    let first = Path::new("runs").join(name);
    let others = (2..).map(|number| Path::new("runs").join(format!("{name}-{number}")));
    std::iter::once(first.clone()).chain(others).find(|path| !path.exists()).unwrap_or(first)
}

fn start(task: &DetectionTask, config: &TrainConfig) -> Result<()> {
    let Some(name) = &config.model.start.weights else {
        console::note("start: every weight at random");
        return Ok(());
    };
    let weights = ModelSource::find(name)?.read()?;
    let StartReport { num_taken, other_shape, missing } = task.start_from(&weights)?;
    console::note(format_args!("start: {} from {name}", counted(num_taken, "tensor")));
    if !other_shape.is_empty() {
        console::note(format_args!(
            "start: made anew, since {name} has another shape for them: {}",
            other_shape.join(", ")
        ));
    }
    if !missing.is_empty() {
        console::note(format_args!(
            "start: made anew, since {name} lacks them: {}",
            counted(missing.len(), "tensor")
        ));
    }
    Ok(())
}

fn describe(
    config: &TrainConfig,
    data: &TrainingData,
    task: &DetectionTask,
    plan: &Plan,
    device: Device,
) {
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
    console::note(format_args!("model: {} on {device:?}", task.architecture().family()));
    let scaled = match config.train.lr_batch_size {
        Some(meant) if meant != config.images_per_step() => format!(
            ", which is {} scaled from {meant} to {} images a step",
            config.train.lr,
            config.images_per_step()
        ),
        _ => String::new(),
    };
    console::note(format_args!(
        "run: {} steps of {}, {:.1} steps an epoch; learning rate {}{scaled}",
        plan.num_steps,
        counted(config.images_per_step(), "image"),
        plan.steps_per_epoch,
        config.scaled_lr()
    ));
}

fn write_config(config: &TrainConfig, folder: &Path) -> Result<()> {
    let text = serde_yaml::to_string(config).context("the config cannot be written as YAML")?;
    let path = folder.join(CONFIG_FILE);
    at_place(&path, fs::write(&path, text))
}

fn conclude(ending: Ending, folder: &RunFolder) {
    let path = folder.path().display();
    match ending {
        Ending::Finished { step } => console::note(format_args!("finished after {step} steps")),
        Ending::NoGain { step } => console::note(format_args!(
            "ended after {step} steps: the scores did not get better any more"
        )),
        Ending::Stopped { step } => {
            console::note(format_args!("stopped after {step} steps; go on with:"));
            console::note(format_args!("  kestrel train --resume {path}"));
            return;
        }
    }
    console::note("use the model with:");
    console::note(format_args!("  kestrel detect PICTURES --model {}", folder.model().display()));
}
