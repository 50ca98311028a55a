//! A dataset descriptor: YAML that says where a data set lies and what it is, for sets whose folder
//! alone does not tell, and to keep that knowledge in one place. `datasets/README.md` explains it.

use super::locate::{has_extension, read_text, read_yaml};
use super::{FormatError, coco, in_order, read, voc, yolo};
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
    let beside = path.parent().unwrap_or(Path::new("")).join(&descriptor.path);
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
        let read = |(name, part): (&String, &Part)| self.read_split(path, root, name, part);
        self.splits.iter().map(read).collect()
    }

    fn read_split(
        &self,
        path: &Path,
        root: &Path,
        name: &str,
        part: &Part,
    ) -> Result<Split, FormatError> {
        let missing = |field: &str| {
            let found = format!("no `{field}` in split `{name}`");
            wrong(path, found, "one, since the format asks for it")
        };
        let annotations = part.annotations.as_ref().map(|place| root.join(place));
        let images: Vec<PathBuf> = part.images.iter().map(|place| root.join(place)).collect();
        for place in annotations.iter().chain(&images) {
            std::fs::metadata(place).map_err(|source| FormatError::io(place, source))?;
        }
        let annotations = || annotations.ok_or_else(|| missing("annotations"));
        match self.format {
            Format::Coco => coco::read_split(&annotations()?, name, &images),
            Format::Voc => voc::read_split(&annotations()?, name, &images),
            Format::Yolo if images.is_empty() => Err(missing("images")),
            Format::Yolo => yolo::read_split(&images, name),
            Format::InstancePng | Format::MaskFolders | Format::Via | Format::LabelMe => {
                only_split(read(self.format, &annotations()?)?, path, name)
            }
        }
    }
}

/// The split of a place that is one, under its name here.
fn only_split(splits: Vec<Split>, path: &Path, name: &str) -> Result<Split, FormatError> {
    let number = splits.len();
    match <[Split; 1]>::try_from(splits) {
        Ok([split]) => Ok(Split { name: name.into(), ..split }),
        Err(_) => {
            let found = format!("{number} splits in the place of split `{name}`");
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
