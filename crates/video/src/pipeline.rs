//! The five stages of a run, each in a thread. A frame goes from hand to hand: a stage that is slow holds
//! up those before it, and memory does not depend on the length of the clip.
//!
//! ```text
//! decode -> detect -> follow -> draw -> encode
//! ```
//!
//! A stage works through its frames in order, so they stay in order. One that fails, or whose input
//! ends, closes its queues: what lies after it finishes what it has, what lies before it stops.

use crate::error::VideoError;
use crate::frame::{AudioPacket, Frame, Item};
use crate::timing::{StageTime, Stopwatch};
use kestrel_core::{Detections, RgbImage};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Frames that wait between two stages, beside the one each has in hand. More would take memory (25 MB
/// each with 4K) and gain nothing where one stage is the slowest nearly always.
const ROOM: usize = 0;

/// What the stages do; decoding is up to the source.
///
/// `detect` runs in the calling thread, all others in threads of their own.
pub struct Stages<Detect, Follow, Draw, Encode> {
    /// Finds the objects of so many pictures at once.
    pub detect: Detect,
    /// Says which object is which, and keeps the record; what it returns is drawn.
    pub follow: Follow,
    /// Draws on the picture.
    pub draw: Draw,
    /// Takes the picture away.
    pub encode: Encode,
}

/// How a run went.
#[derive(Debug)]
pub struct Run<E> {
    /// Frames that went through all stages.
    pub num_frames: usize,
    /// How each stage spent its time.
    pub times: Vec<StageTime>,
    /// What ended it early.
    pub failure: Option<E>,
}

/// What passes between stages: a frame with what is known of it, or the sound after the last.
enum Passing<T> {
    Frame(Frame, T),
    LastAudio(Vec<AudioPacket>),
}

/// Runs all frames of `source` through the stages, `batch` at a time through the detector.
pub fn run<Source, Detect, Follow, Draw, Encode, Found, E>(
    source: Source,
    batch: NonZeroUsize,
    stages: Stages<Detect, Follow, Draw, Encode>,
) -> Run<E>
where
    Source: Iterator<Item = Result<Item, VideoError>> + Send,
    Detect: FnMut(&[RgbImage]) -> Result<Vec<Detections>, E>,
    Follow: FnMut(&Frame, Detections) -> Result<Found, E> + Send,
    Draw: FnMut(&mut RgbImage, Found) -> Result<(), E> + Send,
    Encode: FnMut(Item) -> Result<(), E> + Send,
    Found: Send,
    E: From<VideoError> + Send,
{
    let Stages { mut detect, mut follow, mut draw, encode } = stages;
    let failure = Failure::default();
    let mut num_frames = 0;
    let times = thread::scope(|scope| {
        let (to_detect, decoded) = sync_channel(ROOM);
        let (to_follow, detected) = sync_channel(ROOM);
        let (to_draw, followed) = sync_channel(ROOM);
        let (to_encode, drawn) = sync_channel(ROOM);
        let failure = &failure;
        let decoder = scope.spawn(move || decode(source, &to_detect, failure));
        let follower = scope.spawn(move || {
            stage("follow", &detected, &to_draw, failure, |frame, found| {
                let found = follow(&frame, found)?;
                Ok((frame, found))
            })
        });
        let painter = scope.spawn(move || {
            stage("draw", &followed, &to_encode, failure, |mut frame: Frame, found| {
                draw(&mut frame.picture, found)?;
                Ok((frame, ()))
            })
        });
        let num_frames = &mut num_frames;
        let encoder = scope.spawn(move || finish(&drawn, encode, num_frames, failure));
        let detector = find(&mut detect, &decoded, &to_follow, batch, failure);
        // Whoever waits for a place in these queues, or for a frame from them, goes on.
        drop((decoded, to_follow));
        let others = [decoder, follower, painter, encoder]
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let [decoder, follower, painter, encoder] = others;
        vec![decoder, detector, follower, painter, encoder]
    });
    Run { num_frames, times, failure: failure.take() }
}

/// The last stage, which counts the frames that came through.
fn finish<E>(
    drawn: &Receiver<Passing<()>>,
    mut encode: impl FnMut(Item) -> Result<(), E>,
    num_frames: &mut usize,
    failure: &Failure<E>,
) -> StageTime {
    let mut watch = Stopwatch::start("encode");
    while let Some(passing) = watch.waiting(|| drawn.recv().ok()) {
        let done = watch.busy(|| match passing {
            Passing::Frame(frame, ()) => encode(Item::Frame(frame)).map(|()| 1),
            Passing::LastAudio(audio) => encode(Item::LastAudio(audio)).map(|()| 0),
        });
        match done {
            Ok(done) => *num_frames += done,
            Err(error) => return failure.keep(error, watch),
        }
    }
    watch.stop()
}

fn decode<E: From<VideoError>>(
    source: impl Iterator<Item = Result<Item, VideoError>>,
    to_detect: &SyncSender<Passing<()>>,
    failure: &Failure<E>,
) -> StageTime {
    let mut watch = Stopwatch::start("decode");
    let mut source = source;
    while let Some(item) = watch.busy(|| source.next()) {
        let passing = match item {
            Ok(Item::Frame(frame)) => Passing::Frame(frame, ()),
            Ok(Item::LastAudio(audio)) => Passing::LastAudio(audio),
            Err(error) => return failure.keep(error.into(), watch),
        };
        if watch.blocked(|| to_detect.send(passing)).is_err() {
            break;
        }
    }
    watch.stop()
}

fn find<E>(
    detect: &mut impl FnMut(&[RgbImage]) -> Result<Vec<Detections>, E>,
    decoded: &Receiver<Passing<()>>,
    to_follow: &SyncSender<Passing<Detections>>,
    batch: NonZeroUsize,
    failure: &Failure<E>,
) -> StageTime {
    let mut watch = Stopwatch::start("detect");
    loop {
        let (frames, last_audio) = watch.waiting(|| next_batch(decoded, batch));
        let is_last = frames.len() < batch.get();
        let (pictures, rests): (Vec<RgbImage>, Vec<Rest>) = frames.into_iter().map(apart).unzip();
        let found = match pictures.as_slice() {
            [] => Ok(Vec::new()),
            pictures => watch.busy(|| detect(pictures)),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return failure.keep(error, watch),
        };
        let frames = pictures.into_iter().zip(rests).zip(found);
        let frames =
            frames.map(|((picture, rest), found)| Passing::Frame(rest.with(picture), found));
        for passing in frames.chain(last_audio.map(Passing::LastAudio)) {
            if watch.blocked(|| to_follow.send(passing)).is_err() {
                return watch.stop();
            }
        }
        if is_last {
            return watch.stop();
        }
    }
}

/// Up to `batch` frames, fewer only at the end, and what comes after the last.
fn next_batch(
    decoded: &Receiver<Passing<()>>,
    batch: NonZeroUsize,
) -> (Vec<Frame>, Option<Vec<AudioPacket>>) {
    let mut frames = Vec::new();
    while frames.len() < batch.get() {
        match decoded.recv() {
            Ok(Passing::Frame(frame, ())) => frames.push(frame),
            Ok(Passing::LastAudio(audio)) => return (frames, Some(audio)),
            Err(_) => break,
        }
    }
    (frames, None)
}

/// A frame without its picture.
struct Rest {
    index: usize,
    ticks: i64,
    audio: Vec<AudioPacket>,
}

fn apart(Frame { index, ticks, picture, audio }: Frame) -> (RgbImage, Rest) {
    (picture, Rest { index, ticks, audio })
}

impl Rest {
    fn with(self, picture: RgbImage) -> Frame {
        let Self { index, ticks, audio } = self;
        Frame { index, ticks, picture, audio }
    }
}

/// A stage that makes one thing of each.
fn stage<A, B, E>(
    name: &'static str,
    input: &Receiver<Passing<A>>,
    output: &SyncSender<Passing<B>>,
    failure: &Failure<E>,
    mut work: impl FnMut(Frame, A) -> Result<(Frame, B), E>,
) -> StageTime {
    let mut watch = Stopwatch::start(name);
    while let Some(passing) = watch.waiting(|| input.recv().ok()) {
        let done = watch.busy(|| match passing {
            Passing::Frame(frame, known) => {
                work(frame, known).map(|(frame, known)| Passing::Frame(frame, known))
            }
            Passing::LastAudio(audio) => Ok(Passing::LastAudio(audio)),
        });
        let passing = match done {
            Ok(passing) => passing,
            Err(error) => return failure.keep(error, watch),
        };
        if watch.blocked(|| output.send(passing)).is_err() {
            break;
        }
    }
    watch.stop()
}

/// The first thing that went wrong; what follows from it is no news.
struct Failure<E>(Mutex<Option<E>>);

impl<E> Default for Failure<E> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<E> Failure<E> {
    fn keep(&self, error: E, watch: Stopwatch) -> StageTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        watch.stop()
    }

    fn take(self) -> Option<E> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
