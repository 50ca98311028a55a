//! Where the parts of a data set lie: files and folders in an order that does not depend on the
//! disk, text with its lines, and the picture an annotation means.

use super::FormatError;
use crate::PICTURE_EXTENSIONS;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

mod split_name;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod text;

pub(super) use split_name::{SplitName, by_use, distinct};
pub(super) use text::{Lines, read_text, read_yaml};

/// What a repaired copy of a data set ends in. It lies beside the original, which is what a folder is
/// read for; the copy is read when it is named.
pub const REPAIRED_EXTENSION: &str = "repaired.json";

/// The visible entries of a folder by name, but for repaired copies.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, FormatError> {
    let unlisted = |source| FormatError::io(folder, source);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unlisted)? {
        let entry = entry.map_err(unlisted)?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !name.starts_with(b".") && !name.ends_with(REPAIRED_EXTENSION.as_bytes()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// What [`listed`] gives: files, then folders. Neither if there is no such folder.
pub(super) fn entries(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    listed(folder).unwrap_or_default().into_iter().partition(|path| !path.is_dir())
}

/// The files of a folder with one of these extensions, in lower case, by name.
pub(super) fn files_with(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = entries(folder).0;
    files.retain(|file| has_extension(file, extensions));
    files
}

/// The pictures of a folder by name.
pub(super) fn pictures(folder: &Path) -> Vec<PathBuf> {
    files_with(folder, PICTURE_EXTENSIONS)
}

/// Whether a file ends in one of these extensions, which are in lower case.
pub(super) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| extensions.contains(&found.to_ascii_lowercase().as_str()))
}

/// A name without its extension, or nothing for a path without a name.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder a file lies in; `.` for a name alone, since the empty path is no folder to the system.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    kestrel_core::folder_of(file).to_owned()
}

/// A path with `/` between its parts, whatever the system writes.
pub(super) fn with_slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// A split whose place is known beforehand.
pub(super) struct SplitPlace {
    /// What it is called.
    pub(super) name: String,
    /// Its annotations, for formats that have them apart.
    pub(super) annotations: Option<PathBuf>,
    /// Where its pictures are, best first; without any the reader looks around the annotations.
    pub(super) images: Vec<PathBuf>,
}

/// The folders in which the pictures of one annotation file may lie, best first.
pub(super) struct ImageFolders {
    folders: Vec<PathBuf>,
    /// The first picture found decides which folder is tried first from then on.
    is_settled: bool,
}

impl ImageFolders {
    /// Of `candidates` those that are there; of those, each once.
    pub(super) fn new(candidates: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        for candidate in candidates {
            if candidate.is_dir() && !folders.contains(&candidate) {
                folders.push(candidate);
            }
        }
        Self { folders, is_settled: false }
    }

    /// Where the picture `name` lies, or should: in the first folder that has it, else there by its
    /// last part alone, since some tools write where the picture lay on the annotator's disk.
    pub(super) fn path_of(&mut self, name: &str) -> PathBuf {
        let last = name.rsplit('/').next().unwrap_or(name);
        let found = [name, last].iter().find_map(|name| {
            let holds = |folder: &PathBuf| folder.join(name).is_file();
            self.folders.iter().position(holds).map(|index| (index, *name))
        });
        let Some((index, name)) = found else {
            return self.folders.first().map_or_else(|| name.into(), |folder| folder.join(name));
        };
        let path = self.folders[index].join(name);
        if !self.is_settled {
            self.folders[..=index].rotate_right(1);
            self.is_settled = true;
        }
        path
    }
}

/// The pictures of some folders by their names without extension.
pub(super) struct PicturesByStem {
    by_stem: BTreeMap<String, PathBuf>,
}

impl PicturesByStem {
    /// All pictures of `folders`; of equal names the first counts.
    pub(super) fn of(folders: &[PathBuf]) -> Self {
        let mut by_stem = BTreeMap::new();
        for picture in folders.iter().flat_map(|folder| pictures(folder)) {
            by_stem.entry(stem(&picture)).or_insert(picture);
        }
        Self { by_stem }
    }

    /// The picture with this name, less its extension.
    pub(super) fn get(&self, stem: &str) -> Option<&Path> {
        self.by_stem.get(stem).map(PathBuf::as_path)
    }
}
