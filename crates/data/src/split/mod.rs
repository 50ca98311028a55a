//! One data set becomes several, each with its share of every class.
//!
//! Source: K. Sechidis, G. Tsoumakas, I. Vlahavas, "On the Stratification of Multi-label Data" (ECML
//! PKDD 2011), algorithm 1, on images: an image has the labels of the classes it shows, and images
//! without objects are a stratum of their own.
//!
//! Difference from the paper: there the part that wants most of a class gets the image, down to the
//! last fraction of one, and all images of rare classes go to the largest part. Here a part is sure
//! of its whole images only, and one that none is owed goes where most images are missing. In a set
//! of one class an image, every part has its share of every class to within one image.
//!
//! Images of one group are never torn apart: tiles of one slide, frames of one video. A group counts
//! as all its images. Two records of the same file name are always a group.

mod group;
mod stratify;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use crate::dataset::{Dataset, ImageRecord};
use group::Grouping;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use stratify::{Stratum, Unit};

/// How far the shares may sum up from 1: thirds are written with a few digits.
const SUM_TOLERANCE: f64 = 1e-3;

/// How a data set is split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// The same seed gives the same split, whatever the order of the images.
    pub seed: u64,
    /// The parts; their shares sum to 1.
    pub fractions: Vec<SplitFraction>,
    /// A regular expression on the names of images; those where it captures the same text stay
    /// together: `^(.*)_tile` keeps `a_tile1.png` with `a_tile2.png`. Without a capture it is all
    /// that matches, and an image that does not match is free.
    pub group: Option<String>,
}

/// A part of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitFraction {
    /// What it is called, such as `train`.
    pub name: String,
    /// Its part of the images, above 0 and at most 1.
    pub share: f64,
}

/// A split that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// No parts.
    #[error("split fractions: found none, expected at least one, such as train 0.8 and val 0.2")]
    NoFractions,
    /// A part without a name, or with the name of another.
    #[error(
        "split fractions: found the name \"{name}\" {problem}, expected one of its own for each"
    )]
    Name {
        /// The name.
        name: String,
        /// Empty or twice.
        problem: &'static str,
    },
    /// A share that is no part of a whole.
    #[error("split fraction {name}: found {found}, expected above 0 and at most 1")]
    Share {
        /// Name of the part.
        name: String,
        /// Its share.
        found: f64,
    },
    /// Shares that leave images over, or need more than there are.
    #[error("split fractions: found a sum of {found}, expected 1")]
    Sum {
        /// Their sum.
        found: f64,
    },
    /// A pattern that is no regular expression.
    #[error(
        "split group: found the pattern \"{pattern}\", expected a regular expression: {source}"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// A pattern that groups nothing.
    #[error(
        "split group: found no image name that the pattern \"{pattern}\" matches, expected those of \
         pictures that belong together; a name here is \"{name}\""
    )]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The name of the first image.
        name: String,
    },
}

impl Default for SplitConfig {
    /// Four fifths to train with, one to check.
    fn default() -> Self {
        let fraction = |name: &str, share| SplitFraction { name: name.into(), share };
        let fractions = vec![fraction("train", 0.8), fraction("val", 0.2)];
        Self { seed: 0, fractions, group: None }
    }
}

impl SplitConfig {
    /// Whether a data set can be split so.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SplitError> {
        if self.fractions.is_empty() {
            return Err(SplitError::NoFractions);
        }
        let mut names = BTreeSet::new();
        for SplitFraction { name, share } in &self.fractions {
            let problem = match name.as_str() {
                "" => Some("without a letter"),
                known if !names.insert(known) => Some("twice"),
                _ => None,
            };
            if let Some(problem) = problem {
                return Err(SplitError::Name { name: name.clone(), problem });
            }
            // Written so that NaN is refused too.
            if !(*share > 0.0 && *share <= 1.0) {
                return Err(SplitError::Share { name: name.clone(), found: *share });
            }
        }
        let found: f64 = self.fractions.iter().map(|fraction| fraction.share).sum();
        if (found - 1.0).abs() > SUM_TOLERANCE {
            return Err(SplitError::Sum { found });
        }
        Grouping::new(self.group.as_deref()).map(|_| ())
    }

    /// The names of the images that the pattern of [`Self::group`] does not match, which are free.
    ///
    /// # Errors
    /// When it is no pattern, or matches none of the images, of which there are some.
    pub fn ungrouped<'d>(&self, dataset: &'d Dataset) -> Result<Vec<&'d str>, SplitError> {
        let Some(pattern) = &self.group else { return Ok(Vec::new()) };
        let grouping = Grouping::new(Some(pattern))?;
        let names = dataset.images.iter().map(|image| image.name.as_str());
        let free: Vec<&str> = names.filter(|name| !grouping.matches(name)).collect();
        match free.first() {
            Some(name) if free.len() == dataset.images.len() => {
                Err(SplitError::NoMatch { pattern: pattern.clone(), name: (*name).to_owned() })
            }
            _ => Ok(free),
        }
    }
}

/// Splits the images of `dataset`: each is in one part, the parts come in the order of
/// `config.fractions`, and within a part images keep their order. All parts have all categories. A
/// part may be empty, where there are fewer images or groups than parts.
///
/// # Errors
/// When the settings make no sense, or the pattern for groups matches no image.
pub fn split_dataset(
    dataset: &Dataset,
    config: &SplitConfig,
) -> Result<Vec<(String, Dataset)>, SplitError> {
    config.validate()?;
    config.ungrouped(dataset)?;
    let grouping = Grouping::new(config.group.as_deref())?;
    let units = units(&dataset.images, &grouping);
    let shares: Vec<f64> = config.fractions.iter().map(|fraction| fraction.share).collect();
    let mut part_of_image = vec![0; dataset.images.len()];
    for (unit, part) in units.iter().zip(stratify::assign(&units, &shares, config.seed)) {
        for &image in &unit.images {
            part_of_image[image] = part;
        }
    }
    let part = |(number, fraction): (usize, &SplitFraction)| {
        let images = dataset.images.iter().zip(&part_of_image);
        let images = images.filter(|(_, part)| **part == number).map(|(image, _)| image.clone());
        let dataset = Dataset { categories: dataset.categories.clone(), images: images.collect() };
        (fraction.name.clone(), dataset)
    };
    Ok(config.fractions.iter().enumerate().map(part).collect())
}

/// What is assigned as a whole, by name, so that the order of the images does not matter.
fn units(images: &[ImageRecord], grouping: &Grouping) -> Vec<Unit> {
    let mut units: BTreeMap<group::Key<'_>, Unit> = BTreeMap::new();
    for (index, image) in images.iter().enumerate() {
        let unit = units.entry(grouping.key(&image.name)).or_default();
        unit.images.push(index);
        for stratum in strata(image) {
            *unit.num_images.entry(stratum).or_default() += 1;
        }
    }
    units.into_values().collect()
}

/// The classes that an image shows.
fn strata(image: &ImageRecord) -> BTreeSet<Stratum> {
    let classes = image.objects.iter().map(|object| Stratum::Class(object.category));
    let classes: BTreeSet<Stratum> = classes.collect();
    if classes.is_empty() { BTreeSet::from([Stratum::NoObjects]) } else { classes }
}
