//! One step: batches in, gradients, a step of the optimiser, a line of the log now and then.

use super::Plan;
use crate::checkpoint::RunState;
use crate::config::{RecipeConfig, TrainConfig};
use crate::error::TrainError;
use crate::observer::{Event, Observer};
use crate::optimiser::LossScale;
use crate::record::{Metric, memory_bytes};
use crate::task::Task;
use kestrel_data::{
    BatchError, Dataset, DecodeLimits, Loader, LoaderPosition, LoaderRun, Sample, Unreadable,
};
use kestrel_layers::caught;
use kestrel_rcnn::Draw;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

/// A batch and the images it is made of.
struct Ready<B> {
    batch: B,
    image_ids: Vec<u64>,
}

/// What the batches of a step came to.
#[derive(Default)]
struct Gathered {
    losses: BTreeMap<String, f64>,
    image_ids: Vec<u64>,
    /// That of the first batch.
    epoch: u64,
}

/// The steps of a run, one after the other.
pub(super) struct Steps<'a, T: Task> {
    task: &'a T,
    config: &'a TrainConfig,
    plan: &'a Plan,
    dataset: &'a Dataset,
    loader: Loader<Ready<T::Batch>, Infallible>,
    sums: Sums,
}

/// What the steps since the last line of the log came to, so that a line is a mean, not a sample.
#[derive(Default)]
struct Sums {
    losses: BTreeMap<String, f64>,
    count: u64,
    num_images: usize,
    /// In steps alone: looks and checkpoints take time of their own.
    secs: f64,
    grad_norm: f64,
    /// Steps whose gradients were numbers.
    num_norms: u64,
}

impl<'a, T: Task> Steps<'a, T> {
    pub fn new(
        task: &'a T,
        dataset: &'a Arc<Dataset>,
        config: &'a TrainConfig,
        plan: &'a Plan,
        start_at: LoaderPosition,
    ) -> Result<Self, TrainError> {
        let run = LoaderRun {
            seed: config.seed,
            start_at,
            num_epochs: u64::MAX,
            with_masks: task.with_masks(),
            limits: DecodeLimits::default(),
        };
        let collate = task.collate();
        let ready = move |samples: Vec<Sample>| {
            let image_ids = samples.iter().map(|sample| sample.image_id).collect();
            Ok(Ready { batch: collate(samples), image_ids })
        };
        let loader = Loader::new(Arc::clone(dataset), &config.loader, run, ready)?;
        Ok(Self { task, config, plan, dataset, loader, sums: Sums::default() })
    }

    /// Does the next step; its numbers come back when a line of the log is due.
    pub fn next(
        &mut self,
        state: &mut RunState<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Metric>, TrainError> {
        let begin = Instant::now();
        let step = state.progress.step + 1;
        let lr = self.plan.schedule.lr(step - 1);
        state.optimiser.zero_grad();
        let scale = state.progress.loss_scale.as_ref().map_or(1.0, LossScale::factor);
        let Gathered { losses, image_ids, epoch } = self.gather(step, scale, observer)?;
        if scale != 1.0 {
            state.optimiser.scale_gradients(1.0 / scale);
        }
        let grad_norm = state.optimiser.grad_norm();
        if state.progress.loss_scale.as_mut().is_none_or(|scale| scale.accepts(grad_norm)) {
            self.require_finite(step, "the norm of the gradients", grad_norm, &image_ids)?;
            self.move_weights(state, step, grad_norm, lr);
        }
        state.progress.step = step;
        state.progress.position = self.loader.position();
        self.sums.add(losses, grad_norm);
        self.sums.num_images += image_ids.len();
        self.sums.secs += begin.elapsed().as_secs_f64();
        Ok(self.is_line(step).then(|| self.line(step, epoch, lr)))
    }

    /// Adds up the gradients of the batches of a step, `scale` times as large.
    fn gather(
        &mut self,
        step: u64,
        scale: f64,
        observer: &mut dyn Observer,
    ) -> Result<Gathered, TrainError> {
        let mut draw = Draw::of_step(self.config.seed, step);
        let RecipeConfig { accumulate, precision, .. } = self.config.train;
        let weight = 1.0 / accumulate as f64;
        let mut gathered = Gathered::default();
        for number in 0..accumulate {
            let (epoch, ready) = self.ready(step, observer)?;
            if number == 0 {
                gathered.epoch = epoch;
            }
            gathered.image_ids.extend(ready.image_ids);
            let backward = || self.task.backward(&ready.batch, &mut draw, weight * scale);
            let losses = caught(|| precision.during(backward))
                .unwrap_or_else(|reason| Err(TrainError::Network { step, reason }));
            for (name, value) in losses? {
                self.require_finite(step, name, value, &gathered.image_ids)?;
                *gathered.losses.entry(name.to_owned()).or_insert(0.0) += value * weight;
            }
        }
        Ok(gathered)
    }

    fn move_weights(&self, state: &mut RunState<'_>, step: u64, grad_norm: f64, lr: f64) {
        if let Some(limit) = self.config.train.clip_norm.filter(|&limit| grad_norm > limit) {
            // The small number is torch's (`clip_grad_norm_`).
            state.optimiser.scale_gradients(limit / (grad_norm + 1e-6));
        }
        state.optimiser.step(lr);
        if let Some(ema) = &mut state.ema {
            ema.update(state.variables, step);
        }
    }

    /// The next batch, and the epoch it is of. Pictures that cannot be read are named and left out, and so is a batch of
    /// nothing else, as long as an epoch holds others.
    fn ready(
        &mut self,
        step: u64,
        observer: &mut dyn Observer,
    ) -> Result<(u64, Ready<T::Batch>), TrainError> {
        let mut unreadable = None;
        for _ in 0..self.plan.batches_per_epoch {
            let Some(loaded) = self.loader.next() else { break };
            for picture in loaded.unreadable {
                observer.event(&Event::Unreadable(&picture))?;
                unreadable = Some(picture);
            }
            match loaded.batch {
                Ok(ready) => return Ok((loaded.position.epoch, ready)),
                Err(BatchError::NoPicture { .. }) => {}
                Err(error) => return Err(TrainError::Batch { step, reason: error.to_string() }),
            }
        }
        Err(match unreadable {
            Some(Unreadable { path, source, .. }) => {
                TrainError::Unreadable { step, path, reason: source.to_string() }
            }
            None => TrainError::Batch { step, reason: "the loader has ended".to_owned() },
        })
    }

    fn require_finite(
        &self,
        step: u64,
        what: &str,
        value: f64,
        image_ids: &[u64],
    ) -> Result<(), TrainError> {
        if value.is_finite() {
            return Ok(());
        }
        let concerned = self.dataset.images.iter().filter(|image| image_ids.contains(&image.id));
        let files: Vec<String> = concerned.map(|image| image.path.display().to_string()).collect();
        let (what, images) = (what.to_owned(), files.join(", "));
        Err(TrainError::NotFinite { step, what, value, images })
    }

    fn is_line(&self, step: u64) -> bool {
        step == 1 || step.is_multiple_of(self.config.log_every_steps) || step == self.plan.num_steps
    }

    fn line(&mut self, step: u64, epoch: u64, lr: f64) -> Metric {
        let sums = std::mem::take(&mut self.sums);
        let images_per_sec = sums.num_images as f64 / sums.secs.max(f64::MIN_POSITIVE);
        let (losses, grad_norm) = sums.means();
        let memory_bytes = memory_bytes();
        Metric::Step { step, epoch, lr, losses, grad_norm, images_per_sec, memory_bytes }
    }
}

impl Sums {
    fn add(&mut self, losses: BTreeMap<String, f64>, grad_norm: f64) {
        let total: f64 = losses.values().sum();
        for (name, value) in losses.into_iter().chain([("loss".to_owned(), total)]) {
            *self.losses.entry(name).or_insert(0.0) += value;
        }
        self.count += 1;
        if grad_norm.is_finite() {
            self.grad_norm += grad_norm;
            self.num_norms += 1;
        }
    }

    fn means(self) -> (BTreeMap<String, f64>, f64) {
        let count = self.count.max(1) as f64;
        let losses = self.losses.into_iter().map(|(name, sum)| (name, sum / count)).collect();
        (losses, self.grad_norm / self.num_norms.max(1) as f64)
    }
}
