//! Data sets as people have them, read by looking at the folder.
//!
//! A format is one file here with two functions: `recognises` looks at names and at the beginnings of
//! files, `read` gives the splits. A record that cannot be understood becomes a [`crate::Finding`]
//! with its place and the rest is read; only when nothing can be read is there an error.

mod assemble;
mod class_folders;
mod coco;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod damage;
mod descriptor;
mod error;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod hostile_tests;
mod index_png;
mod instance_png;
mod labelme;
mod locate;
mod marked;
mod marking_json;
mod mask_folders;
mod outline;
mod split_folders;
mod via;
mod voc;
mod write;
mod yolo;

use crate::{Collection, Format, Split};
use locate::{by_use, entries};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use descriptor::read_descriptor;
pub use error::FormatError;
pub use locate::REPAIRED_EXTENSION;
pub use write::{
    ImageFiles, Loss, LossKind, WriteError, WriteFormat, WriteSummary, write_coco, write_collection,
};

/// The formats in the order they are looked for: some tools write COCO beside their own format, and
/// COCO then says most. Class folders ask for nothing but pictures and come last.
const DETECTED: [Format; 8] = [
    Format::Coco,
    Format::Yolo,
    Format::Voc,
    Format::InstancePng,
    Format::MaskFolders,
    Format::Via,
    Format::LabelMe,
    Format::ClassFolders,
];

/// Into how many folders that hold nothing but one other folder the search goes down.
const MAX_WRAPPINGS: usize = 3;

/// Reads the data set at `path`, a folder, an annotation file or a dataset descriptor, in whatever
/// format it is; the format and the classes are taken from the files.
///
/// # Errors
/// When there is no such path, nothing there is a data set of a known format, or an annotation file
/// cannot be read at all. A single bad record is a finding in its split.
pub fn read_collection(path: &Path) -> Result<Collection, FormatError> {
    std::fs::metadata(path).map_err(|source| FormatError::io(path, source))?;
    if descriptor::recognises(path) {
        return read_descriptor(path, None);
    }
    for root in wrappings(path) {
        if let Some(format) = DETECTED.into_iter().find(|&format| recognises(format, &root)) {
            let splits = in_order(read(format, &root)?);
            return Ok(Collection { format, root: path.into(), splits });
        }
    }
    let lone_class = wrappings(path).iter().find_map(|root| class_folders::lone_class(root));
    let found = lone_class.unwrap_or_else(|| description(path));
    Err(FormatError::Unknown { path: path.into(), found })
}

/// `path`, and the folders within that are all their folder holds of folders: archives wrap their
/// content into such.
fn wrappings(path: &Path) -> Vec<PathBuf> {
    let only_folder = |folder: &PathBuf| {
        let [only] = <[PathBuf; 1]>::try_from(entries(folder).1).ok()?;
        Some(only)
    };
    std::iter::successors(Some(path.to_path_buf()), only_folder).take(1 + MAX_WRAPPINGS).collect()
}

/// The folder within `path` that is of a format known beforehand, or `path` itself.
fn unwrapped(format: Format, path: &Path) -> PathBuf {
    let found = wrappings(path).into_iter().find(|root| recognises(format, root));
    found.unwrap_or_else(|| path.into())
}

fn recognises(format: Format, root: &Path) -> bool {
    match format {
        Format::Coco => coco::recognises(root),
        Format::Voc => voc::recognises(root),
        Format::Yolo => yolo::recognises(root),
        Format::InstancePng => instance_png::recognises(root),
        Format::MaskFolders => mask_folders::recognises(root),
        Format::Via => via::recognises(root),
        Format::LabelMe => labelme::recognises(root),
        Format::ClassFolders => class_folders::recognises(root),
    }
}

fn read(format: Format, root: &Path) -> Result<Vec<Split>, FormatError> {
    let splits = match format {
        Format::Coco => coco::read(root)?,
        Format::Voc => voc::read(root)?,
        Format::Yolo => yolo::read(root)?,
        Format::InstancePng => instance_png::read(root)?,
        Format::MaskFolders => mask_folders::read(root)?,
        Format::Via => via::read(root)?,
        Format::LabelMe => labelme::read(root)?,
        Format::ClassFolders => class_folders::read(root)?,
    };
    if splits.is_empty() {
        let found = format!("{}, none of it {}", description(root), format.name());
        return Err(FormatError::Unknown { path: root.into(), found });
    }
    Ok(splits)
}

/// The splits in order of use. What findings quote from files may hold line ends, and each is one line.
fn in_order(mut splits: Vec<Split>) -> Vec<Split> {
    splits.sort_by_key(|split| by_use(&split.name));
    for finding in splits.iter_mut().flat_map(|split| &mut split.findings) {
        if finding.detail.contains(char::is_control) {
            finding.detail = finding.detail.replace(char::is_control, " ");
        }
    }
    splits
}

/// What lies at `path`, for a person who expected it to be a data set.
fn description(path: &Path) -> String {
    if path.is_file() {
        return "a file of another kind".into();
    }
    let (files, folders) = entries(path);
    let mut num_by_extension = BTreeMap::new();
    for file in &files {
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        *num_by_extension.entry(extension).or_insert(0usize) += 1;
    }
    let kinds = num_by_extension.iter().map(|(extension, number)| match extension.as_str() {
        "" => format!("{number} without extension"),
        extension => format!("{number} .{extension}"),
    });
    let kinds: Vec<String> = kinds.collect();
    match (files.len(), folders.len()) {
        (0, 0) => "an empty folder".into(),
        (0, num_folders) => format!("a folder with {} and no file", counted(num_folders, "folder")),
        (num_files, num_folders) => {
            let (folders, files) = (counted(num_folders, "folder"), counted(num_files, "file"));
            format!("a folder with {folders} and {files} ({})", kinds.join(", "))
        }
    }
}

/// `1 file`, `2 files`.
fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
