//! `kestrel config`: configs are begun, looked at and checked.

mod check;
mod init;

use crate::Outcome;
use crate::console;
use crate::output::{Destination, write_text};
use anyhow::Result;
use kestrel_args::{ConfigCommand, ConfigFileArgs};
use kestrel_train::{BUILT_IN, Resolved, Source, TrainConfig, resolve};

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand) -> Result<Outcome> {
    match command {
        ConfigCommand::Init { data, output } => init::run(data.as_deref(), output),
        ConfigCommand::Show(arguments) => show(arguments),
        ConfigCommand::Check { file, data } => check::run(file, data.as_deref()),
    }
}

fn show(arguments: &ConfigFileArgs) -> Result<Outcome> {
    let resolved: Resolved<TrainConfig> =
        resolve(Source::File(&arguments.config), &arguments.set, BUILT_IN)?;
    write_text(&Destination::StandardOutput, &resolved.annotated_yaml())?;
    // What is shown is what was said, sound or not.
    if let Err(error) = resolved.validate() {
        console::note(format_args!("warning: {error}"));
    }
    Ok(Outcome::Done)
}
