//! Folders as data sets lay them out: a set lies in the folder that was named, or there is one in
//! each of its folders `train`, `val` and `test`.

use super::FormatError;
use std::fs;
use std::path::{Path, PathBuf};

/// What people call the splits; the first name is the one used here.
const SPLIT_NAMES: [&[&str]; 3] =
    [&["train", "training"], &["val", "valid", "validation"], &["test", "testing"]];

/// The name of a data set without splits.
pub(super) const WHOLE: &str = "all";

/// A folder that holds one split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SplitFolder {
    pub name: &'static str,
    pub path: PathBuf,
}

/// `root` itself where it is a set, else those of its folders that are called like a split and are
/// sets, in the order `train`, `val`, `test`. A folder that cannot be listed holds no set.
pub(super) fn split_folders(root: &Path, is_set: impl Fn(&Path) -> bool) -> Vec<SplitFolder> {
    if is_set(root) {
        return vec![SplitFolder { name: WHOLE, path: root.into() }];
    }
    let folders = entries(root).unwrap_or_default();
    let folder_of = |names: &&[&'static str]| {
        let is_it =
            |path: &&PathBuf| split_name(&name(path)) == Some(names[0]) && is_set(path.as_path());
        let path = folders.iter().find(is_it)?.clone();
        Some(SplitFolder { name: names[0], path })
    };
    SPLIT_NAMES.iter().filter_map(folder_of).collect()
}

/// `train`, `val` or `test`, if that is what `name` means.
pub(super) fn split_name(name: &str) -> Option<&'static str> {
    let means =
        |names: &&&[&'static str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    SPLIT_NAMES.iter().find(means).map(|names| names[0])
}

/// What a folder holds, by name, but for hidden files.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, FormatError> {
    let unlisted = |source| FormatError::Io { path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unlisted)? {
        let entry = entry.map_err(unlisted)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The files of a folder that end in one of `extensions` (in lower case), by name.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, FormatError> {
    let has_extension = |path: &PathBuf| {
        let extension = path.extension().map(|extension| extension.to_string_lossy());
        extension.is_some_and(|it| extensions.contains(&it.to_ascii_lowercase().as_str()))
    };
    let mut files = entries(folder)?;
    files.retain(|path| has_extension(path) && !path.is_dir());
    Ok(files)
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The last part of a path without its extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn has_marker(path: &Path) -> bool {
        path.join("marker").exists()
    }

    #[test]
    fn splits_come_in_their_order_under_their_usual_names() {
        let folder = folder(&["Valid/marker", "extra/marker", "train/marker", "test/nothing"]);
        let found = split_folders(folder.path(), has_marker);
        let names: Vec<_> = found.iter().map(|split| (split.name, name(&split.path))).collect();
        assert_eq!(names, [("train", "train".into()), ("val", "Valid".into())]);
    }

    #[test]
    fn a_set_of_its_own_is_not_searched_for_splits() {
        let folder = folder(&["marker", "train/marker"]);
        let found = split_folders(folder.path(), has_marker);
        assert_eq!(found, [SplitFolder { name: WHOLE, path: folder.path().into() }]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_splits_and_no_files() {
        let gone = folder(&[]).path().join("gone");
        assert_eq!(split_folders(&gone, has_marker), []);
        assert!(matches!(entries(&gone), Err(FormatError::Io { path, .. }) if path == gone));
    }

    #[test]
    fn files_are_told_by_their_extension() {
        let folder = folder(&["b.PNG", "a.png", ".c.png", "d.txt", "e.png/marker", "png"]);
        let found: Vec<String> =
            files(folder.path(), &["png"]).unwrap().iter().map(|path| name(path)).collect();
        assert_eq!(found, ["a.png", "b.PNG"]);
    }
}
