//! `kestrel train --task classify`: a backbone learns to tell classes apart.

use super::prepare::{Start, settled};
use super::{absolute, carry_out, describe_run, warn_of_left_out, write_config};
use crate::console::{self, counted};
use crate::progress::bar;
use crate::{Outcome, device};
use anyhow::{Context, Result};
use kestrel_rcnn::Architecture;
use kestrel_train::{
    BUILT_IN, CLASSIFY_CONFIG, ClassificationData, ClassificationTask, Plan, Resolved, RunFolder,
    Source, TaskKind, TrainConfig, resolve,
};
use std::path::{Path, PathBuf};
use tch::Device;

/// The config of a classification: of a file that is one, else the built-in recipe; of a detector's
/// file, that recipe with the data and the backbone of the detector.
pub(super) fn resolved(file: Option<&Path>, sets: &[String]) -> Result<Resolved<TrainConfig>> {
    let Some(path) = file else {
        return Ok(resolve(Source::File(CLASSIFY_CONFIG.as_ref()), sets, BUILT_IN)?);
    };
    let named = resolve::<TrainConfig>(Source::File(path), &[], BUILT_IN)?;
    if named.value.task == TaskKind::Classify {
        return Ok(resolve(Source::File(path), sets, BUILT_IN)?);
    }
    console::note(format_args!(
        "note: of {}, a detector's config, data and backbone are taken; the recipe is {}",
        path.display(),
        CLASSIFY_CONFIG
    ));
    let name = format!("data and backbone of {}", path.display());
    let text = adopted(&named)?;
    Ok(resolve(Source::Text { name: &name, text: &text }, sets, BUILT_IN)?)
}

/// The recipe for the data and the backbone of a detector's config, as YAML.
fn adopted(detector: &Resolved<TrainConfig>) -> Result<String> {
    let mut config = detector.value.clone();
    let folder = detector.folder_of("data.path");
    config.data.path = config.data.path.map(|path| absolute(&folder.join(path)));
    let data = serde_json::to_string(&config.data).context("data")?;
    let mut text = format!("base: {CLASSIFY_CONFIG}\ndata: {data}\n");
    // What is built as its start is is not told here.
    if !config.model.as_start {
        let Architecture { backbone, resize, .. } = config.model.architecture;
        let architecture = Architecture { backbone, resize, ..Architecture::default() };
        let architecture = serde_json::to_string(&architecture).context("model.architecture")?;
        text += &format!("model: {{as_start: false, architecture: {architecture}}}\n");
    }
    Ok(text)
}

/// Trains from the newest checkpoint in `folder`, or from the start.
pub(super) fn run(
    resolved: Resolved<TrainConfig>,
    folder: PathBuf,
    goes_on: bool,
    device: Device,
) -> Result<Outcome> {
    let folder = RunFolder::new(folder);
    let start = Start::of(&resolved.value, &folder)?;
    let data = opened(&resolved.value, &folder, goes_on)?;
    let mut was_settled = false;
    let resolved = settled(resolved, &start, &data.train)?
        .changed(|config| was_settled = data.settle(config))?;
    let config = &resolved.value;
    let task = ClassificationTask::new(config, &data, device)?;
    start.give_to(|weights| task.start_from(weights))?;
    let plan = Plan::new(config, &data.train)?;
    describe(&data, &task, device, was_settled);
    describe_run(config, &plan);
    if !goes_on {
        write_config(&resolved, folder.path())?;
    }
    let model = folder.model();
    let model = model.display();
    let next = [
        format!("kestrel classify PICTURES --model {model}"),
        format!("kestrel train --data DETECTION_SET --start {model}"),
    ];
    carry_out(&task, data.train, config, &plan, &folder, &next)
}

/// The data; the objects of a detection set are cut out into the run's folder first.
fn opened(config: &TrainConfig, folder: &RunFolder, goes_on: bool) -> Result<ClassificationData> {
    let cut = bar(0, "cutting objects out: {pos} pictures");
    let progress = |done| cut.set_position(cut.position().max(done as u64));
    let data = ClassificationData::open(config, folder.path(), goes_on, &progress);
    cut.finish_and_clear();
    Ok(data?)
}

fn describe(
    data: &ClassificationData,
    task: &ClassificationTask,
    device: Device,
    was_settled: bool,
) {
    if let Some(crops) = &data.crops {
        for (path, reason) in &crops.unreadable {
            console::note(format_args!("warning: {}: {reason}; left out", path.display()));
        }
        let too_small = match crops.num_too_small {
            0 => String::new(),
            count => format!("; {} too small", counted(count, "object")),
        };
        console::note(format_args!("data: the objects of a detection set, cut out{too_small}"));
    }
    warn_of_left_out(data.num_left_out);
    console::note(format_args!(
        "data: {} of {} classes; {}",
        counted(data.train.images.len(), "picture"),
        data.classes().len(),
        data.names
    ));
    let architecture = task.architecture();
    let side = architecture.input.crop_side;
    let why = if was_settled { ", which suits the pictures" } else { "" };
    console::note(format_args!(
        "model: {architecture} as a classifier on {}, sees {side}x{side} pixels{why}",
        device::name(device)
    ));
}
