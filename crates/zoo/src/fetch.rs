//! A model, from the cache or else from its server.

use crate::download::Download;
use crate::error::{Action, FetchError};
use crate::lock::Lock;
use crate::part::{Part, failed};
use crate::{Cache, Model, Source};
use std::fs;
use std::path::{Path, PathBuf};

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk, those of earlier attempts included. It falls when the server cannot go on
    /// where the last attempt stopped.
    pub received: u64,
    /// Bytes of the whole file, where the server says so.
    pub total: Option<u64>,
}

/// The path of `model` in `folder`; it is downloaded from [`Source::from_env`] if it is not there.
///
/// See [`Source::fetch`].
///
/// # Errors
/// When it is not there and does not arrive.
pub fn fetch(
    model: &Model,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, FetchError> {
    Source::from_env().fetch(model, folder, progress)
}

impl Source {
    /// The path of `model` in `folder`; it is downloaded if it is not there.
    ///
    /// A file that is there is neither asked about nor hashed again. While another process
    /// downloads the same model into the same folder, this one waits, and then uses that file;
    /// `progress` is told of the other's download meanwhile.
    ///
    /// # Errors
    /// When it is not there and does not arrive: [`FetchError`] says why, and what is kept.
    pub fn fetch(
        &self,
        model: &Model,
        folder: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<PathBuf, FetchError> {
        let cache = Cache::at(folder);
        if let Some(path) = cache.get(model) {
            return Ok(path);
        }
        fs::create_dir_all(folder).map_err(failed(folder, Action::CreateFolder))?;
        let path = cache.path(model);
        let lock = lock(&path, progress)?;
        // Whoever had the lock before may have brought it.
        if !path.is_file() {
            self.bring(model, &path, progress)?;
        }
        lock.retire();
        Ok(path)
    }

    /// Downloads `model` to `path`, going on with what an earlier download left.
    fn bring(
        &self,
        model: &Model,
        path: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), FetchError> {
        let url = self.url(model);
        let mut part = Part::open(beside(path, "part"))?;
        // An earlier download may have got everything but the name.
        if !part.sha256()?.starts_with(model.hash_prefix) {
            let (agent, patience, limit) = (self.agent(), self.patience, model.most_bytes());
            Download { agent, url: &url, patience, limit, progress }.run(&mut part)?;
        }
        let found = part.sha256()?;
        if !found.starts_with(model.hash_prefix) {
            part.remove()?;
            let expected = model.hash_prefix.to_owned();
            return Err(FetchError::WrongHash { url, found, expected });
        }
        part.rename(path)
    }
}

fn lock(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Lock, FetchError> {
    let (lock_path, part_path) = (beside(path, "lock"), beside(path, "part"));
    let mut waiting = || {
        let received = fs::metadata(&part_path).map_or(0, |part| part.len());
        progress(Progress { received, total: None });
    };
    Lock::acquire(&lock_path, &mut waiting).map_err(failed(&lock_path, Action::Lock))
}

/// `model.pth` -> `model.pth.part`
fn beside(path: &Path, extension: &str) -> PathBuf {
    path.with_added_extension(extension)
}
