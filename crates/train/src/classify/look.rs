//! A look at the validation pictures.

use super::ClassificationTask;
use super::batch::{BatchMaker, ClassBatch};
use super::score::Scores;
use crate::error::TrainError;
use crate::look::{in_order, readable};
use crate::record::Looked;
use crate::task::state_dict;
use kestrel_core::{BBox, Detection, Detections, Label};
use kestrel_data::{Dataset, DecodeLimits, Loader, LoaderRun, Sample, Unreadable};
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
    /// Pictures that are not scored, since they cannot be read.
    pub unreadable: Vec<Unreadable>,
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
        let mut unreadable = Vec::new();
        let order = in_order(&self.loader, SCORED_TOGETHER);
        for loaded in Loader::new(Arc::clone(dataset), &order, run, collate)? {
            let Some(ClassBatch { pixels, classes }) = readable(loaded, &mut unreadable)? else {
                continue;
            };
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
        Ok(Seen { scores, pictures: pictures.collect(), unreadable })
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
