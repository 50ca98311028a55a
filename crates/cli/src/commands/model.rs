//! `kestrel model info | convert | list`.

use crate::Outcome;
use crate::args::{ConvertArgs, Precision};
use crate::console;
use crate::model_source::{self, BUILT_IN};
use crate::place::check_file;
use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use kestrel_core::Categories;
use kestrel_rcnn::{Metadata, Model};
use kestrel_weights::{FloatStorage, StateDict};
use kestrel_zoo::{Cache, Kind, MODELS};
use std::path::Path;
use tch::Device;

/// What the written file is.
const EXTENSION: &str = "safetensors";

/// Prints what a model file holds.
pub(crate) fn info(name: &str, architecture: Option<&Path>) -> Result<Outcome> {
    let (weights, metadata) = model_source::open(name, architecture)?;
    let Metadata { architecture, categories, notes, .. } = &metadata;
    let parameters: usize = weights.tensors().values().map(tch::Tensor::numel).sum();
    let mut text = vec![
        format!("{}: {}", weights.file(), architecture.family()),
        format!("{} tensors, {:.1} million numbers", weights.len(), parameters as f64 / 1e6),
    ];
    let names = categories.names().iter().skip(1).filter(|name| *name != "N/A");
    text.push(format!("classes: {}", names.map(String::as_str).collect::<Vec<_>>().join(", ")));
    text.extend(notes.iter().map(|(key, note)| format!("{key}: {note}")));
    console::print(text.join("\n"))?;
    console::print(format_args!("\n{}", architecture.to_yaml()))?;
    Model::load(architecture, &weights, Device::Cpu)?;
    console::print("every weight fits this architecture")?;
    Ok(Outcome::Done)
}

/// Writes a model as one file that holds all Kestrel needs, after checking that it works.
pub(crate) fn convert(arguments: &ConvertArgs) -> Result<Outcome> {
    check_output(&arguments.output)?;
    let (mut weights, mut metadata) =
        model_source::open(&arguments.model, arguments.architecture.as_deref())?;
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

const fn storage(precision: Precision) -> FloatStorage {
    match precision {
        Precision::AsIs => FloatStorage::AsIs,
        Precision::F32 => FloatStorage::Float32,
        Precision::F16 => FloatStorage::Float16,
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
