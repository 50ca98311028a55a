//! Faster and Mask R-CNN as something to be learnt.

use crate::config::TrainConfig;
use crate::data::{MaskUse, TrainingData};
use crate::error::TrainError;
use crate::record::Looked;
use crate::start::{self, StartReport};
use crate::task::{Score, Task, Validated};
use kestrel_core::{Categories, Label};
use kestrel_data::{
    BatchOrderConfig, CategoryId, Dataset, Loader, LoaderConfig, LoaderRun, Sample,
};
use kestrel_eval::{Annotation, CocoNumbers, EvalOptions, Truth, evaluate, found};
use kestrel_layers::caught;
use kestrel_rcnn::{Architecture, Batch, Detector, Draw, Metadata, Model, RcnnError};
use kestrel_weights::{StateDict, Strictness, load};
use std::collections::BTreeMap;
use std::sync::Arc;
use tch::{Device, Tensor, nn, no_grad};

/// Pictures on the sheet.
const NUM_PICTURES: usize = 8;
/// The backbone's names in a detector.
pub(crate) const BACKBONE: &str = "backbone.body.";

/// A detector in training.
pub struct DetectionTask {
    architecture: Architecture,
    categories: Categories,
    variables: BTreeMap<String, Tensor>,
    detector: Box<dyn Detector>,
    device: Device,
    seed: u64,
    keep_size: bool,
    val: Option<Arc<Dataset>>,
    with_losses: bool,
}

impl DetectionTask {
    /// Builds the detector for the classes of the data, with first weights from the seed.
    ///
    /// # Errors
    /// When the architecture makes no detector, or masks are wanted that are not there.
    pub fn new(
        config: &TrainConfig,
        data: &TrainingData,
        device: Device,
    ) -> Result<Self, TrainError> {
        let architecture = fitted(config, data)?;
        architecture.validate()?;
        let (store, detector) = start::seeded(config.seed, device, |root| architecture.build(root));
        Ok(Self {
            architecture,
            categories: data.train.label_names(),
            variables: store.variables().into_iter().collect(),
            detector,
            device,
            seed: config.seed,
            keep_size: config.train.keep_size,
            val: data.val.clone().map(Arc::new),
            with_losses: config.validation.losses,
        })
    }

    /// What is built, with the number of classes of the data.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Takes over every weight that fits: a detector's, or a classifier's as the backbone.
    ///
    /// # Errors
    /// When nothing fits.
    pub fn start_from(&self, weights: &StateDict) -> Result<StartReport, TrainError> {
        start::take_over(&self.variables, weights, BACKBONE)
    }

    /// Lets the first parts of the backbone stay as they are.
    pub fn freeze(&self, num_stages: usize) {
        start::freeze(&self.variables, BACKBONE, num_stages);
    }

    /// A detector with these weights whose losses depend on nothing but its image.
    fn frozen(&self, weights: &StateDict) -> Result<Box<dyn Detector>, TrainError> {
        let store = nn::VarStore::new(self.device);
        let detector = self.architecture.clone().with_frozen_norms().build(&store.root());
        load(store.variables(), weights, Strictness::Strict)?;
        Ok(detector)
    }

    /// Runs these weights over every image of a data set, one after the other.
    fn look_at(
        &self,
        dataset: &Arc<Dataset>,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Seen, TrainError> {
        let weights = state_dict(weights, BTreeMap::new())?;
        let model = Model::load(&self.architecture, &weights, self.device)?;
        let frozen = self.with_losses.then(|| self.frozen(&weights)).transpose()?;
        let mut seen = Seen::new(dataset);
        let samples = Loader::new(
            Arc::clone(dataset),
            &one_by_one(),
            LoaderRun::one_epoch(self.seed, self.with_masks()),
            |mut samples: Vec<Sample>| Ok::<_, RcnnError>(samples.remove(0)),
        )?;
        for (number, loaded) in (0..).zip(samples) {
            // An image that cannot be read has no detections.
            let Ok(sample) = loaded.batch else { continue };
            let Sample { image_id, image, target } = sample;
            let images = [image];
            let found = model.detect(&images)?.pop();
            if let Some(frozen) = &frozen {
                let (resize, targets) = (&self.architecture.resize, [target.clone()]);
                let batch = Batch::with_targets(&images, &targets, resize, self.device);
                let mut draw = Draw::of_step(self.seed, number);
                let of_image = caught(|| no_grad(|| frozen.losses(&batch, &mut draw)))
                    .unwrap_or_else(|reason| Err(RcnnError::Network { images: 1, reason }))?;
                seen.losses.add(&of_image.named());
            }
            let [image] = images;
            if let Some(detections) = found {
                seen.add(
                    image_id,
                    Looked { name: image_id.to_string(), image, target, detections },
                );
            }
        }
        Ok(seen)
    }
}

/// What became of the validation images.
struct Seen {
    category_of: BTreeMap<Label, CategoryId>,
    losses: LossMeans,
    results: Vec<Annotation>,
    pictures: Vec<Looked>,
}

impl Seen {
    fn new(dataset: &Dataset) -> Self {
        let labels = dataset.labels();
        Self {
            category_of: labels.into_iter().map(|(category, label)| (label, category)).collect(),
            losses: LossMeans::default(),
            results: Vec::new(),
            pictures: Vec::new(),
        }
    }

    fn add(&mut self, image_id: u64, looked: Looked) {
        let result = |object: &kestrel_core::Detection| {
            let category = self.category_of.get(&object.label)?;
            Some(found(image_id, category.0, object))
        };
        self.results.extend(looked.detections.objects.iter().filter_map(result));
        if self.pictures.len() < NUM_PICTURES {
            self.pictures.push(looked);
        }
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
        let Some(dataset) = &self.val else { return Ok(Validated::default()) };
        let Seen { losses, results, pictures, .. } = self.look_at(dataset, weights)?;
        let truth = Truth::new(dataset.to_coco())?;
        let evaluation = evaluate(&truth, results, &EvalOptions::default())?;
        let mut scores = named("box", &evaluation.boxes.coco);
        if let Some(masks) = evaluation.masks.as_ref().filter(|_| self.with_masks()) {
            scores.extend(named("mask", &masks.coco));
        }
        let decisive = ["mask_ap", "box_ap"]
            .into_iter()
            .find_map(|name| scores.get(name).map(|&value| Score { name: name.to_owned(), value }));
        Ok(Validated { losses: losses.means(), scores, decisive, pictures })
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
    let objects = || data.train.images.iter().flat_map(|image| &image.objects);
    let counted = objects().filter(|object| !object.crowd);
    let lacking = counted.filter(|object| object.outline.is_none()).count();
    let of = data.train.num_objects();
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

fn state_dict(
    weights: &BTreeMap<String, Tensor>,
    text: BTreeMap<String, String>,
) -> Result<StateDict, TrainError> {
    let tensors = weights.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    Ok(StateDict::from_tensors(tensors, text)?)
}

/// Validation images come one by one in their order, as they are.
fn one_by_one() -> LoaderConfig {
    let batches = BatchOrderConfig {
        batch_size: 1,
        shuffle: false,
        aspect_ratio_groups: 0,
        ..BatchOrderConfig::default()
    };
    LoaderConfig { batches, ..LoaderConfig::default() }
}

/// The numbers of one way of scoring that a curve over the run is wanted of.
fn named(what: &str, numbers: &CocoNumbers) -> BTreeMap<String, f64> {
    let rows = [("ap", numbers.ap), ("ap50", numbers.ap50), ("ap75", numbers.ap75)];
    let named = |(name, value): (&str, Option<f64>)| Some((format!("{what}_{name}"), value?));
    rows.into_iter().filter_map(named).collect()
}

/// Sums of losses over images.
#[derive(Default)]
struct LossMeans {
    sums: BTreeMap<String, f64>,
    count: u64,
}

impl LossMeans {
    fn add(&mut self, losses: &[(&'static str, &Tensor)]) {
        let values: Vec<(&str, f64)> =
            losses.iter().map(|(name, loss)| (*name, loss.double_value(&[]))).collect();
        let total = values.iter().map(|(_, value)| value).sum();
        for (name, value) in values.into_iter().chain([("loss", total)]) {
            *self.sums.entry(name.to_owned()).or_insert(0.0) += value;
        }
        self.count += 1;
    }

    fn means(self) -> BTreeMap<String, f64> {
        let count = self.count.max(1) as f64;
        self.sums.into_iter().map(|(name, sum)| (name, sum / count)).collect()
    }
}
