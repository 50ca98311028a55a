//! What a person sees of a run while it goes on, and the signal that ends it.

use crate::console;
use crate::progress::bar;
use anyhow::{Context, Result};
use indicatif::{HumanDuration, ProgressBar};
use kestrel_train::record::Metric;
use kestrel_train::{Event, Observer, Plan, TrainError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Watches a run for a person.
pub(super) struct Watch {
    bar: ProgressBar,
    num_steps: u64,
    /// The first step of this sitting and when it began, for the time left.
    begin: Option<(u64, Instant)>,
    interrupted: Arc<AtomicBool>,
}

impl Watch {
    /// A bar on a terminal, lines elsewhere. From now on Ctrl-C and a polite kill end the run after
    /// the step it is at.
    pub(super) fn new(plan: &Plan) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
            .context("cannot listen for Ctrl-C")?;
        Ok(Self {
            bar: bar(plan.num_steps, "{bar:30} {pos}/{len} steps, {eta} left"),
            num_steps: plan.num_steps,
            begin: None,
            interrupted,
        })
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, text: impl std::fmt::Display) {
        self.bar.suspend(|| console::note(text));
    }

    fn left(&self, step: u64) -> String {
        let Some((first, begin)) = self.begin.filter(|(first, _)| step > *first) else {
            return String::new();
        };
        let secs_per_step = begin.elapsed().as_secs_f64() / (step - first) as f64;
        let left = Duration::from_secs_f64(secs_per_step * (self.num_steps - step) as f64);
        format!(", about {} left", HumanDuration(left))
    }

    fn line(&self, metric: &Metric) -> String {
        match metric {
            Metric::Step { step, lr, losses, images_per_sec, memory_bytes, .. } => {
                let memory = memory_bytes.map_or(String::new(), |bytes| {
                    format!(", {:.1} GiB", bytes as f64 / f64::from(1 << 30))
                });
                format!(
                    "step {step}/{}: {}; rate {lr:.2e}, {images_per_sec:.1} images/s{memory}{}",
                    self.num_steps,
                    joined(losses),
                    self.left(*step)
                )
            }
            Metric::Validation { step, losses, scores, .. }
                if losses.is_empty() && scores.is_empty() =>
            {
                format!("the model is that of step {step}; there are no pictures to score it on")
            }
            Metric::Validation { step, losses, scores, secs, .. } => {
                let loss =
                    losses.get("loss").map_or(String::new(), |loss| format!(", loss {loss:.4}"));
                format!("scored after step {step}: {}{loss} ({secs:.0} s)", joined(scores))
            }
        }
    }
}

impl Observer for Watch {
    fn event(&mut self, event: &Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::Started { step, resumed } => {
                self.begin = Some((*step, Instant::now()));
                self.bar.set_position(*step);
                if *resumed {
                    self.say(format_args!("goes on after step {step}"));
                }
            }
            Event::Measured(metric) => {
                if let Metric::Step { step, .. } = metric {
                    self.bar.set_position(*step);
                }
                self.say(self.line(metric));
            }
            Event::Unreadable(unreadable) => {
                self.say(format_args!("warning: {}; left out", unreadable.source));
            }
            Event::Looking { .. } | Event::Saved { .. } => {}
        }
        Ok(())
    }

    fn wants_stop(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

fn joined(numbers: &BTreeMap<String, f64>) -> String {
    let one = |(name, value): (&String, &f64)| format!("{name} {value:.4}");
    numbers.iter().map(one).collect::<Vec<_>>().join(", ")
}
