//! Faster and Mask R-CNN as something to be learnt.

mod heads;
mod look;

use crate::config::TrainConfig;
use crate::data::{MaskUse, TrainingData};
use crate::error::TrainError;
use crate::stages::BACKBONE;
use crate::start::{self, StartReport};
use crate::task::{Score, Task, Validated, state_dict};
use heads::Shared;
use kestrel_core::Categories;
use kestrel_data::{LoaderConfig, Sample};
use kestrel_eval::{CocoNumbers, EvalOptions, evaluate};
use kestrel_rcnn::{Architecture, Batch, Detector, Draw, Metadata};
use kestrel_weights::StateDict;
use look::{Seen, ValidationSet};
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// A detector in training.
pub struct DetectionTask {
    architecture: Architecture,
    categories: Categories,
    variables: BTreeMap<String, Tensor>,
    detector: Box<dyn Detector>,
    device: Device,
    seed: u64,
    keep_size: bool,
    val: Option<ValidationSet>,
    loader: LoaderConfig,
    with_losses: bool,
}

impl DetectionTask {
    /// Builds the detector for the classes of the data, with first weights from the seed.
    ///
    /// # Errors
    /// When the architecture makes no detector, masks are wanted that are not there, or the validation
    /// data cannot be scored against.
    pub fn new(
        config: &TrainConfig,
        data: &TrainingData,
        device: Device,
    ) -> Result<Self, TrainError> {
        let architecture = fitted(config, data)?;
        architecture.validate()?;
        let val = data.val.as_ref().map(ValidationSet::new).transpose()?;
        let (store, detector) =
            start::seeded(config.seed, device, |root| architecture.build(root))?;
        Ok(Self {
            architecture,
            categories: data.train.label_names(),
            variables: store.variables().into_iter().collect(),
            detector,
            device,
            seed: config.seed,
            keep_size: config.train.keep_size,
            val,
            loader: config.loader.clone(),
            with_losses: config.validation.losses,
        })
    }

    /// What is built, with the number of classes of the data.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Takes over every weight that fits: a detector's, or a classifier's as the backbone. Of a detector
    /// that names its classes, the heads take over those that the data has too.
    ///
    /// # Errors
    /// When nothing fits.
    pub fn start_from(&self, weights: &StateDict) -> Result<StartReport, TrainError> {
        let Some(theirs) = heads::names_of(weights) else {
            return start::take_over(&self.variables, weights, BACKBONE);
        };
        let is_head = |name: &String| heads::rows_per_class(name).is_some();
        let (heads, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            start::shallow(&self.variables).partition(|(name, _)| is_head(name));
        let mut report = start::take_over(&others, weights, BACKBONE)?;
        let shared = Shared::of(&theirs, &self.categories);
        report.num_taken += shared.take_over(&heads, weights);
        (report.classes_taken, report.classes_anew) = (shared.taken, shared.anew);
        Ok(report)
    }
}

impl Task for DetectionTask {
    type Batch = Batch;

    fn with_masks(&self) -> bool {
        self.architecture.mask_branch.is_some()
    }

    fn collate(&self) -> Box<dyn Fn(Vec<Sample>) -> Batch + Send + Sync> {
        let (resize, device) = (self.architecture.resize.clone(), self.device);
        let batch = match self.keep_size {
            true => Batch::with_targets_as_they_are,
            false => Batch::with_targets,
        };
        Box::new(move |samples| {
            let (images, targets): (Vec<_>, Vec<_>) =
                samples.into_iter().map(|sample| (sample.image, sample.target)).unzip();
            batch(&images, &targets, &resize, device)
        })
    }

    fn categories(&self) -> &Categories {
        &self.categories
    }

    fn variables(&self) -> &BTreeMap<String, Tensor> {
        &self.variables
    }

    fn backward(
        &self,
        batch: &Batch,
        draw: &mut Draw,
        weight: f64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let losses = self.detector.backward(batch, draw, weight)?;
        let value = |(name, loss): (&'static str, &Tensor)| (name, loss.double_value(&[]));
        Ok(losses.named().into_iter().map(value).collect())
    }

    fn validate(&self, weights: &BTreeMap<String, Tensor>) -> Result<Validated, TrainError> {
        let Some(val) = &self.val else { return Ok(Validated::default()) };
        let Seen { losses, results, pictures, unreadable, .. } = self.look_at(val, weights)?;
        let evaluation = evaluate(&val.truth, results, &EvalOptions::default())?;
        let mut scores = named("box", &evaluation.boxes.coco);
        if let Some(masks) = evaluation.masks.as_ref().filter(|_| self.with_masks()) {
            scores.extend(named("mask", &masks.coco));
        }
        let decisive = ["mask_ap", "box_ap"]
            .into_iter()
            .find_map(|name| scores.get(name).map(|&value| Score { name: name.to_owned(), value }));
        Ok(Validated { losses: losses.means(), scores, decisive, pictures, unreadable })
    }

    fn model_file(
        &self,
        weights: &BTreeMap<String, Tensor>,
        notes: BTreeMap<String, String>,
    ) -> Result<StateDict, TrainError> {
        let metadata = Metadata {
            architecture: self.architecture.clone(),
            categories: self.categories.clone(),
            inferred: false,
            notes,
        };
        state_dict(weights, metadata.to_text())
    }
}

/// The architecture for the classes of the data, without a mask branch where no masks are learnt.
fn fitted(config: &TrainConfig, data: &TrainingData) -> Result<Architecture, TrainError> {
    let mut architecture = config.model.architecture.clone();
    architecture.num_classes = data.train.label_names().len();
    let (lacking, of) = (data.num_without_outline(), data.num_learnt());
    match config.data.masks {
        MaskUse::Never => architecture.mask_branch = None,
        MaskUse::IfPresent if lacking == of && of > 0 => architecture.mask_branch = None,
        MaskUse::Always if lacking > 0 => {
            return Err(TrainError::MasksMissing { objects: lacking, of });
        }
        MaskUse::IfPresent | MaskUse::Always => {}
    }
    Ok(architecture)
}

/// The numbers of one way of scoring that a curve over the run is wanted of.
fn named(what: &str, numbers: &CocoNumbers) -> BTreeMap<String, f64> {
    let rows = [("ap", numbers.ap), ("ap50", numbers.ap50), ("ap75", numbers.ap75)];
    let named = |(name, value): (&str, Option<f64>)| Some((format!("{what}_{name}"), value?));
    rows.into_iter().filter_map(named).collect()
}
