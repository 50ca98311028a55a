//! What a run reads, it does not replace.

use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files a run reads.
pub(crate) struct Originals {
    paths: BTreeSet<PathBuf>,
}

impl Originals {
    /// These files; a name that is no file needs no protection.
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        Self { paths: paths.into_iter().filter_map(|path| fs::canonicalize(path).ok()).collect() }
    }

    /// Refuses to write to one of them; `option` is what asked for it.
    pub(crate) fn spare(&self, target: &Path, option: &str) -> Result<()> {
        if fs::canonicalize(target).is_ok_and(|target| self.paths.contains(&target)) {
            bail!(
                "{option}: {} is read by this run and would be overwritten; name another place",
                target.display()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_spared_under_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("in.png"), "").unwrap();
        fs::write(path("other.png"), "").unwrap();
        fs::create_dir(path("sub")).unwrap();
        let originals = Originals::of([path("in.png").as_path(), Path::new("nuclei")]);
        assert!(originals.spare(&path("other.png"), "-o").is_ok());
        assert!(originals.spare(&path("new.png"), "-o").is_ok());
        assert!(originals.spare(Path::new("nuclei"), "-o").is_ok());
        let error = originals.spare(&path("sub/../in.png"), "--output").unwrap_err();
        assert!(error.to_string().starts_with("--output: "), "{error}");
    }
}
