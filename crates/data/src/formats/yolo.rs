//! YOLO: one text file an image, a line an object, coordinates relative to the picture.
//!
//! Source: the data set formats of Ultralytics (<https://docs.ultralytics.com/datasets/detect/> and
//! `/segment/`) and, for `obj.names` and labels beside the pictures, of Darknet. The label of
//! `images/val/a.jpg` is `labels/val/a.txt`, or else `a.txt` beside the picture;
//! where both are missing the picture has no objects. Coordinates are relative to the picture as a
//! viewer shows it, so that the sizes of all pictures are read.
//!
//! Class numbers begin at 0 and become the ids of the categories.
//!
//! Difference from Ultralytics: a file may hold boxes and polygons, each line being what its number
//! of values says, and a value outside 0 to 1 is no reason to leave an image out: only what must be
//! pixels is a finding, line by line.

use super::FormatError;
use super::locate::{SplitPlace, files_with, folder_of, read_text, stem};
use crate::inputs::pictures_below;
use crate::{
    Category, CategoryId, Dataset, DecodeLimits, Finding, FindingKind, ImageRecord, InputError,
    Object, Place, Split, probe,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

mod data_yaml;
mod label;
mod layout;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub(super) use layout::recognises;

/// What is to be read: the pictures of each split, and the classes as far as they have names.
struct Layout {
    parts: Vec<Part>,
    names: BTreeMap<u64, String>,
}

/// The pictures of a split.
struct Part {
    name: String,
    pictures: Vec<PathBuf>,
    /// The folder their names are relative to.
    root: PathBuf,
    /// Whether these are all pictures of their folders.
    is_whole: bool,
    findings: Vec<Finding>,
}

/// A picture and the lines of its label file.
struct Labelled {
    record: ImageRecord,
    findings: Vec<Finding>,
}

/// The splits of a folder, or of the `data.yaml` that `root` is.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let Layout { parts, names } = layout::find(root)?;
    Ok(named(parts.into_iter().map(Part::read).collect(), names))
}

/// The pictures of these folders and lists, and the classes that a file in `root` names.
pub(super) fn read_places(root: &Path, places: &[SplitPlace]) -> Result<Vec<Split>, FormatError> {
    let parts = places.iter().map(|place| Part::of_places(&place.name, &place.images));
    let splits = parts.map(|part| Ok(part?.read())).collect::<Result<_, FormatError>>()?;
    Ok(named(splits, layout::class_names(root)?))
}

/// Gives the classes names: `class 3` where none is known.
fn named(mut splits: Vec<Split>, mut names: BTreeMap<u64, String>) -> Vec<Split> {
    // A list of names is complete: what is not on it is a mistake, which a check reports.
    if names.is_empty() {
        let images = splits.iter().flat_map(|split| &split.dataset.images);
        let used: BTreeSet<u64> =
            images.flat_map(|image| &image.objects).map(|object| object.category.0).collect();
        names = used.into_iter().map(|id| (id, format!("class {id}"))).collect();
    }
    let category = |(id, name)| Category { id: CategoryId(id), name, supercategory: None };
    let categories: Vec<Category> = names.into_iter().map(category).collect();
    for split in &mut splits {
        split.dataset.categories.clone_from(&categories);
    }
    splits
}

impl Part {
    /// The pictures of folders, with their sub-folders, and of lists of paths.
    fn of_places(name: &str, places: &[PathBuf]) -> Result<Self, FormatError> {
        let root = places.iter().find(|place| place.is_dir()).cloned().unwrap_or_default();
        let is_whole = places.iter().all(|place| place.is_dir());
        let name = name.into();
        let mut part = Self { name, pictures: vec![], root, is_whole, findings: vec![] };
        for place in places {
            if place.is_dir() {
                part.pictures.extend(below(place)?);
            } else {
                part.add_list(place)?;
            }
        }
        let mut seen = BTreeSet::new();
        part.pictures.retain(|picture| seen.insert(picture.clone()));
        Ok(part)
    }

    /// A list of pictures, one a line, relative to the list or, as some are, to a folder above.
    fn add_list(&mut self, list: &Path) -> Result<(), FormatError> {
        let folder = folder_of(list);
        for (line, text) in (1..).zip(read_text(list)?.lines()) {
            let text = text.trim().replace('\\', "/");
            if text.is_empty() {
                continue;
            }
            let name = text.strip_prefix("./").unwrap_or(&text);
            let bases = folder.ancestors().take(3).map(|base| base.join(name));
            match bases.clone().find(|path| path.is_file()) {
                Some(path) => self.pictures.push(path),
                None => self.findings.push(Finding {
                    kind: FindingKind::MissingImage,
                    place: Place::line(list, line),
                    detail: format!("`{name}` is listed, expected a picture there"),
                }),
            }
        }
        Ok(())
    }

    fn read(self) -> Split {
        let Self { name, pictures, root, is_whole, mut findings } = self;
        let labelled: Vec<Labelled> =
            pictures.par_iter().map(|picture| Labelled::read(picture, &root)).collect();
        let (mut image_ids, mut object_ids) = (1.., 1..);
        let mut images = Vec::with_capacity(labelled.len());
        for Labelled { mut record, findings: found } in labelled {
            record.id = image_ids.next().unwrap_or_default();
            for object in &mut record.objects {
                object.id = object_ids.next().unwrap_or_default();
            }
            findings.extend(found);
            images.push(record);
        }
        if is_whole {
            findings.extend(labels_without_picture(&pictures));
        }
        Split { name, dataset: Dataset { categories: Vec::new(), images }, findings }
    }
}

impl Labelled {
    /// A picture and what its label file says, without ids yet.
    fn read(picture: &Path, root: &Path) -> Self {
        let label = label_of(picture);
        let name = picture.strip_prefix(root).unwrap_or(picture);
        let mut read = Self {
            record: ImageRecord {
                id: 0,
                name: super::locate::with_slashes(name),
                path: picture.into(),
                stated_size: None,
                objects: Vec::new(),
                place: Place::file(if label.is_file() { &label } else { picture }),
            },
            findings: Vec::new(),
        };
        let size = probe(picture, &DecodeLimits::default());
        read.record.stated_size = size.as_ref().ok().copied();
        if !label.is_file() {
            return read;
        }
        match (read_text(&label), size) {
            (Err(error), _) => read.add(error.into_finding()),
            (Ok(text), Ok(size)) => read.add_lines(&label, &text, size),
            (Ok(text), Err(error)) if !text.trim().is_empty() => read.add(Finding {
                kind: FindingKind::MalformedAnnotation,
                place: Place::line(&label, 1),
                detail: format!(
                    "its objects have no place without the size of the picture: {error}"
                ),
            }),
            (Ok(_), Err(_)) => {}
        }
        read
    }

    fn add_lines(&mut self, label: &Path, text: &str, size: kestrel_core::ImageSize) {
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let place = Place::line(label, line);
            match label::parse(text, size) {
                Ok(label::Line { class, bbox, outline }) => self.record.objects.push(Object {
                    id: 0,
                    category: CategoryId(class),
                    bbox,
                    outline,
                    area: None,
                    crowd: false,
                    difficult: false,
                    place,
                }),
                Err((kind, detail)) => self.add(Finding { kind, place, detail }),
            }
        }
    }

    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, FormatError> {
    pictures_below(folder).map_err(|error| match error {
        InputError::Folder { path, source } => FormatError::Io { path, source },
        other => FormatError::io(folder, std::io::Error::other(other)),
    })
}

/// `labels` for the last `images` of a path, and `.txt`; or the text beside the picture.
fn label_of(picture: &Path) -> PathBuf {
    let parts: Vec<Component> = picture.components().collect();
    let images = parts.iter().rposition(|part| part.as_os_str() == "images");
    let swapped = parts.iter().enumerate().map(|(index, part)| match images {
        Some(images) if images == index => "labels".as_ref(),
        _ => part.as_os_str(),
    });
    let swapped = swapped.collect::<PathBuf>().with_extension("txt");
    let beside = picture.with_extension("txt");
    if !swapped.is_file() && beside.is_file() { beside } else { swapped }
}

/// Label files in the folders of the pictures' labels that no picture has. A folder of both may hold
/// texts of other kinds.
fn labels_without_picture(pictures: &[PathBuf]) -> Vec<Finding> {
    let used: BTreeMap<PathBuf, &PathBuf> =
        pictures.iter().map(|picture| (label_of(picture), picture)).collect();
    let apart = used.iter().filter(|(label, picture)| label.parent() != picture.parent());
    let folders: BTreeSet<&Path> = apart.filter_map(|(label, _)| label.parent()).collect();
    let files = folders.into_iter().flat_map(|folder| files_with(folder, &["txt"]));
    let is_left = |file: &PathBuf| {
        !used.contains_key(file) && !layout::CLASS_FILES.contains(&stem(file).as_str())
    };
    let finding = |file: PathBuf| Finding {
        kind: FindingKind::MissingImage,
        detail: format!("found labels, expected a picture `{}` with them", stem(&file)),
        place: Place::file(file),
    };
    files.filter(is_left).map(finding).collect()
}
