//! Where pictures, labels and class names lie in a folder without a `data.yaml`.

use super::{Layout, Part, below, data_yaml, label_of};
use crate::formats::FormatError;
use crate::formats::locate::{SplitName, entries, files_with, folder_of, pictures, read_text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names, without extension, of files that list the classes.
pub const CLASS_FILES: [&str; 4] = ["classes", "obj", "labels", "names"];

/// The same as files.
const CLASS_LISTS: [&str; 4] = ["classes.txt", "obj.names", "classes.names", "labels/classes.txt"];

/// Whether `root` is a `data.yaml` or a folder with one, or with labels where YOLO has them.
pub fn recognises(root: &Path) -> bool {
    if root.is_file() {
        return data_yaml::recognises(root);
    }
    yaml_of(root).is_some() || folders(root).iter().any(|(_, folder)| has_labels(folder))
}

/// What there is to read.
///
/// # Errors
/// When a file that names the parts cannot be read.
pub fn find(root: &Path) -> Result<Layout, FormatError> {
    if let Some(yaml) = Some(root.to_path_buf()).filter(|root| root.is_file()).or(yaml_of(root)) {
        let layout = data_yaml::read(&yaml)?;
        if !layout.parts.is_empty() {
            return Ok(layout);
        }
        // A file with the names alone: the pictures are where they are without it.
        return Ok(Layout { parts: parts(&folder_of(&yaml))?, ..layout });
    }
    Ok(Layout { parts: parts(root)?, names: class_names(root)? })
}

/// The classes that a file in `root` lists, by number.
pub fn class_names(root: &Path) -> Result<BTreeMap<u64, String>, FormatError> {
    let Some(list) = CLASS_LISTS.iter().map(|name| root.join(name)).find(|path| path.is_file())
    else {
        return Ok(BTreeMap::new());
    };
    // An empty line at the end names no class, one between others does count.
    let text = read_text(&list)?;
    let names = text.trim_end().lines().map(|name| name.trim().to_owned());
    Ok((0..).zip(names).filter(|(_, name)| !name.is_empty()).collect())
}

fn yaml_of(root: &Path) -> Option<PathBuf> {
    files_with(root, &["yaml", "yml"]).into_iter().find(|file| data_yaml::recognises(file))
}

fn parts(root: &Path) -> Result<Vec<Part>, FormatError> {
    let with_labels = folders(root).into_iter().filter(|(_, folder)| has_labels(folder));
    with_labels.map(|(name, folder)| Part::of_places(&name, &[folder])).collect()
}

/// The folders of pictures, and the splits they are: `images/train`, `train/images`, `train`, or
/// `images` or `root` itself as the only one.
fn folders(root: &Path) -> Vec<(String, PathBuf)> {
    let images = root.join("images");
    let mut found = named_after_splits(&images);
    if found.is_empty() {
        let inner = |folder: PathBuf| {
            Some(folder.join("images")).filter(|inner| inner.is_dir()).unwrap_or(folder)
        };
        let folders = named_after_splits(root).into_iter();
        found = folders.map(|(name, folder)| (name, inner(folder))).collect();
        found.retain(|(_, folder)| has_labels(folder));
    }
    if found.is_empty() {
        let only = if images.is_dir() { images } else { root.to_path_buf() };
        found.push(("all".into(), only));
    }
    found
}

fn named_after_splits(folder: &Path) -> Vec<(String, PathBuf)> {
    let folders = entries(folder).1.into_iter();
    let named = |path: PathBuf| Some((SplitName::of_path(&path)?.as_str().to_owned(), path));
    folders.filter_map(named).collect()
}

/// Whether some picture has a label, looking below `folder` only where it is named for pictures.
fn has_labels(folder: &Path) -> bool {
    let is_images = folder.components().any(|part| part.as_os_str() == "images");
    let pictures = if is_images { below(folder).unwrap_or_default() } else { pictures(folder) };
    pictures.iter().any(|picture| label_of(picture).is_file())
}
