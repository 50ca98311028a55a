//! Where downloaded models lie.

use crate::Model;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of downloaded models; it need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// There is no place to keep models in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "model cache: found no home folder, expected HOME or XDG_CACHE_HOME to name one; set \
     KESTREL_CACHE to a folder"
)]
pub struct NoCacheFolder;

impl Cache {
    /// The user's cache: `models` in `$KESTREL_CACHE`, else in `$XDG_CACHE_HOME/kestrel`, else in
    /// `~/.cache/kestrel`.
    ///
    /// # Errors
    /// When none of the three is known.
    pub fn from_env() -> Result<Self, NoCacheFolder> {
        Ok(Self::at(cache_root().ok_or(NoCacheFolder)?.join("models")))
    }

    /// A cache that keeps its files in `folder` itself.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder the files are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a model's file is, or will be.
    pub fn path(&self, model: &Model) -> PathBuf {
        self.folder.join(model.file_name())
    }

    /// The path of a model that is there already.
    pub fn get(&self, model: &Model) -> Option<PathBuf> {
        Some(self.path(model)).filter(|path| path.is_file())
    }
}

/// The folder that everything downloaded lies in: `$KESTREL_CACHE`, else `$XDG_CACHE_HOME/kestrel`,
/// else `~/.cache/kestrel`; `None` where none of the three is known.
pub fn cache_root() -> Option<PathBuf> {
    root_folder(|name| env::var_os(name), env::home_dir())
}

fn root_folder(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification: a relative path is to be ignored.
    let xdg = || folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || home.filter(|path| !path.as_os_str().is_empty());
    folder("KESTREL_CACHE")
        .or_else(|| xdg().map(|path| path.join("kestrel")))
        .or_else(|| home().map(|path| path.join(".cache").join("kestrel")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::find;

    fn root(variables: &[(&str, &str)], home: Option<&str>) -> Option<PathBuf> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name);
        root_folder(|name| value(name).map(|(_, value)| value.into()), home.map(PathBuf::from))
    }

    #[test]
    fn our_variable_comes_before_xdg_and_xdg_before_home() {
        let (ours, xdg) = (("KESTREL_CACHE", "here"), ("XDG_CACHE_HOME", "/xdg"));
        let home = Some("/home/ada");
        assert_eq!(root(&[ours, xdg], home), Some("here".into()));
        assert_eq!(root(&[xdg], home), Some("/xdg/kestrel".into()));
        assert_eq!(root(&[], home), Some("/home/ada/.cache/kestrel".into()));
    }

    #[test]
    fn an_empty_or_relative_variable_is_as_good_as_none() {
        let useless = [("KESTREL_CACHE", ""), ("XDG_CACHE_HOME", "relative")];
        assert_eq!(root(&useless, Some("/home/ada")), Some("/home/ada/.cache/kestrel".into()));
        assert_eq!(root(&useless, Some("")), None);
        assert_eq!(root(&[], None), None);
    }

    #[test]
    fn a_model_is_there_when_its_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("models"));
        let model = find("resnet18").unwrap();
        assert_eq!(cache.get(model), None);
        // A folder of that name is no model.
        std::fs::create_dir_all(cache.path(model)).unwrap();
        assert_eq!(cache.get(model), None);
        std::fs::remove_dir(cache.path(model)).unwrap();
        std::fs::write(cache.path(model), "weights").unwrap();
        assert_eq!(cache.get(model), Some(cache.folder().join("resnet18-f37072fd.pth")));
    }
}
