//! What a run learns from and what it is scored on.

use crate::config::SettingError;
use crate::error::TrainError;
use kestrel_data::{
    Category, Collection, Dataset, Format, Object, SplitConfig, SplitFraction, read_collection,
    split_dataset,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Held back where there is no split to be scored on and nothing is said.
const USUAL_VAL_SHARE: f64 = 0.1;

/// What is learnt from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A folder, an annotation file, or a descriptor.
    pub path: Option<PathBuf>,
    /// The split to learn from; `train`, or the only one, when not given.
    pub train: Option<String>,
    /// The split to be scored on; `val`, then `test`, when not given, but not the one that is learnt
    /// from unless it is named here.
    pub val: Option<String>,
    /// This part of the images to learn from is held back to be scored on, whatever other splits
    /// there are; 0 for none, and then nothing is scored. Not given, a tenth is held back where there
    /// is no split to be scored on.
    pub val_share: Option<f64>,
    /// Which images are held back together, such as tiles of one picture: a regular expression as
    /// `kestrel data split --group` takes it.
    pub val_group: Option<String>,
    /// Whether masks are learnt.
    pub masks: MaskUse,
}

/// Whether masks are learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskUse {
    /// Where the model has a mask branch and the data has masks; without masks in the data the
    /// branch is left out.
    #[default]
    IfPresent,
    /// The data has to have them.
    Always,
    /// Boxes only.
    Never,
}

impl DataConfig {
    pub(crate) fn validate(&self) -> Result<(), SettingError> {
        match self.val_share {
            Some(_) if self.val.is_some() => {
                let expected = "null where `data.val` names a split";
                Err(SettingError::new("data.val_share", self.val_share, expected))
            }
            Some(share) if !(0.0..1.0).contains(&share) => {
                Err(SettingError::new("data.val_share", share, "from 0 to below 1, or null"))
            }
            _ => Ok(()),
        }
    }
}

/// Two data sets that agree about classes.
#[derive(Clone, Debug)]
pub struct TrainingData {
    /// To learn from.
    pub train: Dataset,
    /// To be scored on.
    pub val: Option<Dataset>,
    /// What the two are called, for people.
    pub names: String,
    /// Records that could not be used.
    pub num_findings: usize,
}

impl TrainingData {
    /// Objects that are learnt: all but crowds.
    pub fn num_learnt(&self) -> usize {
        self.learnt().count()
    }

    /// Those of them that say nothing about their masks.
    pub fn num_without_outline(&self) -> usize {
        self.learnt().filter(|object| object.outline.is_none()).count()
    }

    fn learnt(&self) -> impl Iterator<Item = &Object> {
        let objects = self.train.images.iter().flat_map(|image| &image.objects);
        objects.filter(|object| !object.crowd)
    }

    /// Reads a data set to detect in.
    ///
    /// # Errors
    /// When there is no data set, or one of whole pictures, no such split, no image to learn from, or no
    /// class.
    pub fn open(config: &DataConfig, seed: u64) -> Result<Self, TrainError> {
        let path = config.path.as_deref().ok_or(TrainError::NoData)?;
        let collection = read_collection(path)?;
        if collection.format == Format::ClassFolders {
            return Err(TrainError::NoBoxes { place: path.display().to_string() });
        }
        Self::of(collection, config, seed)
    }

    /// Chooses among the splits of a collection.
    ///
    /// # Errors
    /// As [`TrainingData::open`], but for whole pictures.
    pub fn of(collection: Collection, config: &DataConfig, seed: u64) -> Result<Self, TrainError> {
        let place = collection.root.display().to_string();
        let num_findings = collection.splits.iter().map(|split| split.findings.len()).sum();
        let splits: BTreeMap<String, Dataset> =
            collection.splits.into_iter().map(|split| (split.name, split.dataset)).collect();
        let train_name = chosen("train", config.train.as_deref(), &["train"], &splits, &place)?
            .or_else(|| (splits.len() == 1).then(|| splits.keys().next().cloned()).flatten())
            .ok_or_else(|| TrainError::no_split("train", "train", &splits, &place))?;
        let named = |name: &str| splits.get(name).cloned().unwrap_or_default();
        let train = named(&train_name);
        let usual: Vec<&str> =
            ["val", "test"].into_iter().filter(|name| *name != train_name).collect();
        let val_name = match config.val_share {
            Some(_) => None,
            None => chosen("val", config.val.as_deref(), &usual, &splits, &place)?,
        };
        let data = match val_name {
            Some(name) => {
                let val = named(&name);
                let names = format!("`{train_name}` to learn from, `{name}` to be scored on");
                Self { train, val: Some(val), names, num_findings }.with_shared_classes()
            }
            None => Self::held_back(train, config, seed, num_findings)?,
        };
        data.checked(&place)
    }

    /// Holds back a part of the only split.
    fn held_back(
        whole: Dataset,
        config: &DataConfig,
        seed: u64,
        num_findings: usize,
    ) -> Result<Self, TrainError> {
        let share = config.val_share.unwrap_or(USUAL_VAL_SHARE);
        let num_held_back = (whole.images.len() as f64 * share).round() as usize;
        if num_held_back == 0 {
            let names = "all images to learn from, none to be scored on".to_owned();
            return Ok(Self { train: whole, val: None, names, num_findings });
        }
        let part = |name: &str, share| SplitFraction { name: name.to_owned(), share };
        let fractions = vec![part("train", 1.0 - share), part("val", share)];
        let parts = split_dataset(
            &whole,
            &SplitConfig { seed, fractions, group: config.val_group.clone() },
        )?;
        let mut parts = parts.into_iter().map(|(_, part)| part);
        let (train, val) = (parts.next().unwrap_or_default(), parts.next());
        let num_val = val.as_ref().map_or(0, |val| val.images.len());
        let names = format!("{num_val} of {} images held back to be scored on", whole.images.len());
        Ok(Self { train, val, names, num_findings })
    }

    /// Gives both sets the classes of both, by name, with the numbers of `train` where they differ.
    fn with_shared_classes(mut self) -> Self {
        let Some(val) = &mut self.val else { return self };
        let classes = &mut self.train.categories;
        let mut number_of = BTreeMap::new();
        for category in &val.categories {
            let known = classes.iter().find(|known| known.name == category.name);
            let free = classes.iter().map(|known| known.id.0 + 1).max().unwrap_or(1);
            let id = match known {
                Some(known) => known.id,
                None => {
                    let is_taken = classes.iter().any(|known| known.id == category.id);
                    let id = if is_taken { kestrel_data::CategoryId(free) } else { category.id };
                    classes.push(Category { id, ..category.clone() });
                    id
                }
            };
            number_of.insert(category.id, id);
        }
        classes.sort_by_key(|category| category.id);
        val.categories.clone_from(classes);
        for object in val.images.iter_mut().flat_map(|image| &mut image.objects) {
            // An undeclared class stays undeclared as long as its number means nothing else.
            object.category = *number_of.get(&object.category).unwrap_or(&object.category);
        }
        self
    }

    fn checked(self, place: &str) -> Result<Self, TrainError> {
        if self.train.images.is_empty() {
            return Err(TrainError::NoImages { place: place.to_owned() });
        }
        if self.train.categories.is_empty() {
            return Err(TrainError::NoClasses { place: place.to_owned() });
        }
        Ok(self)
    }
}

/// The split that `data.KEY` asks for, which has to be there, or the first usual one.
fn chosen(
    key: &'static str,
    asked: Option<&str>,
    usual: &[&str],
    splits: &BTreeMap<String, Dataset>,
    place: &str,
) -> Result<Option<String>, TrainError> {
    if let Some(name) = asked {
        return match splits.contains_key(name) {
            true => Ok(Some(name.to_owned())),
            false => Err(TrainError::no_split(key, name, splits, place)),
        };
    }
    Ok(usual.iter().find(|name| splits.contains_key(**name)).map(|name| (*name).to_owned()))
}
