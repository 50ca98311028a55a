//! A detector with its weights, ready for inference: what one model file holds.

use crate::architecture::Architecture;
use crate::batch::Batch;
use crate::detector::Detector;
use crate::error::RcnnError;
use crate::infer::infer_architecture;
use kestrel_core::{COCO_CATEGORIES, Categories, Detections, RgbImage};
use kestrel_layers::{Precision, Preparation, caught};
use kestrel_weights::{StateDict, Strictness, load};
use std::collections::BTreeMap;
use tch::{Device, nn};

/// Where a model file's free text keeps the architecture, as YAML.
const ARCHITECTURE_KEY: &str = "kestrel.architecture";
/// Where it keeps the class names, as a JSON list with the background first.
const CATEGORIES_KEY: &str = "kestrel.categories";
/// Where it keeps the version of Kestrel that wrote it.
const VERSION_KEY: &str = "kestrel.version";

/// What a model file says beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// What to build.
    pub architecture: Architecture,
    /// What the labels are called.
    pub categories: Categories,
    /// Whether the file itself had no architecture, so that it was read off the weights.
    pub inferred: bool,
    /// Everything else in the file's free text: data, recipe, numbers.
    pub notes: BTreeMap<String, String>,
}

impl Metadata {
    /// Reads the free text of a model file. `architecture`, where given, comes before the file's;
    /// where there is neither, it is read off the weights' names and shapes.
    ///
    /// # Errors
    /// When the architecture cannot be read or told, or the class names do not fit it.
    pub fn of(weights: &StateDict, architecture: Option<Architecture>) -> Result<Self, RcnnError> {
        let file = weights.file();
        let mut notes = weights.metadata().clone();
        let text = notes.remove(ARCHITECTURE_KEY);
        let names = notes.remove(CATEGORIES_KEY);
        let inferred = architecture.is_none() && text.is_none();
        let architecture = match (architecture, text) {
            (Some(architecture), _) => architecture,
            (None, Some(text)) => Architecture::from_yaml(&text, file)?,
            (None, None) => infer_architecture(weights)?,
        };
        let num_classes = architecture.num_classes;
        let categories = match names.and_then(|names| serde_json::from_str(&names).ok()) {
            Some(categories) => categories,
            None if num_classes == COCO_CATEGORIES.len() => Categories::new(COCO_CATEGORIES),
            None => Categories::numbered(num_classes),
        };
        let metadata = Self { architecture, categories, inferred, notes };
        metadata.require_fit(file)?;
        Ok(metadata)
    }

    fn require_fit(&self, file: &str) -> Result<(), RcnnError> {
        let (found, expected) = (self.categories.len(), self.architecture.num_classes);
        if found != expected {
            return Err(RcnnError::Categories { origin: file.to_owned(), found, expected });
        }
        Ok(())
    }

    /// The free text of a file that holds this model.
    pub fn to_text(&self) -> BTreeMap<String, String> {
        let mut text = self.notes.clone();
        text.insert(ARCHITECTURE_KEY.into(), self.architecture.to_yaml());
        let names = serde_json::Value::from(self.categories.names());
        text.insert(CATEGORIES_KEY.into(), names.to_string());
        text.insert(VERSION_KEY.into(), env!("CARGO_PKG_VERSION").into());
        text
    }
}

/// A detector prepared for inference.
#[derive(Debug)]
pub struct Model {
    architecture: Architecture,
    detector: Box<dyn Detector>,
    device: Device,
    precision: Precision,
}

impl Model {
    /// Builds the architecture, loads every weight, and prepares it.
    ///
    /// # Errors
    /// When libtorch does not build it, or the weights are not exactly those of the architecture.
    pub fn load(
        architecture: &Architecture,
        weights: &StateDict,
        device: Device,
    ) -> Result<Self, RcnnError> {
        Self::load_prepared(architecture, weights, device, Preparation::default())
    }

    /// The same, with a choice of how it is prepared.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_prepared(
        architecture: &Architecture,
        weights: &StateDict,
        device: Device,
        how: Preparation,
    ) -> Result<Self, RcnnError> {
        let store = nn::VarStore::new(device);
        let mut detector = caught(|| architecture.build(&store.root()))
            .map_err(|reason| RcnnError::Build { reason })?;
        load(store.variables(), weights, Strictness::Strict)?;
        how.precision.during(|| detector.prepare(how));
        let (architecture, precision) = (architecture.clone(), how.precision);
        Ok(Self { architecture, detector, device, precision })
    }

    /// What it is built of.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The objects of each image, in its own pixels, by falling score.
    ///
    /// Images of one call share a padded tensor: padding is part of what the network sees, so an
    /// image's numbers may change in the fourth digit with its company.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn detect(&self, images: &[RgbImage]) -> Result<Vec<Detections>, RcnnError> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let detect = || {
            let batch = Batch::new(images, &self.architecture.resize, self.device);
            self.precision.during(|| self.detector.detect(&batch))
        };
        caught(detect)
            .unwrap_or_else(|reason| Err(RcnnError::Network { images: images.len(), reason }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::losses::Losses;
    use crate::sampler::Draw;
    use kestrel_core::ImageSize;
    use tch::{Kind, Tensor};

    /// Asks libtorch for what it cannot do, as a card does that has no memory left.
    #[derive(Debug)]
    struct Broken;

    impl Detector for Broken {
        fn losses(&self, _: &Batch, _: &mut Draw) -> Result<Losses, RcnnError> {
            Err(RcnnError::MasksMissing { image: 0 })
        }

        fn backward(&self, _: &Batch, _: &mut Draw, _: f64) -> Result<Losses, RcnnError> {
            Err(RcnnError::MasksMissing { image: 0 })
        }

        fn detect(&self, _: &Batch) -> Result<Vec<Detections>, RcnnError> {
            let two = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
            let _ = two.matmul(&two);
            Ok(Vec::new())
        }

        fn prepare(&mut self, _: Preparation) {}
    }

    #[test]
    fn what_libtorch_refuses_is_an_error() {
        let model = Model {
            architecture: Architecture::default(),
            detector: Box::new(Broken),
            device: Device::Cpu,
            precision: Precision::Float32,
        };
        let picture = RgbImage::filled(ImageSize::new(3, 3), [0; 3]);
        let error = model.detect(&[picture.clone(), picture]).unwrap_err().to_string();
        assert!(error.starts_with("2 images at once: mat1 and mat2"), "{error}");
        assert!(error.contains("take fewer (`--batch`)"), "{error}");
    }
}
