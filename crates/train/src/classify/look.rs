//! A look at the validation pictures.

use super::batch::{BatchMaker, ClassBatch};
use super::score::Scores;
use super::{ClassificationTask, state_dict};
use crate::error::TrainError;
use crate::record::Looked;
use kestrel_core::{BBox, Detection, Detections, Label};
use kestrel_data::{
    BatchOrderConfig, Dataset, DecodeLimits, Loader, LoaderConfig, LoaderRun, Sample,
};
use kestrel_layers::Mode;
use kestrel_resnet::Classifier;
use kestrel_weights::{Strictness, load};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use tch::{Kind, Tensor, nn, no_grad};

/// Images that are scored together; the scores do not depend on it.
const SCORED_TOGETHER: usize = 64;
/// Pictures on the sheet.
const NUM_PICTURES: usize = 8;

/// What became of the validation pictures.
pub(super) struct Seen {
    pub scores: Scores,
    /// Some of them, spread over the data set, which lies class by class.
    pub pictures: Vec<Looked>,
}

impl ClassificationTask {
    /// Runs these weights over every picture of a data set.
    pub(super) fn look_at(
        &self,
        dataset: &Arc<Dataset>,
        batches: &BatchMaker,
        weights: &BTreeMap<String, Tensor>,
    ) -> Result<Seen, TrainError> {
        let store = nn::VarStore::new(self.device);
        let network = self.architecture.build(&store.root());
        load(store.variables(), &state_dict(weights, BTreeMap::new())?, Strictness::Strict)?;
        let mut scores = Scores::new(self.architecture.num_classes);
        let run = LoaderRun::one_epoch(self.seed, false);
        let maker = batches.clone();
        let collate = move |samples| Ok::<_, Infallible>(maker.make(samples));
        for loaded in Loader::new(Arc::clone(dataset), &in_order(), run, collate)? {
            // A batch of pictures that cannot be read is none.
            let Ok(ClassBatch { pixels, classes }) = loaded.batch else { continue };
            if classes.numel() == 0 {
                continue;
            }
            let logits = no_grad(|| network.forward(&pixels, Mode::Eval));
            scores.add(&logits, &classes);
        }
        let num_images = dataset.images.len();
        let step = num_images.div_ceil(NUM_PICTURES).max(1);
        let shown = (0..num_images).step_by(step);
        let pictures = shown.filter_map(|index| looked(dataset, index, &network, batches));
        Ok(Seen { scores, pictures: pictures.collect() })
    }
}

/// A picture with its likeliest class, as a detection of all of it; none of one that cannot be read.
fn looked(
    dataset: &Dataset,
    index: usize,
    network: &Classifier,
    batches: &BatchMaker,
) -> Option<Looked> {
    let Sample { image_id, image, target } =
        dataset.sample(index, false, &DecodeLimits::default()).ok()?;
    let sample = Sample { image_id, image: image.clone(), target: target.clone() };
    let ClassBatch { pixels, classes } = batches.make(vec![sample]);
    if classes.numel() == 0 {
        return None;
    }
    let scores = no_grad(|| network.forward(&pixels, Mode::Eval)).softmax(-1, Kind::Float);
    let (score, class) = scores.max_dim(1, false);
    let image_size = image.size();
    let corners = [0, 0, image_size.width, image_size.height].map(|side| side as f32);
    let best = Detection {
        bbox: BBox::from(corners),
        label: Label(class.int64_value(&[0]) as u32 + 1),
        score: score.double_value(&[0]) as f32,
        mask: None,
    };
    let detections = Detections { image_size, objects: vec![best] };
    Some(Looked { name: dataset.images[index].name.clone(), image, target, detections })
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
