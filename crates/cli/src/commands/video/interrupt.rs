//! Ctrl-C: the first asks the run to end after the frames it has, the second ends the program.

use anyhow::{Context, Result};
use kestrel_video::DecoderStop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a program that a signal ended leaves as its exit code.
const STOPPED: i32 = 130;

/// Whether somebody wants the run to end.
pub(super) struct Interrupt {
    happened: Arc<AtomicBool>,
}

impl Interrupt {
    /// From here on, Ctrl-C and termination stop the clip instead of the program.
    pub fn catch(clip: DecoderStop) -> Result<Self> {
        let happened = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&happened);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                leave();
            }
            clip.stop();
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(Self { happened })
    }

    pub fn happened(&self) -> bool {
        self.happened.load(Ordering::Relaxed)
    }
}

#[allow(clippy::exit)] // Asked for twice: whatever the other threads are waiting for, it is over.
fn leave() {
    std::process::exit(STOPPED);
}
