//! Which images make up the batches of an epoch.
//!
//! Three steps: images are repeated ([`super::repeats`]), shuffled, and put into batches of like
//! shape, so that little of a padded batch is padding.
//!
//! Source of the last: `GroupedBatchSampler` and `create_aspect_ratio_groups` of torchvision's
//! `references/detection/group_by_aspect_ratio.py`. Difference: torchvision fills incomplete groups
//! with images seen before, or loses them, so that all epochs are of one length; here every image
//! comes as often as it should. What is left of all groups is put together, narrow pictures first,
//! into the last batches of the epoch, of which only the very last may be smaller.

use super::error::LoaderError;
use super::repeats::repeat_factors;
use crate::{Chance, Dataset, ImageRecord};
use serde::{Deserialize, Serialize};

/// How images become batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchOrderConfig {
    /// Images in a batch, at least 1; the default is 2.
    pub batch_size: usize,
    /// Whether every epoch has another order; the default is yes.
    pub shuffle: bool,
    /// Images are grouped by width over height, with this many bounds between one half and one and
    /// as many between one and two; 0 does not group. The default, 3, makes 8 groups.
    pub aspect_ratio_groups: usize,
    /// Images with a class that fewer than this share of the images show are repeated, above 0 to
    /// 1; LVIS uses 0.001. The default is none.
    pub repeat_threshold: Option<f64>,
    /// Whether images without objects take part; the default is yes.
    pub keep_empty: bool,
}

impl Default for BatchOrderConfig {
    fn default() -> Self {
        Self {
            batch_size: 2,
            shuffle: true,
            aspect_ratio_groups: 3,
            repeat_threshold: None,
            keep_empty: true,
        }
    }
}

impl BatchOrderConfig {
    pub(super) fn validate(&self) -> Result<(), LoaderError> {
        let bad = |field, found, expected| Err(LoaderError::Setting { field, found, expected });
        if self.batch_size == 0 {
            return bad("batch_size", 0.0, "at least 1");
        }
        if self.aspect_ratio_groups > 100 {
            return bad("aspect_ratio_groups", self.aspect_ratio_groups as f64, "0 to 100");
        }
        match self.repeat_threshold {
            // Written so that NaN is refused too.
            Some(found) if !(found > 0.0 && found <= 1.0) => {
                bad("repeat_threshold", found, "above 0, to 1")
            }
            _ => Ok(()),
        }
    }
}

/// The images of a data set, ready to be put into batches.
#[derive(Clone, Debug)]
pub struct BatchOrder {
    images: Vec<Candidate>,
    batch_size: usize,
    shuffle: bool,
    num_groups: usize,
}

/// An image that takes part.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Place in [`Dataset::images`].
    index: usize,
    group: usize,
    /// How often it comes in an epoch, on average.
    repeats: f64,
}

impl BatchOrder {
    /// Looks at every image once. An image whose annotations state no size is taken for a square.
    ///
    /// # Errors
    /// The first setting that makes no sense, and what would.
    pub fn new(dataset: &Dataset, config: &BatchOrderConfig) -> Result<Self, LoaderError> {
        config.validate()?;
        let bounds = group_bounds(config.aspect_ratio_groups);
        let takes_part = |image: &ImageRecord| {
            config.keep_empty || image.objects.iter().any(|object| !object.crowd)
        };
        let taking_part: Vec<(usize, &ImageRecord)> =
            dataset.images.iter().enumerate().filter(|(_, image)| takes_part(image)).collect();
        let repeats = repeat_factors(&taking_part, config.repeat_threshold);
        let candidate = |((index, image), repeats): ((usize, &ImageRecord), f64)| Candidate {
            index,
            group: bounds.partition_point(|&bound| bound <= aspect_ratio(image)),
            repeats,
        };
        Ok(Self {
            images: taking_part.into_iter().zip(repeats).map(candidate).collect(),
            batch_size: config.batch_size,
            shuffle: config.shuffle,
            num_groups: bounds.len() + 1,
        })
    }

    /// The batches of an epoch, each a list of places in [`Dataset::images`]. The same numbers give
    /// the same batches.
    pub fn epoch(&self, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
        let mut chance = Chance::of_order(seed, epoch);
        let mut images: Vec<Candidate> = Vec::with_capacity(self.images.len());
        for &image in &self.images {
            let times = image.repeats.floor();
            let extra = chance.happens(image.repeats - times);
            images.extend(std::iter::repeat_n(image, times as usize + usize::from(extra)));
        }
        if self.shuffle {
            chance.shuffle(&mut images);
        }
        self.batches(images)
    }

    fn batches(&self, images: Vec<Candidate>) -> Vec<Vec<usize>> {
        let mut batches = Vec::with_capacity(images.len().div_ceil(self.batch_size));
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.num_groups];
        for image in images {
            let group = &mut waiting[image.group];
            group.push(image.index);
            if group.len() == self.batch_size {
                batches.push(std::mem::take(group));
            }
        }
        batches.extend(waiting.concat().chunks(self.batch_size).map(<[usize]>::to_vec));
        batches
    }
}

/// Ratios between which images count as alike: powers of two from 1/2 to 2, `2 * groups + 1` of them.
fn group_bounds(groups: usize) -> Vec<f64> {
    if groups == 0 {
        return Vec::new();
    }
    (0..=2 * groups).map(|bound| 2f64.powf(bound as f64 / groups as f64 - 1.0)).collect()
}

/// Width over height; 1 where they are not known.
fn aspect_ratio(image: &ImageRecord) -> f64 {
    match image.stated_size {
        Some(size) if size.area() > 0 => size.width as f64 / size.height as f64,
        _ => 1.0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Category, CategoryId, Object, ObjectBox, Place};
    use kestrel_core::ImageSize;

    fn image(id: u64, width: usize, categories: &[u64]) -> ImageRecord {
        let object = |&category: &u64| Object {
            id: 0,
            category: CategoryId(category),
            bbox: ObjectBox::default(),
            outline: None,
            area: None,
            crowd: false,
            difficult: false,
            place: Place::default(),
        };
        ImageRecord {
            id,
            name: String::new(),
            path: "none.png".into(),
            stated_size: Some(ImageSize::new(100, width)),
            objects: categories.iter().map(object).collect(),
            place: Place::default(),
        }
    }

    fn dataset(images: Vec<ImageRecord>) -> Dataset {
        let category =
            |id| Category { id: CategoryId(id), name: id.to_string(), supercategory: None };
        Dataset { categories: (1..4).map(category).collect(), images }
    }

    fn order(dataset: &Dataset, config: &BatchOrderConfig, epoch: u64) -> Vec<Vec<usize>> {
        BatchOrder::new(dataset, config).unwrap().epoch(11, epoch)
    }

    /// Bounds that `create_aspect_ratio_groups(k=3)` prints.
    #[test]
    fn groups_are_torchvisions() {
        let bounds = group_bounds(3);
        let expected = [0.5, 0.62996052, 0.79370053, 1.0, 1.25992105, 1.58740105, 2.0];
        assert_eq!(bounds.len(), expected.len());
        for (found, expected) in bounds.iter().zip(expected) {
            // Printed with eight decimals.
            assert!((found - expected).abs() < 1e-8, "{bounds:?}");
        }
    }

    #[test]
    fn every_image_comes_once_and_full_batches_are_alike() {
        let widths = [40, 60, 70, 90, 110, 130, 180, 300];
        let images = (0..103).map(|id| image(id, widths[id as usize % 8], &[1])).collect();
        let config = BatchOrderConfig { batch_size: 4, ..BatchOrderConfig::default() };
        let data = dataset(images);
        let batches = order(&data, &config, 0);
        let mut all = batches.concat();
        all.sort_unstable();
        assert_eq!(all, (0..103).collect::<Vec<_>>());
        assert_eq!(batches.iter().filter(|batch| batch.len() < 4).count(), 1);
        assert_eq!(batches.last().unwrap().len(), 3);
        let mixed = |batch: &Vec<usize>| batch.iter().any(|index| index % 8 != batch[0] % 8);
        // Each of the 8 groups leaves at most 3: less than 6 batches.
        assert!(batches.iter().filter(|batch| mixed(batch)).count() <= 6);
        assert_eq!(batches, order(&data, &config, 0));
        assert_ne!(batches, order(&data, &config, 1));
    }

    #[test]
    fn without_shuffling_and_groups_images_come_as_they_lie() {
        let data = dataset((0..5).map(|id| image(id, 20 + 40 * id as usize, &[])).collect());
        let config = BatchOrderConfig {
            shuffle: false,
            aspect_ratio_groups: 0,
            ..BatchOrderConfig::default()
        };
        assert_eq!(order(&data, &config, 0), [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(order(&dataset(Vec::new()), &config, 0).is_empty());
    }

    #[test]
    fn images_without_objects_take_part_unless_asked_not_to() {
        let mut images: Vec<ImageRecord> =
            (0..6).map(|id| image(id, 100, &[1][..id as usize % 2])).collect();
        images[1].objects[0].crowd = true;
        images[0].stated_size = None;
        let data = dataset(images);
        let config = BatchOrderConfig::default();
        assert_eq!(order(&data, &config, 0).concat().len(), 6);
        let mut left = order(&data, &BatchOrderConfig { keep_empty: false, ..config }, 0).concat();
        left.sort_unstable();
        assert_eq!(left, [3, 5]);
    }

    #[test]
    fn rare_classes_come_more_often() {
        // Class 2 is in 1 of 100 images: the square root of 0.09 / 0.01 is 3. Class 3 is in 4: 1.5.
        let classes = |id| match id {
            0 => &[1, 2][..],
            1..5 => &[1, 3],
            _ => &[1],
        };
        let data = dataset((0..100).map(|id| image(id, 100, classes(id))).collect());
        let config =
            BatchOrderConfig { repeat_threshold: Some(0.09), ..BatchOrderConfig::default() };
        let mut times = [0; 100];
        for epoch in 0..400 {
            order(&data, &config, epoch).concat().into_iter().for_each(|index| times[index] += 1);
        }
        assert_eq!(times[0], 3 * 400);
        assert!(times[5..].iter().all(|&times| times == 400));
        for &times in &times[1..5] {
            // Half of 400 epochs have one more: the deviation is 10, four of them.
            assert!((560..=640).contains(&times), "{times}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let refused =
            |config| BatchOrder::new(&dataset(Vec::new()), &config).unwrap_err().to_string();
        let config = BatchOrderConfig { batch_size: 0, ..BatchOrderConfig::default() };
        assert_eq!(refused(config), "loader batch_size: found 0, expected at least 1");
        for threshold in [0.0, 1.5, f64::NAN] {
            let repeat_threshold = Some(threshold);
            let config = BatchOrderConfig { repeat_threshold, ..BatchOrderConfig::default() };
            assert!(refused(config).contains("repeat_threshold"), "{threshold}");
        }
    }
}
