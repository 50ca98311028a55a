//! `kestrel model info | convert | list`.

mod classifier;

use crate::Outcome;
use crate::console;
use crate::model_source::{self, BUILT_IN, ModelSource};
use crate::place::check_file;
use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use kestrel_args::{ConvertArgs, Storage};
use kestrel_core::Categories;
use kestrel_rcnn::{Metadata, Model};
use kestrel_resnet::ClassifierMetadata;
use kestrel_weights::{FloatStorage, StateDict};
use kestrel_zoo::{Cache, Kind, MODELS};
use std::collections::BTreeMap;
use std::path::Path;
use tch::Device;

/// Classes named before "and 900 more": all of COCO's.
const MAX_CLASSES: usize = 100;

/// What the written file is.
const EXTENSION: &str = "safetensors";

/// Prints what a model file holds.
pub(crate) fn info(name: &str, architecture: Option<&Path>) -> Result<Outcome> {
    let weights = ModelSource::find(name)?.read()?;
    if ClassifierMetadata::is_classifier(&weights) {
        classifier::info(name, &weights, architecture)?;
        return Ok(Outcome::Done);
    }
    let given = architecture.map(model_source::read_architecture).transpose()?;
    let metadata = model_source::metadata(name, &weights, given)?;
    let Metadata { architecture, categories, notes, .. } = &metadata;
    let names = categories.names().get(1..).unwrap_or_default();
    console::print(described(&weights, architecture.family(), names, notes))?;
    console::print(format_args!("\n{}", architecture.to_yaml()))?;
    Model::load(architecture, &weights, Device::Cpu)?;
    console::print("every weight fits this architecture")?;
    Ok(Outcome::Done)
}

/// What a file holds, but for its architecture.
fn described(
    weights: &StateDict,
    family: &str,
    classes: &[String],
    notes: &BTreeMap<String, String>,
) -> String {
    let parameters: usize = weights.tensors().values().map(tch::Tensor::numel).sum();
    let named: Vec<&str> =
        classes.iter().map(String::as_str).filter(|name| *name != "N/A").collect();
    let more = match named.len().saturating_sub(MAX_CLASSES) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let mut text = vec![
        format!("{}: {family}", weights.file()),
        format!("{} tensors, {:.1} million numbers", weights.len(), parameters as f64 / 1e6),
        format!("classes: {}{more}", named[..named.len().min(MAX_CLASSES)].join(", ")),
    ];
    text.extend(notes.iter().map(|(key, note)| format!("{key}: {note}")));
    text.join("\n")
}

/// Writes a model as one file that holds all Kestrel needs, after checking that it works.
pub(crate) fn convert(arguments: &ConvertArgs) -> Result<Outcome> {
    check_output(&arguments.output)?;
    let mut weights = ModelSource::find(&arguments.model)?.read()?;
    if ClassifierMetadata::is_classifier(&weights) {
        classifier::convert(arguments, weights)?;
        return Ok(Outcome::Done);
    }
    let given =
        arguments.architecture.as_deref().map(model_source::read_architecture).transpose()?;
    let mut metadata = model_source::metadata(&arguments.model, &weights, given)?;
    if !arguments.classes.is_empty() {
        metadata.categories = named(&arguments.classes, metadata.architecture.num_classes)?;
    }
    let notes = arguments.note.iter().map(|note| (note.key.clone(), note.text.clone()));
    metadata.notes.extend(notes);
    Model::load(&metadata.architecture, &weights, Device::Cpu)?;
    *weights.metadata_mut() = metadata.to_text();
    weights.write_safetensors(&arguments.output, storage(arguments.float))?;
    describe_written(&weights, &arguments.output)?;
    Ok(Outcome::Done)
}

fn check_output(path: &Path) -> Result<()> {
    if path.extension().is_none_or(|extension| extension != EXTENSION) {
        bail!(
            "--output: found {}, expected a name that ends in .{EXTENSION}, the format written",
            path.display()
        );
    }
    check_file(path)
}

fn named(classes: &[String], num_classes: usize) -> Result<Categories> {
    if classes.len() + 1 != num_classes {
        bail!(
            "--classes: found {} names, expected {}, one for each class but the background",
            classes.len(),
            num_classes - 1
        );
    }
    let background = std::iter::once("background");
    Ok(Categories::new(background.chain(classes.iter().map(String::as_str))))
}

const fn storage(storage: Storage) -> FloatStorage {
    match storage {
        Storage::AsIs => FloatStorage::AsIs,
        Storage::F32 => FloatStorage::Float32,
        Storage::F16 => FloatStorage::Float16,
    }
}

fn describe_written(weights: &StateDict, path: &Path) -> Result<()> {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let mib = bytes as f64 / f64::from(1 << 20);
    console::print(format_args!("{}: {} tensors, {mib:.1} MiB", path.display(), weights.len()))
}

/// Prints the models that `--model` takes by name.
pub(crate) fn list() -> Result<Outcome> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["name", "what", "MiB", "here"]);
    for model in &BUILT_IN {
        table.add_row([model.name, model.about, "", "built in"]);
    }
    let cache = Cache::from_env()?;
    for model in &MODELS {
        let here = if cache.get(model).is_some() { "fetched" } else { "" };
        let size = format!("{:.0}", model.size_mib);
        let what = match model.kind() {
            Kind::Detector => format!("detector, {}", model.accuracy),
            Kind::Classifier => format!("classifier, {}", model.accuracy),
        };
        table.add_row([model.name, &what, &size, here]);
    }
    console::print(table.trim_fmt())?;
    let folder = cache.folder().display();
    console::print(format_args!("\n`kestrel model fetch NAME` downloads to {folder}"))?;
    Ok(Outcome::Done)
}
