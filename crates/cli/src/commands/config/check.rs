//! `kestrel config check`: whether a config makes a run.

use crate::Outcome;
use crate::commands::train::data_set;
use crate::console::{self, counted};
use anyhow::{Result, bail};
use kestrel_args::ConfigFileArgs;
use kestrel_train::{
    BUILT_IN, ClassificationData, DataConfig, Resolved, Source, TaskKind, TrainConfig,
    TrainingData, resolve,
};
use std::path::Path;

/// Checks the config with these data, or with its own.
pub(super) fn run(file: &ConfigFileArgs, data: Option<&Path>) -> Result<Outcome> {
    let resolved = resolve(Source::File(&file.config), &sets(file, data)?, BUILT_IN)?;
    resolved.validate()?;
    check_data(&resolved)?;
    let config = &resolved.value;
    console::print(format_args!(
        "{} makes a run: {}, {}, highest learning rate {}",
        file.config.display(),
        model(config),
        length(config),
        config.scaled_lr()
    ))?;
    Ok(Outcome::Done)
}

/// `--data` stands for a key of the config and comes before `--set`, as in `kestrel train`.
fn sets(file: &ConfigFileArgs, data: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = data else { return Ok(file.set.clone()) };
    if !path.exists() {
        bail!("--data: there is no {}; name another place", path.display());
    }
    let mut sets = vec![data_set(path)];
    sets.extend(file.set.iter().cloned());
    Ok(sets)
}

/// Reads the data as a run does, and refuses what it would refuse.
fn check_data(resolved: &Resolved<TrainConfig>) -> Result<()> {
    let config = &resolved.value;
    let Some(path) = &config.data.path else {
        console::note(
            "note: it names no data; give some with `--data`, here and to `kestrel train`",
        );
        return Ok(());
    };
    let path = resolved.folder_of("data.path").join(path);
    if !path.exists() {
        let place = resolved.place("data.path");
        bail!(
            "{place}: data.path: there is no {}; name another one, there or with --data",
            path.display()
        );
    }
    let data = DataConfig { path: Some(path), ..config.data.clone() };
    match config.task {
        TaskKind::Detect => drop(TrainingData::open(&data, config.seed)?),
        TaskKind::Classify => ClassificationData::check(&data, config.seed)?,
    }
    Ok(())
}

fn model(config: &TrainConfig) -> String {
    match &config.model.start.weights {
        _ if config.task == TaskKind::Classify => "a classifier of whole pictures".to_owned(),
        Some(name) if config.model.as_start => format!("a detector like {name}"),
        _ => config.model.architecture.family().to_owned(),
    }
}

fn length(config: &TrainConfig) -> String {
    let images = counted(config.images_per_step(), "image");
    match (config.train.steps, config.train.epochs) {
        (Some(steps), _) => {
            let steps = counted(usize::try_from(steps).unwrap_or(usize::MAX), "step");
            format!("{steps} of {images}")
        }
        (None, 1.0) => format!("1 epoch in steps of {images}"),
        (None, epochs) => format!("{epochs} epochs in steps of {images}"),
    }
}
