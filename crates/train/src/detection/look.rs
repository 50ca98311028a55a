//! A look at the validation pictures.

use super::DetectionTask;
use crate::error::TrainError;
use crate::look::{in_order, readable};
use crate::record::Looked;
use crate::task::{Task, state_dict};
use kestrel_core::{Detection, Label};
use kestrel_data::{CategoryId, Dataset, Loader, LoaderRun, Sample, Unreadable};
use kestrel_eval::{Annotation, Truth, found};
use kestrel_layers::caught;
use kestrel_rcnn::{Batch, Detector, Draw, Model, RcnnError};
use kestrel_weights::{StateDict, Strictness, load};
use std::collections::BTreeMap;
use std::sync::Arc;
use tch::{Tensor, nn, no_grad};

/// Pictures on the sheet.
const NUM_PICTURES: usize = 8;

/// What a run is scored on.
pub(super) struct ValidationSet {
    dataset: Arc<Dataset>,
    /// The same, as results are scored against it.
    pub truth: Truth,
}

impl ValidationSet {
    /// Checks the ground truth, so that no run fails at its first look.
    pub fn new(dataset: &Dataset) -> Result<Self, TrainError> {
        Ok(Self { truth: Truth::new(dataset.to_coco())?, dataset: Arc::new(dataset.clone()) })
    }
}

impl DetectionTask {
    /// A detector with these weights whose losses depend on nothing but its image.
    fn frozen(&self, weights: &StateDict) -> Result<Box<dyn Detector>, TrainError> {
        let store = nn::VarStore::new(self.device);
        let detector = self.architecture.clone().with_frozen_norms().build(&store.root());
        load(store.variables(), weights, Strictness::Strict)?;
        Ok(detector)
    }

    /// Runs these weights over every validation image, one after the other.
    pub(super) fn look_at(
        &self,
        val: &ValidationSet,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Seen, TrainError> {
        let weights = state_dict(weights, BTreeMap::new())?;
        let model = Model::load(&self.architecture, &weights, self.device)?;
        let frozen = self.with_losses.then(|| self.frozen(&weights)).transpose()?;
        let mut seen = Seen::new(&val.dataset);
        let samples = Loader::new(
            Arc::clone(&val.dataset),
            &in_order(&self.loader, 1),
            LoaderRun::one_epoch(self.seed, self.with_masks()),
            |mut samples: Vec<Sample>| Ok::<_, RcnnError>(samples.remove(0)),
        )?;
        for (number, loaded) in (0..).zip(samples) {
            let Some(sample) = readable(loaded, &mut seen.unreadable)? else { continue };
            let Sample { image_id, image, target } = sample;
            let images = [image];
            let found = model.detect(&images).map_err(refused)?.pop();
            if let Some(frozen) = &frozen {
                let (resize, targets) = (&self.architecture.resize, [target.clone()]);
                let batch = Batch::with_targets(&images, &targets, resize, self.device);
                let mut draw = Draw::of_step(self.seed, number);
                let of_image = caught(|| no_grad(|| frozen.losses(&batch, &mut draw)))
                    .map_err(|reason| TrainError::Look { reason })?;
                seen.losses.add(&of_image.map_err(refused)?.named());
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

/// Advice on the batch would not help: looks take one image at a time.
fn refused(error: RcnnError) -> TrainError {
    match error {
        RcnnError::Network { reason, .. } => TrainError::Look { reason },
        other => other.into(),
    }
}

/// What became of the validation images.
pub(super) struct Seen {
    category_of: BTreeMap<Label, CategoryId>,
    pub losses: LossMeans,
    pub results: Vec<Annotation>,
    pub pictures: Vec<Looked>,
    /// Images without detections, since they cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl Seen {
    fn new(dataset: &Dataset) -> Self {
        let labels = dataset.labels();
        Self {
            category_of: labels.into_iter().map(|(category, label)| (label, category)).collect(),
            losses: LossMeans::default(),
            results: Vec::new(),
            pictures: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn add(&mut self, image_id: u64, looked: Looked) {
        let result = |object: &Detection| {
            let category = self.category_of.get(&object.label)?;
            Some(found(image_id, category.0, object))
        };
        self.results.extend(looked.detections.objects.iter().filter_map(result));
        if self.pictures.len() < NUM_PICTURES {
            self.pictures.push(looked);
        }
    }
}

/// Sums of losses over images.
#[derive(Default)]
pub(super) struct LossMeans {
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

    pub fn means(self) -> BTreeMap<String, f64> {
        let count = self.count.max(1) as f64;
        self.sums.into_iter().map(|(name, sum)| (name, sum / count)).collect()
    }
}
