//! Folders as data sets lay them out: a set lies in the folder that was named, or there is one in
//! each of its folders `train`, `val` and `test`.

use super::FormatError;
use super::locate::{SplitName, entries, has_extension, listed};
use std::path::{Path, PathBuf};

/// The name of a data set without splits.
pub(super) const WHOLE: &str = "all";

/// A folder that holds one split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SplitFolder {
    pub name: String,
    pub path: PathBuf,
}

/// `root` itself where it is a set, else those of its folders that are called like a split and are
/// sets, in the order `train`, `val`, `test`. Where several mean one split, such as `val` and `dev`,
/// each keeps its own name. A folder that cannot be listed holds no set.
pub(super) fn split_folders(root: &Path, is_set: impl Fn(&Path) -> bool) -> Vec<SplitFolder> {
    if is_set(root) {
        return vec![SplitFolder { name: WHOLE.into(), path: root.into() }];
    }
    let meant = |path: PathBuf| Some((SplitName::from_word(&name(&path))?, path));
    let mut found: Vec<(SplitName, PathBuf)> =
        entries(root).1.into_iter().filter_map(meant).collect();
    found.retain(|(_, path)| is_set(path));
    found.sort_by_key(|(split, _)| *split);
    let is_only = |split| found.iter().filter(|(other, _)| *other == split).count() == 1;
    let folder = |(split, path): &(SplitName, PathBuf)| {
        let name = if is_only(*split) { split.as_str().into() } else { name(path) };
        SplitFolder { name, path: path.clone() }
    };
    found.iter().map(folder).collect()
}

/// The files of a folder that end in one of `extensions` (in lower case), by name.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, FormatError> {
    let mut files = listed(folder)?;
    files.retain(|path| has_extension(path, extensions) && !path.is_dir());
    Ok(files)
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

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

    fn names(splits: &[SplitFolder]) -> Vec<(&str, String)> {
        splits.iter().map(|split| (split.name.as_str(), name(&split.path))).collect()
    }

    #[test]
    fn splits_come_in_their_order_under_their_usual_names() {
        let folder = folder(&["Valid/marker", "extra/marker", "train/marker", "test/nothing"]);
        let found = split_folders(folder.path(), has_marker);
        assert_eq!(names(&found), [("train", "train".into()), ("val", "Valid".into())]);
    }

    /// `dev` and `train2017` were splits in some formats alone.
    #[test]
    fn splits_are_called_as_in_every_format() {
        let dev = folder(&["dev/marker", "train2017/marker"]);
        let found = split_folders(dev.path(), has_marker);
        assert_eq!(names(&found), [("train", "train2017".into()), ("val", "dev".into())]);
        let both = folder(&["dev/marker", "test/marker", "valid/marker"]);
        let found = split_folders(both.path(), has_marker);
        let expected = [("dev", "dev".into()), ("valid", "valid".into()), ("test", "test".into())];
        assert_eq!(names(&found), expected);
    }

    #[test]
    fn a_set_of_its_own_is_not_searched_for_splits() {
        let folder = folder(&["marker", "train/marker"]);
        let found = split_folders(folder.path(), has_marker);
        assert_eq!(found, [SplitFolder { name: WHOLE.into(), path: folder.path().into() }]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_splits_and_no_files() {
        let gone = folder(&[]).path().join("gone");
        assert_eq!(split_folders(&gone, has_marker), []);
        assert!(matches!(listed(&gone), Err(FormatError::Io { path, .. }) if path == gone));
    }

    #[test]
    fn files_are_told_by_their_extension() {
        let folder = folder(&["b.PNG", "a.png", ".c.png", "d.txt", "e.png/marker", "png"]);
        let found: Vec<String> =
            files(folder.path(), &["png"]).unwrap().iter().map(|path| name(path)).collect();
        assert_eq!(found, ["a.png", "b.PNG"]);
    }
}
