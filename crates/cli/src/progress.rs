//! How far a long run has come: a bar on a terminal, now and then a line elsewhere.

use crate::console::{self, counted};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How long a log may stay silent.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// The state of a run over a known number of pictures.
pub(crate) struct Progress {
    bar: ProgressBar,
    total: usize,
    done: usize,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Starts the clock. Where `bar_would_disturb`, there are lines even on a terminal.
    pub(crate) fn start(total: usize, bar_would_disturb: bool) -> Self {
        let bar = match bar_would_disturb {
            true => ProgressBar::hidden(),
            false => bar(total as u64, "{bar:30} {pos}/{len} pictures, {eta} left"),
        };
        let now = Instant::now();
        Self { bar, total, done: 0, started: now, last_line: now }
    }

    /// One more picture is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
        if self.bar.is_hidden() && self.last_line.elapsed() >= BETWEEN_LINES {
            self.last_line = Instant::now();
            console::note(line(self.done, self.total, self.started.elapsed()));
        }
    }

    /// So many pictures are done; threads may report them in another order.
    pub(crate) fn at_least(&self, done: usize) {
        self.bar.set_position(self.bar.position().max(done as u64));
    }

    /// Says something without drawing into the bar.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        self.bar.suspend(|| console::note(text));
    }

    /// Removes the bar; how long it all took.
    pub(crate) fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        self.started.elapsed()
    }
}

/// A bar, drawn on a terminal and nowhere else.
pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn line(done: usize, total: usize, elapsed: Duration) -> String {
    let left = elapsed.mul_f64((total - done) as f64 / done as f64);
    format!("{done} of {}, about {} left", counted(total, "picture"), HumanDuration(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_it_will_take() {
        let text = line(20, 60, Duration::from_secs(30));
        assert_eq!(text, "20 of 60 pictures, about 60 seconds left");
        assert_eq!(line(1, 1, Duration::from_secs(9)), "1 of 1 picture, about 0 seconds left");
    }
}
