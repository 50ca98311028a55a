//! One file for each command: parse, call, print.

mod classify;
mod config;
mod data;
mod detect;
mod doctor;
mod eval;
mod fetch;
mod model;
mod originals;
mod pictures;
mod train;
mod video;

use crate::Outcome;
use anyhow::Result;
use kestrel_args::{Command, ModelCommand};

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Video(arguments) => video::run(&arguments),
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Model(ModelCommand::Info { model, architecture }) => {
            model::info(&model, architecture.as_deref())
        }
        Command::Model(ModelCommand::Convert(arguments)) => model::convert(&arguments),
        Command::Model(ModelCommand::List) => model::list(),
        Command::Model(ModelCommand::Fetch { name }) => fetch::run(&name),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Data(command) => data::run(&command),
        Command::Doctor => doctor::run(),
    }
}
