//! ResNet as a classifier of whole pictures as something to be learnt, above all so that a detector's
//! backbone can be pretrained without other weights.
//!
//! The network is the backbone of [`crate::ModelConfig::architecture`] with a linear layer on its mean:
//! the detector that is to start from it has the same backbone and finds its names in the model file.
//! Source of loss and recipe: torchvision's `references/classification`.
//!
//! Letters: `N` images, `K` classes.

mod batch;
mod config;
mod data;
mod look;
mod score;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use batch::ClassBatch;
pub use config::{CLASSIFY_CONFIG, ClassifyConfig};
pub use data::ClassificationData;

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::stages::BACKBONE;
use crate::start::{self, StartReport};
use crate::task::{Score, Task, Validated, state_dict};
use batch::BatchMaker;
use kestrel_core::Categories;
use kestrel_data::{Dataset, LoaderConfig, Sample};
use kestrel_layers::{Mode, NormConfig};
use kestrel_rcnn::Draw;
use kestrel_resnet::{Classifier, ClassifierArchitecture, ClassifierMetadata, ResNetConfig};
use kestrel_weights::StateDict;
use look::Seen;
use std::collections::BTreeMap;
use std::sync::Arc;
use tch::{Device, Reduction, Tensor};

/// The name of the only loss.
const LOSS: &str = "loss_class";

/// A classifier in training.
pub struct ClassificationTask {
    architecture: ClassifierArchitecture,
    /// With the background before the classes, as data sets have it.
    categories: Categories,
    variables: BTreeMap<String, Tensor>,
    network: Classifier,
    batches: BatchMaker,
    label_smoothing: f64,
    val: Option<(Arc<Dataset>, BatchMaker)>,
    loader: LoaderConfig,
    seed: u64,
    device: Device,
}

impl ClassificationTask {
    /// Builds the network for the classes of the data, with first weights from the seed.
    ///
    /// # Errors
    /// When the backbone or the input makes no classifier.
    pub fn new(
        config: &TrainConfig,
        data: &ClassificationData,
        device: Device,
    ) -> Result<Self, TrainError> {
        let categories = data.train.label_names();
        let architecture = ClassifierArchitecture {
            num_classes: categories.len().saturating_sub(1),
            input: data.input(config),
            backbone: trainable(&config.model.architecture.backbone),
        };
        architecture.validate()?;
        let (store, network) = start::seeded(config.seed, device, |root| architecture.build(root))?;
        let input = architecture.input;
        let side = ClassifyConfig::training_side(&config.loader.augment, input.crop_side);
        let val = data.val.as_ref().map(|val| {
            let batches = BatchMaker::new(val, input, input.crop_side, device);
            (Arc::new(val.clone()), batches)
        });
        Ok(Self {
            batches: BatchMaker::new(&data.train, input, side, device),
            architecture,
            categories,
            variables: store.variables().into_iter().collect(),
            network,
            label_smoothing: config.classify.label_smoothing,
            val,
            loader: config.loader.clone(),
            seed: config.seed,
            device,
        })
    }

    /// What is built, with the number of classes of the data.
    pub fn architecture(&self) -> &ClassifierArchitecture {
        &self.architecture
    }

    /// Takes over every weight that fits: a classifier's, or those of a detector's backbone.
    ///
    /// # Errors
    /// When nothing fits.
    pub fn start_from(&self, weights: &StateDict) -> Result<StartReport, TrainError> {
        let inner = weights.tensors().iter().filter_map(|(name, tensor)| {
            Some((name.strip_prefix(BACKBONE)?.to_owned(), tensor.shallow_clone()))
        });
        let backbone = StateDict::from_tensors(inner, BTreeMap::new())?;
        let weights = if backbone.is_empty() { weights } else { &backbone };
        start::take_over(&self.variables, weights, "")
    }
}

impl Task for ClassificationTask {
    type Batch = ClassBatch;

    fn with_masks(&self) -> bool {
        false
    }

    fn collate(&self) -> Box<dyn Fn(Vec<Sample>) -> ClassBatch + Send + Sync> {
        let batches = self.batches.clone();
        Box::new(move |samples| batches.make(samples))
    }

    fn categories(&self) -> &Categories {
        &self.categories
    }

    fn variables(&self) -> &BTreeMap<String, Tensor> {
        &self.variables
    }

    /// A batch of one picture has no variance that a norm could learn from: there the norms keep
    /// their averages.
    fn backward(
        &self,
        batch: &ClassBatch,
        _draw: &mut Draw,
        weight: f64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let ClassBatch { pixels, classes } = batch;
        let mode = match classes.size1().unwrap_or(0) {
            0 => return Ok(vec![(LOSS, 0.0)]),
            1 => Mode::Eval,
            _ => Mode::Train,
        };
        let logits = self.network.forward(pixels, mode);
        let loss = cross_entropy(&logits, classes, self.label_smoothing);
        (&loss * weight).backward();
        Ok(vec![(LOSS, loss.double_value(&[]))])
    }

    fn validate(&self, weights: &BTreeMap<String, Tensor>) -> Result<Validated, TrainError> {
        let Some((dataset, batches)) = &self.val else { return Ok(Validated::default()) };
        let Seen { scores, pictures, unreadable } = self.look_at(dataset, batches, weights)?;
        let decisive =
            scores.accuracy().map(|value| Score { name: score::ACCURACY.to_owned(), value });
        let (losses, scores) = (scores.losses(), scores.named());
        Ok(Validated { losses, scores, decisive, pictures, unreadable })
    }

    fn model_file(
        &self,
        weights: &BTreeMap<String, Tensor>,
        notes: BTreeMap<String, String>,
    ) -> Result<StateDict, TrainError> {
        let metadata = ClassifierMetadata {
            architecture: self.architecture.clone(),
            classes: self.categories.names().iter().skip(1).cloned().collect(),
            inferred: false,
            notes,
        };
        state_dict(weights, metadata.to_text())
    }
}

/// Cross entropy of logits `[N, K]`, averaged over the images, towards labels that leave `smoothing`
/// to all classes alike (Szegedy et al. 2015, arXiv:1512.00567, section 7).
fn cross_entropy(logits: &Tensor, classes: &Tensor, smoothing: f64) -> Tensor {
    logits.cross_entropy_loss::<Tensor>(classes, None, Reduction::Mean, NO_CLASS, smoothing)
}

/// What torch calls a class that does not count; there is none.
const NO_CLASS: i64 = -100;

/// The body with norms that learn, starting as the identity: a frozen norm has nothing to freeze yet.
fn trainable(backbone: &ResNetConfig) -> ResNetConfig {
    let norm = match backbone.norm {
        NormConfig::Frozen { .. } => NormConfig::Batch,
        norm => norm,
    };
    ResNetConfig { norm, zero_init_residual: true, ..backbone.clone() }
}
