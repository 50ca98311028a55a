//! Samples become what the network takes.

use kestrel_core::{ImageSize, RgbImage};
use kestrel_data::{Dataset, Sample};
use kestrel_resnet::InputConfig;
use std::collections::BTreeMap;
use std::sync::Arc;
use tch::{Device, Kind, Tensor};

/// Pictures as the network takes them, and what they show.
#[derive(Debug)]
pub struct ClassBatch {
    /// `[N, 3, H, W]`, normalised.
    pub pixels: Tensor,
    /// `[N]`, each from 0 to `K - 1`.
    pub classes: Tensor,
}

/// Makes batches of the samples of one data set.
#[derive(Clone)]
pub(super) struct BatchMaker {
    /// The class of each image: its one object may be lost in augmentation.
    class_of: Arc<BTreeMap<u64, i64>>,
    input: InputConfig,
    /// What augmentation has brought to this side goes in as it is.
    side: usize,
    device: Device,
}

impl BatchMaker {
    pub fn new(dataset: &Dataset, input: InputConfig, side: usize, device: Device) -> Self {
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

    pub fn make(&self, samples: Vec<Sample>) -> ClassBatch {
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
