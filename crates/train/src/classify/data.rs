//! What a classifier learns from: class folders, or crops of a detection set.

use super::ClassifyConfig;
use crate::config::TrainConfig;
use crate::data::{DataConfig, TrainingData};
use crate::error::TrainError;
use kestrel_data::{
    Augmentation, Collection, CropsSummary, Dataset, Format, ImageRecord, ObjectBox, Split,
    classes_of_crops, read_collection, write_crops,
};
use kestrel_resnet::InputConfig;
use std::path::Path;

/// The folder of a run that holds the crops it learns from.
pub const CROPS: &str = "crops";

/// Pictures of one class each, in two data sets that agree about classes.
#[derive(Clone, Debug)]
pub struct ClassificationData {
    /// To learn from.
    pub train: Dataset,
    /// To be scored on.
    pub val: Option<Dataset>,
    /// What the two are called, for people.
    pub names: String,
    /// What was cut out, where the data was a detection set and this is the run that did it.
    pub crops: Option<CropsSummary>,
    /// Pictures left out since no size can be read of them.
    pub num_left_out: usize,
}

impl ClassificationData {
    /// Reads a folder of class folders; of any other data set the objects are cut out into `crops/` of
    /// the run's folder, once; a run that goes on (`goes_on`) has them already. `progress` is told how many
    /// pictures that is done with.
    ///
    /// # Errors
    /// When there is no data set, no such split, no picture, or fewer than two classes, or a new run finds
    /// crops in its folder.
    pub fn open(
        config: &TrainConfig,
        folder: &Path,
        goes_on: bool,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, TrainError> {
        let path = config.data.path.as_deref().ok_or(TrainError::NoData)?;
        let collection = read_collection(path)?;
        let place = collection.root.display().to_string();
        let is_whole = shows_whole_pictures(&collection);
        let data = TrainingData::of(collection, &config.data, config.seed)?;
        if is_whole {
            return Self::of(data, None).checked(&place);
        }
        let (names, folder) = (data.names.clone(), folder.join(CROPS));
        let found = collection_of(data, path);
        // It was renamed to its place when it was complete.
        let summary = match folder.is_dir() {
            true if goes_on => None,
            true => return Err(TrainError::CropsThere { place: folder }),
            false => {
                let summary = write_crops(&found, &folder, &config.classify.crops, progress)?;
                require_two_classes(&summary, &folder, &place)?;
                Some(summary)
            }
        };
        let crops = read_collection(&folder)?;
        let parts = parts_of(&crops);
        let mut crops = TrainingData::of(crops, &parts, config.seed)?;
        let class_of = classes_of_crops(&found);
        for category in std::iter::once(&mut crops.train)
            .chain(&mut crops.val)
            .flat_map(|dataset| &mut dataset.categories)
        {
            if let Some(class) = class_of.get(&category.name) {
                category.name.clone_from(class);
            }
        }
        Self::of(TrainingData { names, ..crops }, summary).checked(&place)
    }

    /// Refuses what [`Self::open`] would, as far as that shows before anything is cut out.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn check(config: &DataConfig, seed: u64) -> Result<(), TrainError> {
        let collection = read_collection(config.path.as_deref().ok_or(TrainError::NoData)?)?;
        let place = collection.root.display().to_string();
        let is_whole = shows_whole_pictures(&collection);
        let data = TrainingData::of(collection, config, seed)?;
        // Beside what is cut out of a detection set there is the background.
        if is_whole {
            Self::of(data, None).checked(&place)?;
        }
        Ok(())
    }

    fn of(data: TrainingData, crops: Option<CropsSummary>) -> Self {
        let TrainingData { mut train, mut val, names, num_findings } = data;
        let mut num_left_out = num_findings;
        for dataset in std::iter::once(&mut train).chain(&mut val) {
            let before = dataset.images.len();
            dataset.images.retain(|image| !image.objects.is_empty());
            num_left_out += before - dataset.images.len();
        }
        Self { train, val: val.filter(|val| !val.images.is_empty()), names, crops, num_left_out }
    }

    fn checked(self, place: &str) -> Result<Self, TrainError> {
        if self.train.images.is_empty() {
            return Err(TrainError::NoImages { place: place.to_owned() });
        }
        match self.train.categories.as_slice() {
            [only] => {
                Err(TrainError::OneClass { place: place.to_owned(), name: only.name.clone() })
            }
            _ => Ok(self),
        }
    }

    /// Class names in the order of the logits.
    pub fn classes(&self) -> Vec<String> {
        self.train.label_names().names().iter().skip(1).cloned().collect()
    }

    /// What the network sees of a picture.
    pub fn input(&self, config: &TrainConfig) -> InputConfig {
        let side = config.classify.input_side.unwrap_or_else(|| self.usual_side());
        let resize = &config.model.architecture.resize;
        InputConfig { mean: resize.mean, std: resize.std, ..InputConfig::square(side) }
    }

    /// Writes the side that the data decides into the config, so that a run taken up again has the
    /// same, and gives it to random crops; true where it was the data's to decide.
    pub fn settle(&self, config: &mut TrainConfig) -> bool {
        let was_open = config.classify.input_side.is_none();
        let side = config.classify.input_side.unwrap_or_else(|| self.usual_side());
        config.classify.input_side = Some(side);
        for stage in &mut config.loader.augment {
            if let Augmentation::RandomResizedCrop(crop) = stage {
                crop.side = side;
            }
        }
        was_open
    }

    /// By the middle one of the short sides of the pictures to learn from.
    fn usual_side(&self) -> usize {
        let sizes = self.train.images.iter().filter_map(|image| image.stated_size);
        let mut short: Vec<usize> = sizes.map(|size| size.height.min(size.width)).collect();
        short.sort_unstable();
        ClassifyConfig::usual_side(short.get(short.len() / 2).copied().unwrap_or(0))
    }
}

impl ClassifyConfig {
    /// The input for pictures of this short side. Less than 64 leaves the last stage a single position,
    /// and twice the side takes four times as long, so that random parts are shrunk by up to a half.
    fn usual_side(short_side: usize) -> usize {
        match short_side {
            0..=128 => 64,
            129..=256 => 128,
            _ => 224,
        }
    }
}

/// Whether each picture has one object, which is all of it: class folders, and what was split or
/// converted of them.
fn shows_whole_pictures(collection: &Collection) -> bool {
    if collection.format == Format::ClassFolders {
        return true;
    }
    let is_whole = |image: &ImageRecord| match (image.objects.as_slice(), image.stated_size) {
        ([object], Some(size)) => {
            let (right, bottom) = (size.width as f64, size.height as f64);
            object.bbox == ObjectBox::from_corners(0.0, 0.0, right, bottom)
        }
        _ => false,
    };
    let mut images = collection.splits.iter().flat_map(|split| &split.dataset.images).peekable();
    images.peek().is_some() && images.all(is_whole)
}

/// Crops of a single class are no class folders; they are removed.
fn require_two_classes(
    summary: &CropsSummary,
    folder: &Path,
    place: &str,
) -> Result<(), TrainError> {
    let mut classes = summary.splits.iter().flat_map(|(_, counts)| counts.keys());
    let Some(first) = classes.next() else { return Ok(()) };
    if classes.any(|class| class != first) {
        return Ok(());
    }
    std::fs::remove_dir_all(folder).map_err(TrainError::file(folder))?;
    Err(TrainError::OneClass { place: place.to_owned(), name: first.clone() })
}

/// The two parts as splits of one collection.
fn collection_of(data: TrainingData, root: &Path) -> Collection {
    let split = |name: &str, dataset| Split { name: name.into(), dataset, findings: Vec::new() };
    let mut splits = vec![split("train", data.train)];
    splits.extend(data.val.map(|val| split("val", val)));
    Collection { format: Format::ClassFolders, root: root.into(), splits }
}

/// Images were held back before anything was cut out of them, or none were.
fn parts_of(crops: &Collection) -> DataConfig {
    let is_scored = crops.splits.iter().any(|split| split.name == "val");
    DataConfig { val_share: (!is_scored).then_some(0.0), ..DataConfig::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_have_small_inputs() {
        assert_eq!(
            [0, 32, 128, 129, 256, 257, 4000].map(ClassifyConfig::usual_side),
            [64, 64, 64, 128, 128, 224, 224]
        );
    }
}
