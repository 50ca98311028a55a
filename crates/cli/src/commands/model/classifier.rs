//! `kestrel model info | convert` of classifiers.

use super::{describe_written, described, storage};
use crate::{classifier_source, console};
use anyhow::{Result, bail};
use kestrel_args::ConvertArgs;
use kestrel_resnet::{ClassifierMetadata, ClassifierModel};
use kestrel_weights::StateDict;
use std::path::Path;
use tch::Device;

/// Prints what a classifier's file holds.
pub(super) fn info(name: &str, weights: &StateDict, architecture: Option<&Path>) -> Result<()> {
    let metadata = read(name, weights, architecture)?;
    let ClassifierMetadata { architecture, classes, notes, .. } = &metadata;
    let family = format!("classifier, {architecture}");
    console::print(described(weights, &family, classes, notes))?;
    console::print(format_args!("\n{}", architecture.to_yaml()))?;
    ClassifierModel::load(architecture, weights, Device::Cpu)?;
    console::print("every weight fits this architecture")
}

/// Writes a classifier as one file that holds all Kestrel needs, after checking that it works.
pub(super) fn convert(arguments: &ConvertArgs, mut weights: StateDict) -> Result<()> {
    let mut metadata = read(&arguments.model, &weights, arguments.architecture.as_deref())?;
    if !arguments.classes.is_empty() {
        let (found, expected) = (arguments.classes.len(), metadata.architecture.num_classes);
        if found != expected {
            bail!("--classes: found {found} names, expected {expected}, one for each class");
        }
        metadata.classes.clone_from(&arguments.classes);
    }
    let notes = arguments.note.iter().map(|note| (note.key.clone(), note.text.clone()));
    metadata.notes.extend(notes);
    ClassifierModel::load(&metadata.architecture, &weights, Device::Cpu)?;
    *weights.metadata_mut() = metadata.to_text();
    weights.write_safetensors(&arguments.output, storage(arguments.float))?;
    describe_written(&weights, &arguments.output)
}

fn read(
    name: &str,
    weights: &StateDict,
    architecture: Option<&Path>,
) -> Result<ClassifierMetadata> {
    let given = architecture.map(classifier_source::read_architecture).transpose()?;
    classifier_source::metadata(name, weights, given)
}
