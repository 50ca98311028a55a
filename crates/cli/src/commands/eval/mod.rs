//! `kestrel eval`: how good a model, or a file of results, is.

mod compare;
mod gallery;
mod model_run;
mod score;
mod tables;
mod tracks;

use crate::Outcome;
use crate::dataset::{mention_findings, open_one};
use anyhow::{Context, Result};
use kestrel_args::{EvalArgs, EvalCommand, TruthArgs};
use kestrel_data::Split;
use kestrel_eval::Truth;
use serde::Serialize;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(arguments: &EvalArgs) -> Result<Outcome> {
    match &arguments.command {
        Some(EvalCommand::Compare(arguments)) => compare::run(arguments),
        Some(EvalCommand::Tracks(arguments)) => tracks::run(arguments),
        None => score::run(&arguments.score),
    }
}

/// The ground truth as a data set, and as something to score against.
fn open_truth(arguments: &TruthArgs) -> Result<(Split, Truth)> {
    let split = open_one(arguments.data(), arguments.split.as_deref())?;
    mention_findings(arguments.data(), std::slice::from_ref(&split));
    let truth = Truth::new(split.dataset.to_coco())
        .with_context(|| format!("{} cannot be scored against", arguments.data().display()))?;
    Ok((split, truth))
}

fn json_text(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string_pretty(value).context("cannot write the numbers as JSON")? + "\n")
}

fn is_standard_output(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}
