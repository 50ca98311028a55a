//! Pictures through a network, in order: one thread decodes ahead while the network runs, and at most
//! two batches are in memory.

use anyhow::Result;
use kestrel_core::{Detections, RgbImage};
use kestrel_data::{DecodeError, DecodeLimits, decode};
use kestrel_rcnn::Model;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// A picture of the run, by its place in the list, decoded or not.
type Decoded = (usize, Result<RgbImage, DecodeError>);

/// What became of a picture.
pub(crate) enum Seen<T> {
    /// It went through the network, which found this.
    Picture(RgbImage, T),
    /// It cannot be decoded.
    Unreadable(DecodeError),
}

/// Detects in `images`, `batch` at a time, and hands each to `take` with its place in the list:
/// unreadable ones of a batch first, otherwise in order. Returns the time spent in the network.
///
/// # Errors
/// When the network cannot be run, or `take` fails.
pub(crate) fn detect_all(
    model: &Model,
    images: &[PathBuf],
    batch: NonZeroUsize,
    take: impl FnMut(usize, Seen<Detections>) -> Result<()>,
) -> Result<Duration> {
    run_all(images, batch, |pictures| Ok(model.detect(pictures)?), take)
}

/// [`detect_all`] for any network, which gives one answer for each picture.
///
/// # Errors
/// When the network cannot be run, or `take` fails.
pub(crate) fn run_all<T>(
    images: &[PathBuf],
    batch: NonZeroUsize,
    mut network: impl FnMut(&[RgbImage]) -> Result<Vec<T>>,
    mut take: impl FnMut(usize, Seen<T>) -> Result<()>,
) -> Result<Duration> {
    std::thread::scope(|scope| {
        let (sender, decoded) = sync_channel::<Decoded>(batch.get().min(images.len().max(1)));
        scope.spawn(move || {
            for (place, path) in images.iter().enumerate() {
                let picture = decode(path, &DecodeLimits::default());
                if sender.send((place, picture)).is_err() {
                    break;
                }
            }
        });
        let mut in_network = Duration::ZERO;
        while let Some((places, pictures)) = next_batch(&decoded, batch, &mut take)? {
            let started = Instant::now();
            let found = network(&pictures)?;
            in_network += started.elapsed();
            for ((place, picture), found) in places.into_iter().zip(pictures).zip(found) {
                take(place, Seen::Picture(picture, found))?;
            }
        }
        Ok(in_network)
    })
}

/// The readable pictures of the next batch with their places; `None` when there is no other.
fn next_batch<T>(
    decoded: &Receiver<Decoded>,
    batch: NonZeroUsize,
    take: &mut impl FnMut(usize, Seen<T>) -> Result<()>,
) -> Result<Option<(Vec<usize>, Vec<RgbImage>)>> {
    let group: Vec<Decoded> = decoded.iter().take(batch.get()).collect();
    if group.is_empty() {
        return Ok(None);
    }
    let (mut places, mut pictures) = (Vec::new(), Vec::new());
    for (place, picture) in group {
        match picture {
            Ok(picture) => {
                places.push(place);
                pictures.push(picture);
            }
            Err(error) => take(place, Seen::Unreadable(error))?,
        }
    }
    Ok(Some((places, pictures)))
}
