//! `kestrel config`: configs are begun, looked at and checked.

mod init;

use crate::Outcome;
use crate::console::{self, counted};
use crate::output::{Destination, write_text};
use anyhow::{Result, bail};
use kestrel_args::{ConfigCommand, ConfigFileArgs};
use kestrel_train::{BUILT_IN, Resolved, Source, TaskKind, TrainConfig, resolve};

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand) -> Result<Outcome> {
    match command {
        ConfigCommand::Init { data, output } => init::run(data.as_deref(), output),
        ConfigCommand::Show(arguments) => show(arguments),
        ConfigCommand::Check(arguments) => check(arguments),
    }
}

fn read(arguments: &ConfigFileArgs) -> Result<Resolved<TrainConfig>> {
    Ok(resolve(Source::File(&arguments.config), &arguments.set, BUILT_IN)?)
}

fn show(arguments: &ConfigFileArgs) -> Result<Outcome> {
    let resolved = read(arguments)?;
    write_text(&Destination::StandardOutput, &resolved.annotated_yaml())?;
    // What is shown is what was said, sound or not.
    if let Err(error) = resolved.validate() {
        console::note(format_args!("warning: {error}"));
    }
    Ok(Outcome::Done)
}

fn check(arguments: &ConfigFileArgs) -> Result<Outcome> {
    let resolved = read(arguments)?;
    resolved.validate()?;
    let config = &resolved.value;
    if let Some(path) = &config.data.path {
        let data = resolved.folder_of("data.path").join(path);
        if !data.exists() {
            let place = resolved.place("data.path");
            bail!("{place}: data.path: there is no {}; name another one", data.display());
        }
    }
    let length = match config.train.steps {
        Some(steps) => counted(usize::try_from(steps).unwrap_or(usize::MAX), "step"),
        None => format!("{} epochs", config.train.epochs),
    };
    let model = match &config.model.start.weights {
        _ if config.task == TaskKind::Classify => "a classifier of whole pictures".to_owned(),
        Some(name) if config.model.as_start => format!("a detector like {name}"),
        _ => config.model.architecture.family().to_owned(),
    };
    console::print(format_args!(
        "{} makes a run: {model}, {length} of {}, highest learning rate {}",
        arguments.config.display(),
        counted(config.images_per_step(), "image"),
        config.scaled_lr()
    ))?;
    Ok(Outcome::Done)
}
