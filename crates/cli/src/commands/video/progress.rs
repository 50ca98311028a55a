//! How far a clip has come; of a live stream there is no end to count down to.

use crate::console::{self, counted};
use crate::progress::bar;
use indicatif::{HumanDuration, ProgressBar};
use std::time::{Duration, Instant};

/// How long a log may stay silent.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// The state of a run over frames.
pub(super) struct FrameProgress {
    bar: ProgressBar,
    expected: Option<usize>,
    done: usize,
    started: Instant,
    last_line: Instant,
}

impl FrameProgress {
    pub fn start(expected: Option<usize>) -> Self {
        let bar = match expected {
            Some(frames) => bar(frames as u64, "{bar:30} {pos}/{len} frames, {eta} left"),
            None => bar(0, "{spinner} {pos} frames, {elapsed}"),
        };
        let now = Instant::now();
        Self { bar, expected, done: 0, started: now, last_line: now }
    }

    /// One more frame is done.
    pub fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
        if self.bar.is_hidden() && self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            console::note(line(self.done, self.expected, self.started.elapsed()));
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn line(done: usize, expected: Option<usize>, elapsed: Duration) -> String {
    match expected.filter(|&expected| expected >= done) {
        Some(expected) => {
            let left = elapsed.mul_f64((expected - done) as f64 / done as f64);
            let frames = counted(expected, "frame");
            format!("{done} of {frames}, about {} left", HumanDuration(left))
        }
        None => format!("{} in {}", counted(done, "frame"), HumanDuration(elapsed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let elapsed = Duration::from_secs(30);
        assert_eq!(line(20, Some(60), elapsed), "20 of 60 frames, about 60 seconds left");
        assert_eq!(line(20, None, elapsed), "20 frames in 30 seconds");
        // What a clip says of its length need not be true.
        assert_eq!(line(20, Some(10), elapsed), "20 frames in 30 seconds");
    }
}
