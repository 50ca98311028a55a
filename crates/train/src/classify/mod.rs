//! ResNet as a classifier of whole pictures as something to be learnt, above all so that a detector's
//! backbone can be pretrained without other weights.
//!
//! The network is the backbone of [`crate::ModelConfig::architecture`] with a linear layer on its mean:
//! the detector that is to start from it has the same backbone and finds its names in the model file.
//! Source of loss and recipe: torchvision's `references/classification`.
//!
//! Letters: `N` images, `K` classes.

mod config;
mod data;
mod score;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use config::{CLASSIFY_CONFIG, ClassifyConfig};
pub use data::ClassificationData;

use crate::config::TrainConfig;
use crate::detection::BACKBONE;
use crate::error::TrainError;
use crate::start::{self, StartReport};
use crate::task::{Score, Task, Validated};
use kestrel_core::{ImageSize, RgbImage};
use kestrel_data::{BatchOrderConfig, Dataset, Loader, LoaderConfig, LoaderRun, Sample};
use kestrel_layers::{Mode, NormConfig};
use kestrel_rcnn::Draw;
use kestrel_resnet::{
    Classifier, ClassifierArchitecture, ClassifierMetadata, InputConfig, ResNetConfig,
};
use kestrel_weights::{StateDict, Strictness, load};
use score::Scores;
use std::collections::BTreeMap;
use std::sync::Arc;
use tch::{Device, Kind, Reduction, Tensor, nn, no_grad};

/// Images that are scored together; the scores do not depend on it.
const SCORED_TOGETHER: usize = 64;
/// The name of the only loss.
const LOSS: &str = "loss_class";

/// A classifier in training.
pub struct ClassificationTask {
    architecture: ClassifierArchitecture,
    classes: Vec<String>,
    variables: BTreeMap<String, Tensor>,
    network: Classifier,
    batches: BatchMaker,
    label_smoothing: f64,
    val: Option<(Arc<Dataset>, BatchMaker)>,
    seed: u64,
    device: Device,
}

/// Pictures as the network takes them, and what they show.
#[derive(Debug)]
pub struct ClassBatch {
    /// `[N, 3, H, W]`, normalised.
    pub pixels: Tensor,
    /// `[N]`, each from 0 to `K - 1`.
    pub classes: Tensor,
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
        let classes = data.classes();
        let architecture = ClassifierArchitecture {
            num_classes: classes.len(),
            input: data.input(config),
            backbone: trainable(&config.model.architecture.backbone),
        };
        architecture.validate()?;
        tch::manual_seed(config.seed as i64);
        let store = nn::VarStore::new(device);
        let network = architecture.build(&store.root());
        let input = architecture.input;
        let side = ClassifyConfig::training_side(&config.loader.augment, input.crop_side);
        let val = data.val.as_ref().map(|val| {
            let batches = BatchMaker::new(val, input, input.crop_side, device);
            (Arc::new(val.clone()), batches)
        });
        Ok(Self {
            batches: BatchMaker::new(&data.train, input, side, device),
            architecture,
            classes,
            variables: store.variables().into_iter().collect(),
            network,
            label_smoothing: config.classify.label_smoothing,
            val,
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

    /// Lets the first parts of the body stay as they are.
    pub fn freeze(&self, num_stages: usize) {
        start::freeze(&self.variables, "", num_stages);
    }

    fn scored(
        &self,
        dataset: &Arc<Dataset>,
        batches: &BatchMaker,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Scores, TrainError> {
        let store = nn::VarStore::new(self.device);
        let network = self.architecture.build(&store.root());
        load(store.variables(), &state_dict(weights, BTreeMap::new())?, Strictness::Strict)?;
        let batches = batches.clone();
        let run = LoaderRun::one_epoch(self.seed, false);
        let collate = move |samples| Ok::<_, std::convert::Infallible>(batches.make(samples));
        let mut scores = Scores::new(self.classes.len());
        for loaded in Loader::new(Arc::clone(dataset), &in_order(), run, collate)? {
            // A batch of pictures that cannot be read is none; the run names them elsewhere.
            let Ok(ClassBatch { pixels, classes }) = loaded.batch else { continue };
            let logits = no_grad(|| network.forward(&pixels, Mode::Eval));
            scores.add(&logits, &classes);
        }
        Ok(scores)
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
        let scores = self.scored(dataset, batches, weights)?;
        let decisive =
            scores.accuracy().map(|value| Score { name: score::ACCURACY.to_owned(), value });
        Ok(Validated { losses: scores.losses(), scores: scores.named(), decisive })
    }

    fn model_file(
        &self,
        weights: &BTreeMap<String, Tensor>,
        notes: BTreeMap<String, String>,
    ) -> Result<StateDict, TrainError> {
        let metadata = ClassifierMetadata {
            architecture: self.architecture.clone(),
            classes: self.classes.clone(),
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

fn state_dict(
    weights: &BTreeMap<String, Tensor>,
    text: BTreeMap<String, String>,
) -> Result<StateDict, TrainError> {
    let tensors = weights.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
    Ok(StateDict::from_tensors(tensors, text)?)
}

/// Images to be scored come in their order, as they are.
fn in_order() -> LoaderConfig {
    let batches = BatchOrderConfig {
        batch_size: SCORED_TOGETHER,
        shuffle: false,
        aspect_ratio_groups: 0,
        ..BatchOrderConfig::default()
    };
    LoaderConfig { batches, ..LoaderConfig::default() }
}

/// Makes batches of the samples of one data set.
#[derive(Clone)]
struct BatchMaker {
    /// The class of each image: its one object may be lost in augmentation.
    class_of: Arc<BTreeMap<u64, i64>>,
    input: InputConfig,
    /// What augmentation has brought to this side goes in as it is.
    side: usize,
    device: Device,
}

impl BatchMaker {
    fn new(dataset: &Dataset, input: InputConfig, side: usize, device: Device) -> Self {
        let labels = dataset.labels();
        let class_of = dataset.images.iter().filter_map(|image| {
            let label = labels.get(&image.objects.first()?.category)?;
            Some((image.id, i64::from(label.0) - 1))
        });
        let class_of = Arc::new(class_of.collect());
        let resized_side = input.resized_side * side / input.crop_side.max(1);
        let input = InputConfig { crop_side: side, resized_side, ..input };
        Self { class_of, input, side, device }
    }

    fn make(&self, samples: Vec<Sample>) -> ClassBatch {
        let size = ImageSize::new(self.side, self.side);
        let square = |image: RgbImage| match image.size() == size {
            true => image,
            false => self.input.square_of(&image),
        };
        let known = samples.into_iter().filter_map(|Sample { image_id, image, .. }| {
            Some((square(image), *self.class_of.get(&image_id)?))
        });
        let (squares, classes): (Vec<RgbImage>, Vec<i64>) = known.unzip();
        ClassBatch {
            pixels: self.input.normalised(&squares, self.device),
            classes: Tensor::from_slice(&classes).to_kind(Kind::Int64).to_device(self.device),
        }
    }
}
