//! `kestrel config check`: whether a config makes a run.

use crate::Outcome;
use crate::console::{self, counted};
use anyhow::{Result, bail};
use kestrel_args::ConfigFileArgs;
use kestrel_data::{Format, read_collection};
use kestrel_train::{
    BUILT_IN, DataConfig, Resolved, Source, TaskKind, TrainConfig, TrainError, TrainingData,
    resolve,
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
    let quoted = serde_json::Value::from(path.to_string_lossy());
    let mut sets = vec![format!("data.path={quoted}")];
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
    let data = DataConfig { path: Some(path.clone()), ..config.data.clone() };
    match config.task {
        TaskKind::Detect => drop(TrainingData::open(&data, config.seed)?),
        TaskKind::Classify => check_pictures(&path, &data, config.seed)?,
    }
    Ok(())
}

/// The same for a classifier, without cutting anything out.
fn check_pictures(path: &Path, config: &DataConfig, seed: u64) -> Result<()> {
    let collection = read_collection(path)?;
    let is_whole = collection.format == Format::ClassFolders;
    let data = TrainingData::of(collection, config, seed)?;
    match data.train.categories.as_slice() {
        // Beside what is cut out of a detection set there is the background.
        [only] if is_whole => {
            let (place, name) = (path.display().to_string(), only.name.clone());
            Err(TrainError::OneClass { place, name }.into())
        }
        _ => Ok(()),
    }
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
