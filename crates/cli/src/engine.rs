//! The program `kestrel-engine`, which does what `kestrel` is told: detects objects, segments instances
//! and classifies pictures, trains, scores detectors, looks after data sets.
//!
//! Exit codes: 0 success; 1 some input failed or data has faults, each named, the others done, or the run
//! was stopped; 2 wrong use, config or model. Nothing below this crate prints.

mod choice;
mod classifier_source;
mod commands;
mod console;
mod cuda;
mod dataset;
mod device;
mod inference;
mod memory;
mod model_source;
mod output;
mod place;
mod progress;

use clap::Parser;
use std::process::ExitCode;

/// How a command ended that was not stopped by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was done.
    Done,
    /// Some inputs failed and were named; the others were done.
    SomeInputsFailed,
    /// It was stopped before its end; what was done is whole, and it can be gone on with.
    Stopped,
    /// The data was looked at and has faults that would break training.
    FaultsFound,
}

fn main() -> ExitCode {
    kestrel_rcnn::silence_caught();
    match commands::run(kestrel_args::Arguments::parse().command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeInputsFailed | Outcome::Stopped | Outcome::FaultsFound) => {
            ExitCode::from(1)
        }
        // Whoever reads our output, such as `head`, has seen enough.
        Err(error) if place::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::note(format_args!("error: {}", console::message(&error)));
            ExitCode::from(2)
        }
    }
}
