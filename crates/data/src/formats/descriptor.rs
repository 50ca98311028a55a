//! A dataset descriptor: YAML that says where a data set lies and what it is, for sets whose folder
//! alone does not tell, and to keep that knowledge in one place. `datasets/README.md` explains it.

use super::locate::{SplitPlace, folder_of, has_extension, read_text, read_yaml};
use super::{FormatError, coco, counted, in_order, read, voc, yolo};
use crate::{Category, CategoryId, Collection, Dataset, Format, Split};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the file holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Descriptor {
    /// What people call the set.
    #[allow(dead_code, reason = "for readers of the file")]
    name: String,
    #[serde(with = "FormatName")]
    format: Format,
    /// The folder the other paths are relative to; itself relative to the descriptor.
    path: PathBuf,
    /// Where the parts lie; a set that names none is read by looking at its folder.
    #[serde(default)]
    splits: BTreeMap<String, Part>,
    /// Class names by number, where the files have none or bad ones.
    #[serde(default)]
    names: BTreeMap<u64, String>,
    #[allow(dead_code, reason = "for readers of the file")]
    license: Option<String>,
    #[allow(dead_code, reason = "for readers of the file")]
    notes: Option<String>,
}

/// Where a split lies, relative to the set's folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Part {
    /// COCO: the json. VOC: the folder around the xml. Other formats but YOLO: the folder or file.
    annotations: Option<PathBuf>,
    /// The folder of the pictures; for YOLO a folder or a list of them.
    images: Option<PathBuf>,
}

/// What the file calls a format.
#[derive(Deserialize)]
#[serde(remote = "Format", rename_all = "kebab-case")]
enum FormatName {
    Coco,
    Voc,
    Yolo,
    InstancePng,
    MaskFolders,
    Via,
    #[serde(rename = "labelme")]
    LabelMe,
    ClassFolders,
}

/// Whether a file is a descriptor: YAML with `format` at its left margin.
pub(super) fn recognises(file: &Path) -> bool {
    let has_format = |text: String| text.lines().any(|line| line.starts_with("format:"));
    has_extension(file, &["yaml", "yml"]) && read_text(file).is_ok_and(has_format)
}

/// Reads the data set a descriptor tells of. `root` takes the place of the folder it names.
///
/// # Errors
/// When it is no descriptor, or what it names cannot be read.
pub fn read_descriptor(path: &Path, root: Option<&Path>) -> Result<Collection, FormatError> {
    let descriptor: Descriptor =
        read_yaml(path, "a dataset descriptor with `name`, `format` and `path`")?;
    let beside = folder_of(path).join(&descriptor.path);
    let root = root.map_or(beside, Path::to_path_buf);
    std::fs::metadata(&root).map_err(|source| FormatError::io(&root, source))?;
    let mut splits = match descriptor.splits.is_empty() {
        true => read(descriptor.format, &super::unwrapped(descriptor.format, &root))?,
        false => descriptor.read_splits(path, &root)?,
    };
    for split in &mut splits {
        rename(&mut split.dataset, &descriptor.names);
    }
    Ok(Collection { format: descriptor.format, root: path.into(), splits: in_order(splits) })
}

impl Descriptor {
    fn read_splits(&self, path: &Path, root: &Path) -> Result<Vec<Split>, FormatError> {
        let places: Vec<SplitPlace> =
            self.splits.iter().map(|(name, part)| part.place(name, root)).collect();
        for place in &places {
            self.check(path, place)?;
        }
        match self.format {
            Format::Voc => voc::read_places(root, &places),
            Format::Yolo => yolo::read_places(root, &places),
            Format::Coco => {
                let read = |place: &SplitPlace| {
                    coco::read_split(annotations(place), &place.name, &place.images)
                };
                places.iter().map(read).collect()
            }
            Format::InstancePng
            | Format::MaskFolders
            | Format::Via
            | Format::LabelMe
            | Format::ClassFolders => {
                let read = |place: &SplitPlace| {
                    only_split(read(self.format, annotations(place))?, path, &place.name)
                };
                let mut splits = places.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                share_classes(&mut splits);
                Ok(splits)
            }
        }
    }

    /// That a split has what its format asks for, and that it is there.
    fn check(&self, path: &Path, place: &SplitPlace) -> Result<(), FormatError> {
        let missing = match self.format {
            Format::Yolo => place.images.is_empty().then_some("images"),
            _ => place.annotations.is_none().then_some("annotations"),
        };
        if let Some(field) = missing {
            let found = format!("no `{field}` in split `{}`", place.name);
            return Err(wrong(path, found, "one, since the format asks for it"));
        }
        for named in place.annotations.iter().chain(&place.images) {
            std::fs::metadata(named).map_err(|source| FormatError::io(named, source))?;
        }
        Ok(())
    }
}

impl Part {
    fn place(&self, name: &str, root: &Path) -> SplitPlace {
        let within = |place: &PathBuf| root.join(place);
        SplitPlace {
            name: name.into(),
            annotations: self.annotations.as_ref().map(within),
            images: self.images.iter().map(within).collect(),
        }
    }
}

/// The annotations of a place that was checked.
fn annotations(place: &SplitPlace) -> &Path {
    place.annotations.as_deref().unwrap_or(Path::new(""))
}

/// Gives a class the same number in splits that were read apart, where its name is all the files
/// have.
fn share_classes(splits: &mut [Split]) {
    let mut names: Vec<String> = Vec::new();
    for category in splits.iter().flat_map(|split| &split.dataset.categories) {
        if !names.contains(&category.name) {
            names.push(category.name.clone());
        }
    }
    let ids: BTreeMap<&str, CategoryId> =
        names.iter().map(String::as_str).zip((1..).map(CategoryId)).collect();
    for Split { dataset, .. } in splits {
        let new: BTreeMap<CategoryId, CategoryId> =
            dataset.categories.iter().map(|known| (known.id, ids[known.name.as_str()])).collect();
        for object in dataset.images.iter_mut().flat_map(|image| &mut image.objects) {
            object.category = new.get(&object.category).copied().unwrap_or(object.category);
        }
        let category = |(name, &id): (&&str, &CategoryId)| Category {
            id,
            name: (*name).to_owned(),
            supercategory: None,
        };
        dataset.categories = ids.iter().map(category).collect();
        dataset.categories.sort_by_key(|category| category.id);
    }
}

/// The split of a place that is one, under its name here.
fn only_split(splits: Vec<Split>, path: &Path, name: &str) -> Result<Split, FormatError> {
    let number = splits.len();
    match <[Split; 1]>::try_from(splits) {
        Ok([split]) => Ok(Split { name: name.into(), ..split }),
        Err(_) => {
            let number = counted(number, "split");
            let found = format!("{number} in the place of split `{name}`");
            Err(wrong(path, found, "a place that is one split"))
        }
    }
}

/// Gives classes the names the descriptor has for them, and adds those the files do not declare.
fn rename(dataset: &mut Dataset, names: &BTreeMap<u64, String>) {
    for (&number, name) in names {
        let id = CategoryId(number);
        match dataset.categories.iter_mut().find(|category| category.id == id) {
            Some(category) => category.name.clone_from(name),
            None => {
                let name = name.clone();
                dataset.categories.push(Category { id, name, supercategory: None });
            }
        }
    }
    dataset.categories.sort_by_key(|category| category.id);
}

fn wrong(path: &Path, found: String, expected: &str) -> FormatError {
    FormatError::Content { path: path.into(), line: None, found, expected: expected.into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod tests;
