//! The end of a clip, asked for by another thread.

use crate::ffmpeg::Stopper;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Ends a clip from another thread, as if it ended there. It is made before the clip is opened, since a
/// camera may be long in sending its first frame.
#[derive(Clone, Debug, Default)]
pub struct DecoderStop {
    wish: Arc<Wish>,
}

#[derive(Debug, Default)]
struct Wish {
    happened: AtomicBool,
    /// What reads the clip; `None` before it has started, and of a source without a process.
    process: Mutex<Option<Stopper>>,
}

impl DecoderStop {
    /// No frame begins after this, and a clip that is being opened has none.
    pub fn stop(&self) {
        self.wish.happened.store(true, Ordering::Relaxed);
        self.stop_process();
    }

    pub(crate) fn happened(&self) -> bool {
        self.wish.happened.load(Ordering::Relaxed)
    }

    /// From here on, the end of the clip is that of its process too.
    pub(crate) fn reach(&self, process: Stopper) {
        *self.wish.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        // A wish from before the process is not lost.
        if self.happened() {
            self.stop_process();
        }
    }

    fn stop_process(&self) {
        let process = self.wish.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = &*process {
            process.stop();
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::ffmpeg::Process;
    use std::process::{Command, Stdio};

    fn sleeping() -> Process {
        let mut command = Command::new("sleep");
        command.arg("600").stdin(Stdio::null());
        Process::start(command).unwrap()
    }

    #[test]
    fn a_process_is_stopped_whether_the_wish_comes_before_or_after_it() {
        for is_early in [false, true] {
            let (stop, mut process) = (DecoderStop::default(), sleeping());
            if is_early {
                stop.stop();
            }
            stop.reach(process.stopper());
            if !is_early {
                stop.stop();
            }
            assert_eq!(process.wait().unwrap().status.code(), None, "a signal ended it");
        }
    }
}
