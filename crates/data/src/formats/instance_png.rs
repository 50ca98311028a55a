//! Instance PNGs: beside each picture a PNG whose pixel values number the instances, 0 for none.
//!
//! Source: the Penn-Fudan pedestrian set (Wang, Shi, Song, Shen, "Object Detection Combining
//! Recognition and Segmentation", ACCV 2007) and its readme. Read are `PNGImages/a.*` with
//! `PedMasks/a_mask.png`, and `images/a.*` with `masks/a.png` or `masks/a_mask.png`. How samples
//! become numbers is told in [`super::index_png`].
//!
//! There is one class. Penn-Fudan's is `pedestrian`; elsewhere it is what the texts in `Annotation/`
//! call the objects, else `object`. Where such a text states a box, that is the object's box, and
//! the mask is its outline; else the box is the one around the mask.
//!
//! Difference from torchvision's tutorial on this set: it takes the boxes from the masks and never
//! reads the texts.

mod boxes;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod tests;

use super::FormatError;
use super::assemble::{box_around, number_from_one};
use super::index_png::{IndexPicture, IndexPngError};
use super::locate::stem;
use super::split_folders::{files, name, split_folders};
use crate::dataset::{
    Category, CategoryId, Dataset, Finding, FindingKind, ImageRecord, Object, Outline, Place, Split,
};
use crate::inputs::PICTURE_EXTENSIONS;
use boxes::{StatedBox, StatedBoxes};
use kestrel_core::{ImageSize, Mask};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders of pictures and of their masks.
const FOLDERS: [(&str, &str); 2] = [("PNGImages", PENN_FUDAN_MASKS), ("images", "masks")];
const PENN_FUDAN_MASKS: &str = "PedMasks";
/// What Penn-Fudan's texts call their objects' source.
const PENN_FUDAN_LABEL: &str = "PennFudanPed";
const TEXTS: &str = "Annotation";
const MASK_SUFFIX: &str = "_mask";
const CLASS: CategoryId = CategoryId(1);

/// Whether `root`, or a split in it, has pictures and masks of the same names.
pub(super) fn recognises(root: &Path) -> bool {
    !split_folders(root, is_set).is_empty()
}

/// Reads the masks and texts of all splits.
///
/// # Errors
/// When there is no such set, or a folder cannot be listed.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let folders = split_folders(root, is_set);
    let sets: Vec<Folders> = folders.iter().filter_map(|it| Folders::of(&it.path)).collect();
    let files = sets.iter().map(image_files).collect::<Result<Vec<_>, _>>()?;
    if files.is_empty() {
        let found = "no folder of masks beside one of pictures with the same names".into();
        return Err(FormatError::Unknown { path: root.into(), found });
    }
    let read: Vec<Vec<ReadImage>> =
        files.iter().map(|files| files.par_iter().map(ReadImage::of).collect()).collect();
    let label = read.iter().flatten().find_map(|image| image.label.as_deref());
    let class = class_name(&sets, label);
    let splits = folders.iter().zip(read);
    Ok(splits.map(|(folder, images)| split(&folder.name, images, &class)).collect())
}

fn is_set(folder: &Path) -> bool {
    let files = Folders::of(folder).and_then(|folders| image_files(&folders).ok());
    files.is_some_and(|files| files.iter().any(|it| it.picture.is_file() && it.mask.is_some()))
}

fn class_name(sets: &[Folders], label: Option<&str>) -> String {
    match label {
        Some(label) if label != PENN_FUDAN_LABEL => label.into(),
        Some(_) => "pedestrian".into(),
        None if sets.iter().any(|set| name(&set.masks) == PENN_FUDAN_MASKS) => "pedestrian".into(),
        None => "object".into(),
    }
}

/// Where the parts of a set lie.
struct Folders {
    pictures: PathBuf,
    masks: PathBuf,
    texts: PathBuf,
}

impl Folders {
    fn of(folder: &Path) -> Option<Self> {
        let is_there = |(pictures, masks): &&(&str, &str)| {
            folder.join(pictures).is_dir() && folder.join(masks).is_dir()
        };
        let (pictures, masks) = FOLDERS.iter().find(is_there)?;
        let texts = folder.join(TEXTS);
        Some(Self { pictures: folder.join(pictures), masks: folder.join(masks), texts })
    }
}

/// The files that speak of one image.
struct ImageFiles {
    /// Where there is only a mask, the picture that should be there.
    picture: PathBuf,
    mask: Option<PathBuf>,
    text: Option<PathBuf>,
}

/// By name of the picture.
fn image_files(folders: &Folders) -> Result<Vec<ImageFiles>, FormatError> {
    let pictures = files(&folders.pictures, PICTURE_EXTENSIONS)?;
    let stems: BTreeSet<String> = pictures.iter().map(|path| stem(path)).collect();
    let mut masks: BTreeMap<String, PathBuf> = BTreeMap::new();
    for mask in files(&folders.masks, &["png"])? {
        let full = stem(&mask);
        let short = full.strip_suffix(MASK_SUFFIX).unwrap_or(&full);
        // A picture may itself be called `..._mask`.
        let key = if stems.contains(&full) { &full } else { short };
        masks.entry(key.to_owned()).or_insert(mask);
    }
    let mut found = Vec::new();
    for picture in pictures {
        let (mask, text) = (masks.remove(&stem(&picture)), text_of(folders, &stem(&picture)));
        found.push(ImageFiles { picture, mask, text });
    }
    for (stem, mask) in masks {
        let (picture, text) =
            (folders.pictures.join(format!("{stem}.png")), text_of(folders, &stem));
        found.push(ImageFiles { picture, mask: Some(mask), text });
    }
    found.sort_by(|a, b| a.picture.cmp(&b.picture));
    Ok(found)
}

fn text_of(folders: &Folders, stem: &str) -> Option<PathBuf> {
    let text = folders.texts.join(format!("{stem}.txt"));
    text.is_file().then_some(text)
}

/// An image before it has a number.
struct ReadImage {
    record: ImageRecord,
    /// What its text calls the objects.
    label: Option<String>,
    findings: Vec<Finding>,
}

impl ReadImage {
    fn of(files: &ImageFiles) -> Self {
        let mut findings = Vec::new();
        let mut stated = files.text.as_deref().map(StatedBoxes::read).unwrap_or_default();
        findings.append(&mut stated.findings);
        let masks = match &files.mask {
            Some(mask) => match InstanceMasks::read(mask) {
                Ok(masks) => Some(masks),
                Err(error) => {
                    findings.push(finding(FindingKind::InvalidMask, mask, error.to_string()));
                    None
                }
            },
            None => {
                let detail = "found no mask of this name, expected one for each picture".into();
                findings.push(finding(FindingKind::MalformedAnnotation, &files.picture, detail));
                None
            }
        };
        let stated_size = masks.as_ref().map(|masks| masks.size);
        let place = Place::file(files.mask.as_ref().unwrap_or(&files.picture));
        let objects = objects(masks, &stated, files, &mut findings);
        let (name, path) = (name(&files.picture), files.picture.clone());
        let record = ImageRecord { id: 0, name, path, stated_size, objects, place };
        Self { record, label: stated.label, findings }
    }
}

/// The masks of one PNG by the number of their instance.
struct InstanceMasks {
    size: ImageSize,
    by_number: BTreeMap<u32, Mask>,
}

impl InstanceMasks {
    fn read(path: &Path) -> Result<Self, IndexPngError> {
        let picture = IndexPicture::read(path)?;
        Ok(Self { size: picture.size, by_number: picture.instances()? })
    }
}

/// One object for each number that the mask or the text knows.
fn objects(
    masks: Option<InstanceMasks>,
    stated: &StatedBoxes,
    files: &ImageFiles,
    findings: &mut Vec<Finding>,
) -> Vec<Object> {
    let is_drawn = masks.is_some();
    let mut by_number = masks.map(|masks| masks.by_number).unwrap_or_default();
    let numbers: BTreeSet<u32> = by_number.keys().chain(stated.boxes.keys()).copied().collect();
    let mut objects = Vec::new();
    for number in numbers {
        let (mask, stated) = (by_number.remove(&number), stated.boxes.get(&number));
        let place = place_of(number, stated, files);
        if is_drawn && mask.is_none() {
            let detail = format!("object {number} has a box and no pixel in the mask");
            findings.push(Finding { kind: FindingKind::EmptyMask, place: place.clone(), detail });
        }
        objects.push(object(mask, stated, place));
    }
    objects
}

/// The line of the text where there is one, else the value in the mask.
fn place_of(number: u32, stated: Option<&StatedBox>, files: &ImageFiles) -> Place {
    let file = match stated {
        Some(_) => files.text.as_ref(),
        None => files.mask.as_ref(),
    };
    let file = file.unwrap_or(&files.picture).clone();
    Place { file, line: stated.map(|it| it.line), annotation: Some(u64::from(number)) }
}

fn object(mask: Option<Mask>, stated: Option<&StatedBox>, place: Place) -> Object {
    let bbox = stated.map(|it| it.bbox).or_else(|| mask.as_ref().and_then(box_around));
    Object {
        id: 0,
        category: CLASS,
        // Each number has a mask or a box.
        bbox: bbox.unwrap_or_default(),
        outline: mask.map(Outline::Mask),
        area: None,
        crowd: false,
        difficult: false,
        place,
    }
}

fn finding(kind: FindingKind, file: &Path, detail: String) -> Finding {
    Finding { kind, place: Place::file(file), detail }
}

fn split(name: &str, images: Vec<ReadImage>, class: &str) -> Split {
    let categories = vec![Category { id: CLASS, name: class.into(), supercategory: None }];
    let mut dataset = Dataset { categories, images: Vec::new() };
    let mut findings = Vec::new();
    for image in images {
        dataset.images.push(image.record);
        findings.extend(image.findings);
    }
    number_from_one(&mut dataset);
    Split { name: name.into(), dataset, findings }
}
