//! `kestrel data ...`: one file for each command.

mod check;
mod convert;
mod crops;
mod preview;
mod sequence;
mod split;
mod synth;

use crate::Outcome;
use crate::dataset;
use anyhow::Result;
use kestrel_args::{DataArgs, DataCommand, SynthCommand};
use kestrel_data::Collection;

/// Runs a command.
pub(crate) fn run(command: &DataCommand) -> Result<Outcome> {
    match command {
        DataCommand::Check(arguments) => check::run(arguments),
        DataCommand::Convert(arguments) => convert::run(arguments),
        DataCommand::Crops(arguments) => crops::run(arguments),
        DataCommand::Split(arguments) => split::run(arguments),
        DataCommand::Preview(arguments) => preview::run(arguments),
        DataCommand::Synth(SynthCommand::Micrograph(arguments)) => synth::micrographs(arguments),
        DataCommand::Synth(SynthCommand::Shapes(arguments)) => synth::shapes(arguments),
        DataCommand::Synth(SynthCommand::Sequence(arguments)) => sequence::run(arguments),
    }
}

fn open(arguments: &DataArgs) -> Result<Collection> {
    dataset::open(&arguments.data, arguments.split.as_deref())
}
