//! Crops of a detection set: a class folder of pictures for a classifier to be trained on, so that a
//! backbone can be pretrained without other data.
//!
//! Each object gives a square part of its picture, whose side is the longer one of its box and some
//! margin; where the picture ends, the part moves inwards, and where it does not fit, it is as large as
//! the picture. Parts that touch no object may be added as a class of their own, without which a set of
//! one class would teach nothing. Pictures are written as PNG in class folders, which
//! [`crate::read_collection`] reads: a classifier then sees each file as often as it likes, while a
//! street scene of thirty people would have to be decoded for each of them.
//!
//! Equal sets, settings and seeds give equal files, for any number of threads.

mod error;
mod output;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod windows;

pub use error::CropsError;

use crate::file_names::FileNames;
use crate::{Chance, Collection, DecodeLimits, Split, decode, split_file_names, write_picture};
use kestrel_core::{ImageSize, Label};
use output::Output;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use windows::{Crop, Crops};

/// What the class of parts without objects is called.
const BACKGROUND: &str = "background";

/// Which parts of the pictures are cut out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CropsConfig {
    /// Margin on each side, over the longer side of the box; 0 to 10. The default is 0.15.
    pub margin: f64,
    /// Objects whose longer side is shorter, in pixels, are left out. The default is 8.
    pub min_side_px: f64,
    /// Larger parts are shrunk to this side, in pixels. The default is 128, twice the input of the
    /// classifier they are meant for.
    pub max_side_px: usize,
    /// Parts without objects, for each object; 0 for none, up to 100. By default there are as many as
    /// objects of a class on average.
    pub background_ratio: Option<f64>,
    /// Where they lie. The default is 0.
    pub seed: u64,
}

impl Default for CropsConfig {
    fn default() -> Self {
        Self { margin: 0.15, min_side_px: 8.0, max_side_px: 128, background_ratio: None, seed: 0 }
    }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CropsSummary {
    /// Number of pictures of each class in each split, in the order of the collection.
    pub splits: Vec<(String, BTreeMap<String, usize>)>,
    /// Objects below the least side.
    pub num_too_small: usize,
    /// Pictures that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Cuts all objects out of all pictures and writes them into class folders in `folder`, which appears
/// when it is complete. `progress` is told how many pictures are done, from several threads.
///
/// # Errors
/// When `folder` holds something already, a setting makes no sense, no object is left, or a file
/// cannot be written. A picture that cannot be read is in the summary.
pub fn write_crops(
    collection: &Collection,
    folder: &Path,
    config: &CropsConfig,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<CropsSummary, CropsError> {
    config.validate()?;
    let output = Output::at(folder)?;
    let writer = Writer { config, folders: ClassFolders::of(collection), progress, done: 0.into() };
    let summary = writer.write_all(collection, output.path())?;
    if summary.splits.iter().all(|(_, counts)| counts.is_empty()) {
        return Err(CropsError::NoObjects { path: collection.root.clone() });
    }
    output.appear()?;
    Ok(summary)
}

/// The class that each folder of [`write_crops`] stands for: a file system does not take every name. The
/// folder of parts without objects is not among them.
pub fn classes_of_crops(collection: &Collection) -> BTreeMap<String, String> {
    let ClassFolders { by_class, .. } = ClassFolders::of(collection);
    by_class.into_iter().map(|(class, folder)| (folder, class)).collect()
}

struct Writer<'a> {
    config: &'a CropsConfig,
    folders: ClassFolders,
    progress: &'a (dyn Fn(usize) + Sync),
    done: AtomicUsize,
}

/// Of one picture.
type Written = Result<(Crops, Vec<String>), (PathBuf, String)>;

impl Writer<'_> {
    fn write_all(&self, collection: &Collection, root: &Path) -> Result<CropsSummary, CropsError> {
        let mut summary = CropsSummary::default();
        let is_alone = collection.splits.len() == 1;
        let names = split_file_names(&collection.splits);
        for ((number, split), name) in (0..).zip(&collection.splits).zip(&names) {
            let is_whole = is_alone && split.name == "all";
            let name = if is_whole { "" } else { name.as_str() };
            let mut counts = BTreeMap::new();
            for written in self.write_split(number, split, &root.join(name))? {
                match written {
                    Ok((crops, classes)) => {
                        summary.num_too_small += crops.num_too_small;
                        for class in classes {
                            *counts.entry(class).or_insert(0) += 1;
                        }
                    }
                    Err(unreadable) => summary.unreadable.push(unreadable),
                }
            }
            summary.splits.push((split.name.clone(), counts));
        }
        Ok(summary)
    }

    fn write_split(
        &self,
        number: u64,
        split: &Split,
        folder: &Path,
    ) -> Result<Vec<Written>, CropsError> {
        let write = |index: usize| {
            let chance = Chance::of_sample(self.config.seed, number, index as u64, 0);
            let written = self.write_picture(split, index, folder, chance);
            (self.progress)(self.done.fetch_add(1, Ordering::Relaxed) + 1);
            written
        };
        (0..split.dataset.images.len()).into_par_iter().map(write).collect()
    }

    fn write_picture(
        &self,
        split: &Split,
        index: usize,
        folder: &Path,
        mut chance: Chance,
    ) -> Result<Written, CropsError> {
        let record = &split.dataset.images[index];
        let picture = match decode(&record.path, &DecodeLimits::default()) {
            Ok(picture) => picture,
            Err(error) => return Ok(Err((record.path.clone(), error.to_string()))),
        };
        let target = split.dataset.target(record, picture.size(), false)?;
        let ratio = self.config.background_ratio.unwrap_or(1.0 / self.folders.num_classes());
        let crops = Crops::of(record, &target, picture.size(), self.config, ratio, &mut chance);
        let stem = record.path.file_stem().unwrap_or_default().to_string_lossy();
        let mut classes = Vec::new();
        for (number, Crop { label, window }) in crops.crops.iter().enumerate() {
            let (folder_name, class) = self.folders.of_label(split, *label);
            let folder = folder.join(folder_name);
            fs::create_dir_all(&folder).map_err(|source| CropsError::io(&folder, source))?;
            let path = folder.join(format!("{stem}_{index}_{number}.png"));
            let to = self.config.size_of(window.size);
            write_picture(&path, &window.of_picture(&picture, to))?;
            classes.push(class);
        }
        Ok(Ok((crops, classes)))
    }
}

/// What the folder of each class is called.
struct ClassFolders {
    by_class: BTreeMap<String, String>,
    background: String,
}

impl ClassFolders {
    fn of(collection: &Collection) -> Self {
        let categories = collection.splits.iter().flat_map(|split| &split.dataset.categories);
        let classes: BTreeSet<&str> = categories.map(|category| category.name.as_str()).collect();
        let mut names = FileNames::default();
        let mut free = |class: &str| names.free(class);
        let by_class = classes.into_iter().map(|class| (class.to_owned(), free(class))).collect();
        Self { by_class, background: free(BACKGROUND) }
    }

    /// At least 1.
    fn num_classes(&self) -> f64 {
        self.by_class.len().max(1) as f64
    }

    /// Folder and class of a label of a split.
    fn of_label(&self, split: &Split, label: Label) -> (&str, String) {
        if label == Label::BACKGROUND {
            return (&self.background, self.background.clone());
        }
        let class = split.dataset.label_names().name(label).to_owned();
        (self.by_class.get(&class).map_or(BACKGROUND, String::as_str), class)
    }
}

impl CropsConfig {
    fn validate(&self) -> Result<(), CropsError> {
        let bad = |field, found, expected| Err(CropsError::Setting { field, found, expected });
        if !(0.0..=10.0).contains(&self.margin) {
            return bad("margin", self.margin, "0 to 10");
        }
        if !(self.min_side_px >= 1.0 && self.min_side_px.is_finite()) {
            return bad("min_side_px", self.min_side_px, "at least 1");
        }
        if !(8..=8192).contains(&self.max_side_px) {
            return bad("max_side_px", self.max_side_px as f64, "8 to 8192");
        }
        match self.background_ratio {
            Some(ratio) if !(0.0..=100.0).contains(&ratio) => {
                bad("background_ratio", ratio, "0 to 100")
            }
            _ => Ok(()),
        }
    }

    /// The size a part is shrunk to.
    fn size_of(&self, part: ImageSize) -> ImageSize {
        let longer = part.height.max(part.width);
        if longer <= self.max_side_px {
            return part;
        }
        let side = |side: usize| {
            ((side as f64 * self.max_side_px as f64 / longer as f64).round() as usize).max(1)
        };
        ImageSize::new(side(part.height), side(part.width))
    }
}
