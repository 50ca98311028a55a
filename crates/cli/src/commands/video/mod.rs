//! `kestrel video`: a clip in, the same clip with what is in it out, and the data beside it.

mod follow;
mod interrupt;
mod outputs;
mod overlay;
mod progress;

use crate::choice::Choice;
use crate::console::{self, counted};
use crate::output::video::{RunFacts, SeenFrame, Summary};
use crate::{Outcome, device, memory, model_source};
use anyhow::{Error, Result, bail};
use follow::{Clock, Follower};
use interrupt::Interrupt;
use kestrel_args::VideoArgs;
use kestrel_core::{Categories, Detections, RgbImage};
use kestrel_draw::PathAnnotation;
use kestrel_rcnn::{Model, Preparation};
use kestrel_video::{
    Clip, DecodeOptions, DecoderStop, Ffmpeg, Frame, Item, Run, Source, Stages, VideoError,
};
use outputs::Outputs;
use overlay::Overlay;
use progress::FrameProgress;
use std::io::IsTerminal;
use std::time::Instant;

/// Runs the command.
pub(crate) fn run(arguments: &VideoArgs) -> Result<Outcome> {
    let device = device::prepare(&arguments.compute)?;
    let source = Source::find(&arguments.input)?;
    arguments.check(&source).map_err(Error::msg)?;
    check_standard_input(&source)?;
    let name = model_source::chosen(&arguments.detector);
    let architecture = arguments.detector.architecture.as_deref();
    let (weights, metadata) = model_source::open(name, architecture)?;
    let categories = metadata.categories;
    let labels = Choice::labels(&arguments.classes, &categories)?;
    let least_score = if arguments.no_track { arguments.score } else { arguments.weakest_score() };
    let choice =
        Choice::new(Some(least_score), arguments.max_detections, labels, &metadata.architecture);
    let architecture = choice.applied_to(metadata.architecture);
    let precision = device::precision(arguments.detector.precision, device)?;
    let how = Preparation { precision, ..Preparation::default() };
    let model = Model::load_prepared(&architecture, &weights, device, how)?;
    drop(weights);

    let places = outputs::Places::new(arguments, &source)?;
    let stop = DecoderStop::default();
    // Before ffmpeg starts, which Ctrl-C does not reach and which may wait long for a first frame.
    let interrupt = &Interrupt::catch(stop.clone())?;
    let clip = match Clip::open(&source, &decode_options(arguments), &stop, find_ffmpeg) {
        Ok(clip) => clip,
        Err(_) if interrupt.happened() => return Ok(stopped_early()),
        Err(error) if is_about_the_clip(&error) => return Ok(failed(&error)),
        Err(error) => return Err(error),
    };
    memory::give_back_large_frames(3 * clip.format().size.area());
    let outputs = Outputs::open(arguments, places, &source, &clip, &categories, find_ffmpeg)?;
    let (model, choice, categories) = (&model, &choice, &categories);
    let following = Following { arguments, model, choice, name, categories, interrupt };
    following.run(&source, clip, outputs)
}

/// Refuses what is typed: ffmpeg, which is not in the foreground, would be halted where it reads that.
fn check_standard_input(source: &Source) -> Result<()> {
    if matches!(source, Source::StandardInput) && std::io::stdin().is_terminal() {
        bail!("-: found a terminal, expected a clip; pipe a clip in, or name a file");
    }
    Ok(())
}

/// The program, wherever it is.
pub(crate) fn find_ffmpeg() -> Result<Ffmpeg> {
    Ok(Ffmpeg::find(kestrel_zoo::cache_root().as_deref())?)
}

fn decode_options(arguments: &VideoArgs) -> DecodeOptions {
    let part = &arguments.part;
    DecodeOptions {
        every: part.every,
        start: part.start,
        end: part.end,
        max_side: part.max_side,
        frame_rate: part.fps,
        audio: !arguments.no_video,
    }
}

/// A clip that cannot be read is a failed input; everything else is wrong use.
fn is_about_the_clip(error: &Error) -> bool {
    let error = error.downcast_ref::<VideoError>();
    error.is_some_and(|error| !matches!(error, VideoError::Start { .. }))
}

fn failed(error: &Error) -> Outcome {
    console::note(format_args!("error: {}", console::message(error)));
    Outcome::SomeInputsFailed
}

fn stopped_early() -> Outcome {
    console::note("interrupted before the first frame; nothing is written");
    Outcome::Stopped
}

/// Everything a run needs beside the clip and its outputs.
struct Following<'a> {
    arguments: &'a VideoArgs,
    model: &'a Model,
    choice: &'a Choice,
    name: &'a str,
    categories: &'a Categories,
    interrupt: &'a Interrupt,
}

impl Following<'_> {
    fn run(&self, source: &Source, clip: Clip, mut outputs: Outputs) -> Result<Outcome> {
        let start_secs = self.arguments.part.start.unwrap_or_default().as_secs_f64();
        let clock = Clock { start_secs, time_base: clip.format().time_base };
        let mut follower = Follower::new(self.arguments, clock);
        let started = Instant::now();
        let run = self.through_all_stages(clip, &mut outputs, &mut follower);
        let Run { num_frames, times, failure } = run;
        let facts = RunFacts {
            source: source.to_string(),
            model: self.name.to_owned(),
            frames: num_frames,
            shown_secs: follower.last_secs - start_secs,
            took_secs: started.elapsed().as_secs_f64(),
            is_complete: failure.is_none() && !self.interrupt.happened(),
            stages: times,
        };
        let Follower { summaries, counter, .. } = &follower;
        let secs = |ticks| clock.secs(ticks);
        let summary = Summary::new(facts.clone(), summaries, counter, self.categories, secs);
        let finished = outputs.finish(&summary);
        for error in failure.iter().chain(finished.as_ref().err()) {
            failed(error);
        }
        console::print(summary.render().trim_end())?;
        report(&facts, &summary);
        if self.interrupt.happened() {
            console::note("interrupted; everything up to there is written");
        }
        match finished.is_ok() && facts.is_complete {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::SomeInputsFailed),
        }
    }

    fn through_all_stages(
        &self,
        clip: Clip,
        outputs: &mut Outputs,
        follower: &mut Follower,
    ) -> Run<Error> {
        let mut progress = FrameProgress::start(clip.expected_frames());
        let overlay = Overlay::new(self.categories);
        let Outputs { sink, encoder, .. } = outputs;
        let draws = encoder.is_some();
        let stages = Stages {
            detect: |pictures: &[RgbImage]| {
                let found = self.model.detect(pictures)?;
                Ok(found.into_iter().map(|found| self.choice.keep(found)).collect())
            },
            follow: |frame: &Frame, found: Detections| {
                let seen = follower.follow(frame, found);
                sink.write(&seen)?;
                let paths = if draws { overlay.paths(&follower.counter) } else { Vec::new() };
                Ok((seen, paths))
            },
            draw: |picture: &mut RgbImage, (seen, paths): (SeenFrame, Vec<PathAnnotation>)| {
                if draws {
                    overlay.draw(picture, &seen, &paths);
                }
                Ok(())
            },
            encode: |item: Item| {
                match (encoder.as_mut(), &item) {
                    (Some(encoder), Item::Frame(frame)) => encoder.write(frame)?,
                    (Some(encoder), Item::LastAudio(audio)) => encoder.write_audio(audio)?,
                    (None, _) => {}
                }
                if matches!(item, Item::Frame(_)) {
                    progress.step();
                }
                Ok::<(), Error>(())
            },
        };
        let run = kestrel_video::run(clip, self.arguments.batch, stages);
        progress.finish();
        run
    }
}

/// The last lines: how much in what time, and who was busy.
fn report(facts: &RunFacts, summary: &Summary) {
    let secs = facts.took_secs;
    let tracks = match summary.num_tracks() {
        0 => String::new(),
        count => format!(", {}", counted(count, "track")),
    };
    let frames = counted(facts.frames, "frame");
    let rate = facts.frames as f64 / secs.max(f64::MIN_POSITIVE);
    console::note(format_args!("{frames}{tracks}, {secs:.1} s, {rate:.1} frames a second"));
    let busy = facts
        .stages
        .iter()
        .map(|stage| format!("{} {:.0} %", stage.name, 100.0 * stage.busy_ratio()));
    console::note(format_args!("busy: {}", busy.collect::<Vec<_>>().join(", ")));
}
