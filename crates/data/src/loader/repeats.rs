//! How often an image comes in an epoch, so that rare classes are seen.
//!
//! Source: repeat factor sampling, Gupta et al., "LVIS: A Dataset for Large Vocabulary Instance
//! Segmentation" (2019), section 5.1: a class in the share `f` of the images has the factor
//! `max(1, sqrt(t / f))`, an image the largest factor of its classes. The fraction of a factor is
//! rounded up or down by chance, anew in each epoch. Regions with uncounted objects do not count.

use crate::{CategoryId, ImageRecord};
use std::collections::{BTreeMap, BTreeSet};

/// One factor an image, at least 1; all are 1 without a threshold.
pub(super) fn repeat_factors(images: &[(usize, &ImageRecord)], threshold: Option<f64>) -> Vec<f64> {
    let Some(threshold) = threshold else { return vec![1.0; images.len()] };
    let mut num_images: BTreeMap<CategoryId, usize> = BTreeMap::new();
    for category in images.iter().flat_map(|(_, image)| categories(image)) {
        *num_images.entry(category).or_default() += 1;
    }
    let factor = |category: CategoryId| {
        let share = num_images[&category] as f64 / images.len() as f64;
        (threshold / share).sqrt()
    };
    let largest = |image| categories(image).into_iter().map(factor).fold(1.0, f64::max);
    images.iter().map(|(_, image)| largest(image)).collect()
}

/// The classes an image shows.
fn categories(image: &ImageRecord) -> BTreeSet<CategoryId> {
    let counted = image.objects.iter().filter(|object| !object.crowd);
    counted.map(|object| object.category).collect()
}
