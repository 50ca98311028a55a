//! Class folders: a folder a class, and in it, however deep, the pictures that show it.
//!
//! Source: torchvision's `ImageFolder` (`torchvision/datasets/folder.py`) and the layout of ImageNet:
//! `dog/a.jpg`, or `train/dog/a.jpg` beside `val/dog/b.jpg`. A picture becomes a record with one object
//! whose box is all of it, so that checking, splitting, converting and loading know it as any other.
//!
//! Classes are numbered from 1 in the order of their names, which is torchvision's from 0, and are the
//! same in all splits. Folders whose names are those of other formats' parts (`images`, `masks`,
//! `annotations`) are no classes. Difference from torchvision: a class may have no picture in a split.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::FormatError;
use super::assemble::number_from_one;
use super::locate::{SplitName, entries, pictures, with_slashes};
use super::split_folders::{SplitFolder, WHOLE, name, split_folders};
use crate::dataset::{Category, CategoryId, Dataset, ImageRecord, Object, ObjectBox, Place, Split};
use crate::inputs::pictures_below;
use crate::{DecodeLimits, InputError, probe};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What other formats call the folders of their parts, in lower case.
const PARTS: [&str; 15] = [
    "annotation",
    "annotations",
    "frames",
    "image",
    "images",
    "imagesets",
    "img",
    "imgs",
    "jpegimages",
    "labels",
    "masks",
    "pedmasks",
    "pngimages",
    "segmentationclass",
    "segmentationobject",
];

/// Whether the pictures below `root` lie in the folders of at least two classes.
pub(super) fn recognises(root: &Path) -> bool {
    let folders = sets(root);
    let classes = folders.iter().flat_map(|set| class_folders(&set.path));
    classes.map(|class| name(&class)).collect::<BTreeSet<_>>().len() > 1
}

/// What to say of a `root` whose pictures all lie in the folder of one class. It is no set of them: a
/// folder around pictures may be anything.
pub(super) fn lone_class(root: &Path) -> Option<String> {
    let folders = sets(root);
    let classes = folders.iter().flat_map(|set| class_folders(&set.path));
    let names: BTreeSet<String> = classes.map(|class| name(&class)).collect();
    let name = names.first().filter(|_| names.len() == 1)?;
    Some(format!(
        "one folder of pictures, `{name}`, and class folders are known by two or more: add that of \
         another class, or write a dataset .yaml with `format: class-folders`"
    ))
}

/// Reads the pictures of all splits.
///
/// # Errors
/// When there is no folder with pictures in `root`, or a folder cannot be listed.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let folders = sets(root);
    if folders.is_empty() {
        let found = "no folders of pictures, one a class".into();
        return Err(FormatError::Unknown { path: root.into(), found });
    }
    let names: BTreeSet<String> =
        folders.iter().flat_map(|set| class_folders(&set.path)).map(|path| name(&path)).collect();
    let category = |(id, name)| Category { id: CategoryId(id), name, supercategory: None };
    let categories: Vec<Category> = (1..).zip(names).map(category).collect();
    folders.iter().map(|set| read_split(set, &categories)).collect()
}

/// The folders that are splits, else `root` itself: a class may be called `train`, but then no folder
/// in it is a class.
fn sets(root: &Path) -> Vec<SplitFolder> {
    let splits = split_folders(root, |folder| folder != root && is_set(folder));
    if !splits.is_empty() || !is_set(root) {
        return splits;
    }
    vec![SplitFolder { name: WHOLE.into(), path: root.into() }]
}

/// Whether the pictures of `folder` lie in folders of their own, not all of them called like splits.
fn is_set(folder: &Path) -> bool {
    let classes = class_folders(folder);
    let is_split = |class: &PathBuf| SplitName::from_word(&name(class)).is_some();
    !classes.iter().all(is_split) && pictures(folder).is_empty()
}

/// The folders in `set` that hold a picture.
fn class_folders(set: &Path) -> Vec<PathBuf> {
    let mut folders = entries(set).1;
    folders.retain(|class| {
        !PARTS.contains(&name(class).to_lowercase().as_str()) && holds_picture(class, MAX_LEVELS)
    });
    folders
}

/// How deep below a class its first picture is looked for.
const MAX_LEVELS: usize = 4;

fn holds_picture(folder: &Path, levels: usize) -> bool {
    let below = |folder: &PathBuf| holds_picture(folder, levels - 1);
    !pictures(folder).is_empty() || (levels > 0 && entries(folder).1.iter().any(below))
}

fn read_split(set: &SplitFolder, categories: &[Category]) -> Result<Split, FormatError> {
    let mut shown: Vec<(CategoryId, PathBuf)> = Vec::new();
    for Category { id, name, .. } in categories {
        let class = set.path.join(name);
        if class.is_dir() {
            let below = pictures_below(&class).map_err(|error| unlisted(&class, error))?;
            shown.extend(below.into_iter().map(|picture| (*id, picture)));
        }
    }
    let record = |(class, picture): &(CategoryId, PathBuf)| record(&set.path, picture, *class);
    let images = shown.par_iter().map(record).collect();
    let mut dataset = Dataset { categories: categories.to_vec(), images };
    number_from_one(&mut dataset);
    Ok(Split { name: set.name.clone(), dataset, findings: Vec::new() })
}

/// A picture with its one object, yet without numbers; without the object where its size cannot be
/// read, and so no box be stated.
fn record(set: &Path, picture: &Path, class: CategoryId) -> ImageRecord {
    let stated_size = probe(picture, &DecodeLimits::default()).ok();
    let object = stated_size.map(|size| Object {
        id: 0,
        category: class,
        bbox: ObjectBox::from_corners(0.0, 0.0, size.width as f64, size.height as f64),
        outline: None,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::file(picture),
    });
    ImageRecord {
        id: 0,
        name: with_slashes(picture.strip_prefix(set).unwrap_or(picture)),
        path: picture.into(),
        stated_size,
        objects: object.into_iter().collect(),
        place: Place::file(picture),
    }
}

fn unlisted(folder: &Path, error: InputError) -> FormatError {
    match error {
        InputError::Folder { path, source } => FormatError::Io { path, source },
        other => FormatError::io(folder, std::io::Error::other(other)),
    }
}
