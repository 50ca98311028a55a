//! Where the time of a run goes.

use serde::Serialize;
use std::time::{Duration, Instant};

/// How a stage spent its time, from its first frame on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageTime {
    /// What it is called.
    pub name: &'static str,
    /// It worked.
    pub busy_secs: f64,
    /// It had nothing to do.
    pub waiting_secs: f64,
    /// It was done, and the next stage was not ready.
    pub blocked_secs: f64,
}

impl StageTime {
    /// The share of its time in which it worked.
    pub fn busy_ratio(&self) -> f64 {
        let all = self.busy_secs + self.waiting_secs + self.blocked_secs;
        if all > 0.0 { self.busy_secs / all } else { 0.0 }
    }
}

/// Times one stage.
pub(crate) struct Stopwatch {
    time: StageTime,
    has_begun: bool,
}

impl Stopwatch {
    pub fn start(name: &'static str) -> Self {
        Self { time: StageTime { name, ..StageTime::default() }, has_begun: false }
    }

    pub fn busy<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (result, took) = timed(work);
        self.time.busy_secs += took.as_secs_f64();
        self.has_begun = true;
        result
    }

    /// Waiting for the very first frame is no lack of supply.
    pub fn waiting<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let (result, took) = timed(wait);
        if self.has_begun {
            self.time.waiting_secs += took.as_secs_f64();
        }
        result
    }

    pub fn blocked<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        let (result, took) = timed(wait);
        self.time.blocked_secs += took.as_secs_f64();
        result
    }

    pub fn stop(self) -> StageTime {
        self.time
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}
