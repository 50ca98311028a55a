//! A classifier with its weights, ready for inference: from pictures to predictions.

use super::architecture::ClassifierArchitecture;
use super::network::Classifier;
use crate::ClassifierError;
use kestrel_core::RgbImage;
use kestrel_layers::{Mode, Precision, Preparation, caught, channels_last};
use kestrel_weights::{StateDict, Strictness, load};
use rayon::prelude::*;
use tch::{Device, Kind, nn, no_grad};

/// A classifier prepared for inference.
#[derive(Debug)]
pub struct ClassifierModel {
    architecture: ClassifierArchitecture,
    network: Classifier,
    device: Device,
    precision: Precision,
}

/// One of the classes a picture may show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Place of the class among the logits, from 0.
    pub class: usize,
    /// Its probability, the softmax of the logits.
    pub score: f32,
}

impl ClassifierModel {
    /// Builds the architecture, loads every weight, and prepares it.
    ///
    /// # Errors
    /// When the weights are not exactly those of the architecture.
    pub fn load(
        architecture: &ClassifierArchitecture,
        weights: &StateDict,
        device: Device,
    ) -> Result<Self, ClassifierError> {
        Self::load_prepared(architecture, weights, device, Precision::Float32)
    }

    /// The same, with a choice of the precision of its products.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_prepared(
        architecture: &ClassifierArchitecture,
        weights: &StateDict,
        device: Device,
        precision: Precision,
    ) -> Result<Self, ClassifierError> {
        let store = nn::VarStore::new(device);
        let mut network = architecture.build(&store.root());
        load(store.variables(), weights, Strictness::Strict)?;
        let how = Preparation { precision, ..Preparation::default() };
        precision.during(|| network.prepare(how));
        Ok(Self { architecture: architecture.clone(), network, device, precision })
    }

    /// What it is built of.
    pub fn architecture(&self) -> &ClassifierArchitecture {
        &self.architecture
    }

    /// The logits of each picture, one a class. Pictures of one call do not change each other's.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn logits(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, ClassifierError> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let input = &self.architecture.input;
        let squares: Vec<RgbImage> =
            images.par_iter().map(|image| input.square_of(image)).collect();
        let logits = || {
            let pixels = channels_last(&input.normalised(&squares, self.device));
            let forward = || no_grad(|| self.network.forward(&pixels, Mode::Eval));
            let logits = self.precision.during(forward);
            logits.to_device(Device::Cpu).to_kind(Kind::Float).contiguous()
        };
        let logits = caught(logits)
            .map_err(|reason| ClassifierError::Network { images: images.len(), reason })?;
        Ok(Vec::<Vec<f32>>::try_from(&logits)?)
    }

    /// The probability of each class, for each picture.
    ///
    /// # Errors
    /// When the network cannot be run.
    pub fn classify(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>, ClassifierError> {
        Ok(self.logits(images)?.iter().map(|logits| softmax(logits)).collect())
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The `count` largest scores, largest first; of equal ones the earlier class comes first.
pub fn top_k(scores: &[f32], count: usize) -> Vec<Prediction> {
    let prediction = |(class, &score)| Prediction { class, score };
    let mut predictions: Vec<Prediction> = scores.iter().enumerate().map(prediction).collect();
    predictions.sort_by(|a, b| b.score.total_cmp(&a.score));
    predictions.truncate(count);
    predictions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_equal_ones_in_order() {
        let classes = |count| -> Vec<usize> {
            top_k(&[0.1, 0.3, 0.3, 0.2], count).iter().map(|found| found.class).collect()
        };
        assert_eq!(classes(3), [1, 2, 3]);
        assert_eq!(classes(9), [1, 2, 3, 0]);
        assert_eq!(classes(0), Vec::<usize>::new());
        assert!(top_k(&[], 5).is_empty());
    }

    #[test]
    fn probabilities_sum_to_one_for_any_logits() {
        let scores = softmax(&[1000.0, 999.0, -1000.0]);
        assert!((scores[0] - 0.731_058_6).abs() < 1e-6 && scores[2] == 0.0, "{scores:?}");
    }
}
