//! What a run starts from, and what of its config depends on that and on the data.

use crate::classifier_source;
use crate::console::{self, counted};
use crate::model_source::ModelSource;
use anyhow::{Context, Result};
use kestrel_data::Dataset;
use kestrel_rcnn::{Architecture, Metadata};
use kestrel_resnet::{ClassifierMetadata, ResNetConfig};
use kestrel_train::{
    Resolved, RunFolder, StartReport, TrainConfig, TrainError, fit_sizes, newest_step,
};
use kestrel_weights::StateDict;

/// Names are listed up to this many.
const MAX_LISTED: usize = 6;

/// What a run starts from.
pub(super) struct Start {
    weights: Option<(String, StateDict)>,
    /// A run that goes on has weights of its own.
    goes_on: bool,
}

impl Start {
    /// What the config names, by name or path, or nothing.
    pub(super) fn of(config: &TrainConfig, folder: &RunFolder) -> Result<Self> {
        let goes_on = newest_step(&folder.checkpoints())?.is_some();
        let name = config.model.start.weights.as_deref().filter(|_| !goes_on);
        let read = |name: &str| {
            Ok::<_, anyhow::Error>((name.to_owned(), ModelSource::find(name)?.read()?))
        };
        let weights = name.map(read).transpose().context("model.start.weights")?;
        Ok(Self { weights, goes_on })
    }

    /// Gives the weights to a model, and says what it took.
    pub(super) fn give_to(
        &self,
        take_over: impl FnOnce(&StateDict) -> Result<StartReport, TrainError>,
    ) -> Result<()> {
        if self.goes_on {
            return Ok(());
        }
        let Some((name, weights)) = &self.weights else {
            console::note("start: every weight at random");
            return Ok(());
        };
        let StartReport { num_taken, other_shape, missing, classes_taken, classes_anew } =
            take_over(weights)?;
        console::note(format_args!("start: {} from {name}", counted(num_taken, "tensor")));
        if !classes_anew.is_empty() {
            let known = match classes_taken.as_slice() {
                [] => "none".to_owned(),
                taken => listed(taken),
            };
            console::note(format_args!(
                "start: classes known there: {known}; learnt from the beginning: {}",
                listed(&classes_anew)
            ));
        }
        for (anew, why) in [(other_shape, "other shapes there"), (missing, "not there")] {
            if !anew.is_empty() {
                console::note(format_args!("start: made anew ({why}): {}", listed(&anew)));
            }
        }
        Ok(())
    }
}

/// The config with everything decided that was left to the start or the data; what was said after that
/// was left to them stays.
pub(super) fn settled(
    resolved: Resolved<TrainConfig>,
    start: &Start,
    dataset: &Dataset,
) -> Result<Resolved<TrainConfig>> {
    const DECIDED: &str = "model.architecture";
    let mut resolved = resolved;
    let as_start_wanted = resolved.value.model.as_start;
    if let Some((name, weights)) = start.weights.as_ref().filter(|_| as_start_wanted) {
        let given = resolved.value.model.architecture.clone();
        let architecture = as_start(given, name, weights)?;
        resolved = resolved.decided(DECIDED, "model.as_start", &architecture)?;
    }
    if resolved.value.model.fit_to_data {
        let mut architecture = resolved.value.model.architecture.clone();
        fit_sizes(&mut architecture, dataset);
        resolved = resolved.decided(DECIDED, "model.fit_to_data", &architecture)?;
    }
    Ok(resolved.changed(|config| {
        (config.model.as_start, config.model.fit_to_data) = (false, false);
    })?)
}

/// The architecture of the start: all of a detector's; of a classifier, which is nothing else, the
/// backbone and the colours it is used to.
fn as_start(given: Architecture, name: &str, weights: &StateDict) -> Result<Architecture> {
    if ClassifierMetadata::is_classifier(weights) {
        let classifier = classifier_source::metadata(name, weights, None)?.architecture;
        let mut architecture = given;
        architecture.backbone = ResNetConfig { zero_init_residual: false, ..classifier.backbone };
        architecture.resize.mean = classifier.input.mean;
        architecture.resize.std = classifier.input.std;
        return Ok(architecture);
    }
    let metadata = Metadata::of(weights, None).with_context(|| {
        format!("model.as_start: {name} does not say how a detector is built; set it to false")
    })?;
    Ok(metadata.architecture)
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
