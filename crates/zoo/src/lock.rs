//! One download of a model at a time, over all processes.
//!
//! The lock is the operating system's, held on an empty file: it ends with the process that holds
//! it, however that ends, so there are no stale locks to clear.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often a waiting process looks again; what it waits for takes seconds to minutes.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The right to write a model's file, until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _held: File,
    path: PathBuf,
}

impl Lock {
    /// The lock at `path`; calls `waiting` again and again while another process has it.
    pub(crate) fn acquire(path: &Path, waiting: &mut dyn FnMut()) -> io::Result<Self> {
        let file = File::create(path)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    waiting();
                    thread::sleep(LOOK_AGAIN);
                }
                // Some network file systems have no locks; the hash still guards the result.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    break;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(Self { _held: file, path: path.to_owned() })
    }

    /// Ends the lock and removes its file; only for when nobody will need it again, since a process
    /// that waits on the removed file and one that makes a new file do not see each other.
    pub(crate) fn retire(self) {
        // A lock file left behind does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.lock");
        let mut first = Some(Lock::acquire(&path, &mut || unreachable!("nobody has it")).unwrap());
        let has_waited = AtomicBool::new(false);
        let mut waiting = || {
            has_waited.store(true, Ordering::Relaxed);
            first = None;
        };
        let second = Lock::acquire(&path, &mut waiting).unwrap();
        assert!(has_waited.load(Ordering::Relaxed));
        second.retire();
        assert!(!path.exists());
    }
}
