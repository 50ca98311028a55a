//! A clip as frames: ffmpeg decodes, turns, chooses and shrinks; what comes are pictures with time stamps.

use crate::error::VideoError;
use crate::ffmpeg::{Ended, Ffmpeg, Process};
use crate::frame::{AudioFormat, AudioPacket, ClipFormat, Frame, Item};
use crate::nut::{self, NutError, Reader, StreamKind};
use crate::pixels::PixelFormat;
use crate::{DecodeOptions, DecoderStop, Source};
use std::io::{BufReader, ErrorKind};
use std::process::{ChildStdout, Command, Stdio};

/// Sound is often a little longer than the pictures; a clip that ends so much before its time, with
/// complaints, was cut short.
const MISSING_SECS: f64 = 0.5;

/// Frames of a clip that ffmpeg reads.
#[derive(Debug)]
pub(crate) struct Decoder {
    input: String,
    process: Process,
    reader: Option<Reader<BufReader<ChildStdout>>>,
    format: ClipFormat,
    pixel_format: PixelFormat,
    video_stream: usize,
    options: DecodeOptions,
    next_index: usize,
    last_ticks: i64,
    audio: Vec<AudioPacket>,
    stop: DecoderStop,
}

impl Decoder {
    pub fn open(
        ffmpeg: &Ffmpeg,
        source: &Source,
        options: &DecodeOptions,
        stop: &DecoderStop,
    ) -> Result<Self, VideoError> {
        let input = source.to_string();
        if let Source::File(path) = source
            && std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0)
        {
            return Err(VideoError::Empty { input });
        }
        let start_error = |source| VideoError::Start { path: ffmpeg.path().to_owned(), source };
        let mut process = Process::start(command(ffmpeg, source, options)).map_err(start_error)?;
        stop.reach(process.stopper());
        let output = process.take_output().map_err(start_error)?;
        match Headers::read(output, options.every.get()) {
            Ok(headers) => Ok(Self {
                input,
                process,
                reader: Some(headers.reader),
                format: headers.format,
                pixel_format: headers.pixel_format,
                video_stream: headers.video_stream,
                options: options.clone(),
                next_index: 0,
                last_ticks: 0,
                audio: Vec::new(),
                stop: stop.clone(),
            }),
            Err(error) => {
                process.stopper().stop();
                Err(no_frames(input, options, process.wait().ok().as_ref(), Some(&error)))
            }
        }
    }

    pub fn format(&self) -> &ClipFormat {
        &self.format
    }

    /// How many frames will come, as well as can be told.
    pub fn expected_frames(&self) -> Option<usize> {
        let rate = self.process.facts().frames_per_sec?;
        let frames = (self.expected_secs()? * rate / self.options.every.get() as f64).round();
        (frames >= 1.0).then_some(frames as usize)
    }

    fn expected_secs(&self) -> Option<f64> {
        let DecodeOptions { start, end, .. } = &self.options;
        let length = self.process.facts().duration;
        let end = match (length, end) {
            (Some(length), Some(end)) => Some(length.min(*end)),
            (length, end) => length.or(*end),
        };
        Some(end?.saturating_sub(start.unwrap_or_default()).as_secs_f64())
    }

    fn next_item(&mut self) -> Result<Option<Item>, VideoError> {
        loop {
            let Some(reader) = &mut self.reader else { return Ok(None) };
            if self.stop.happened() {
                return Ok(self.finish());
            }
            match reader.next_packet() {
                Ok(Some(packet)) if packet.stream == self.video_stream => {
                    return self.frame(packet).map(Some);
                }
                Ok(Some(packet)) => {
                    self.audio.push(AudioPacket { ticks: packet.ticks, samples: packet.data });
                }
                Ok(None) => {
                    self.check_end(None)?;
                    return Ok(self.finish());
                }
                Err(error) if self.stop.happened() => {
                    // It was stopped inside a frame.
                    drop(error);
                    return Ok(self.finish());
                }
                Err(error) => {
                    self.check_end(Some(&error))?;
                    let (input, frame) = (self.input.clone(), self.next_index);
                    return Err(VideoError::Stream { input, frame, source: error });
                }
            }
        }
    }

    fn frame(&mut self, packet: nut::Packet) -> Result<Item, VideoError> {
        let picture = self.pixel_format.read(self.format.size, packet.data).map_err(|found| {
            let source = NutError::Invalid { found, expected: "all frames of one size" };
            VideoError::Stream { input: self.input.clone(), frame: self.next_index, source }
        })?;
        let index = self.next_index;
        self.next_index += 1;
        self.last_ticks = packet.ticks;
        let audio = std::mem::take(&mut self.audio);
        Ok(Item::Frame(Frame { index, ticks: packet.ticks, picture, audio }))
    }

    /// Whether the end that has come is that of the clip.
    fn check_end(&mut self, broken: Option<&NutError>) -> Result<(), VideoError> {
        let frames = self.next_index;
        let input = self.input.clone();
        if broken.is_some_and(|error| !is_end(error)) {
            return Ok(());
        }
        let Ok(ended) = self.process.wait() else { return Ok(()) };
        let reason = ended.reason();
        if frames == 0 {
            return Err(no_frames(input, &self.options, Some(&ended), broken));
        }
        let shown_secs = self.format.time_base.secs(self.last_ticks);
        let missing = self.expected_secs().map_or(0.0, |expected| expected - shown_secs);
        let is_short = missing > MISSING_SECS + self.gap_secs();
        let complained = !ended.log.complaints.is_empty();
        if !ended.status.success() || broken.is_some() || (is_short && complained) {
            return Err(VideoError::CutShort { input, frames, reason });
        }
        Ok(())
    }

    /// The time from one frame to the next, roughly.
    fn gap_secs(&self) -> f64 {
        let shown_secs = self.format.time_base.secs(self.last_ticks);
        2.0 * shown_secs / self.next_index.saturating_sub(1).max(1) as f64
    }

    /// The sound that is left, once.
    fn finish(&mut self) -> Option<Item> {
        self.reader = None;
        let audio = std::mem::take(&mut self.audio);
        (!audio.is_empty()).then_some(Item::LastAudio(audio))
    }
}

impl Iterator for Decoder {
    type Item = Result<Item, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_item().transpose();
        if matches!(item, Some(Err(_))) {
            self.reader = None;
        }
        item
    }
}

fn is_end(error: &NutError) -> bool {
    matches!(error, NutError::Io(error) if error.kind() == ErrorKind::UnexpectedEof)
}

/// Why not a single frame came from an ffmpeg that is over: what it says itself comes first.
fn no_frames(
    input: String,
    options: &DecodeOptions,
    ended: Option<&Ended>,
    broken: Option<&NutError>,
) -> VideoError {
    let complaining = ended.filter(|ended| !ended.log.complaints.is_empty());
    match (complaining, broken.filter(|error| !is_end(error)), options.part()) {
        (Some(ended), _, _) => VideoError::NoFrames { input, reason: ended.reason() },
        (None, Some(error), _) => VideoError::NoFrames { input, reason: error.to_string() },
        (None, None, Some(part)) => {
            let length = ended.and_then(|ended| ended.log.facts.duration);
            VideoError::NothingInPart { input, part, length }
        }
        (None, None, None) => {
            VideoError::NoFrames { input, reason: "it ends before the first one".to_owned() }
        }
    }
}

struct Headers {
    reader: Reader<BufReader<ChildStdout>>,
    format: ClipFormat,
    pixel_format: PixelFormat,
    video_stream: usize,
}

impl Headers {
    fn read(output: ChildStdout, every: usize) -> Result<Self, NutError> {
        let reader = Reader::open(BufReader::new(output))?;
        let mut video = None;
        let mut audio = None;
        for (number, stream) in reader.streams().enumerate() {
            let time_base = stream.time_base;
            match stream.kind {
                StreamKind::Video { size, frame_rate, pixel_aspect } => {
                    let frame_rate = frame_rate.and_then(|rate| rate.each(every));
                    let format =
                        ClipFormat { size, time_base, frame_rate, pixel_aspect, audio: None };
                    let pixel_format = PixelFormat::of_tag(stream.tag);
                    video = pixel_format.map(|pixel_format| (number, format, pixel_format));
                }
                StreamKind::Audio { samples_per_sec, channels } => {
                    audio = Some(AudioFormat { samples_per_sec, channels, time_base });
                }
                StreamKind::Other => {}
            }
        }
        let (video_stream, format, pixel_format) = video.ok_or(NutError::Invalid {
            found: "no stream of raw pictures".into(),
            expected: "one",
        })?;
        let format = ClipFormat { audio, ..format };
        Ok(Self { reader, format, pixel_format, video_stream })
    }
}

/// A decoder with threads holds a frame for each; one alone is several times faster than detectors.
const FEW_FRAMES: [&str; 2] = ["-threads", "1"];

/// Which of the formats we read is nearest to what the clip has: RGB stays RGB. Colours that are no
/// RGB become those that [`PixelFormat::Yuv420`] names; those of BT.709 are these already. Without the
/// flags all others would come out one or two steps of 255 too dark.
const RAW_FORMAT: &str = "scale=out_color_matrix=bt709:out_range=tv\
                          :flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p|rgb24";

/// Raw frames that may wait inside ffmpeg, on either side of a pipe; its own choice is eight.
pub(crate) const FEW_WAITING: [&str; 2] = ["-thread_queue_size", "2"];

fn command(ffmpeg: &Ffmpeg, source: &Source, options: &DecodeOptions) -> Command {
    let mut command = ffmpeg.command();
    if matches!(source, Source::StandardInput) {
        command.stdin(Stdio::inherit());
    } else {
        command.arg("-nostdin").stdin(Stdio::null());
    }
    if let Source::Device(_) = source {
        command.args(["-f", "v4l2"]);
    }
    if let (Source::Numbered(_), Some(rate)) = (source, options.frame_rate) {
        command.args(["-framerate", &rate.to_string()]);
    }
    for (flag, time) in [("-ss", options.start), ("-to", options.end)] {
        if let Some(time) = time {
            command.args([flag, &format!("{:.6}", time.as_secs_f64())]);
        }
    }
    command.args(FEW_FRAMES).arg("-i").arg(source.ffmpeg_input());
    // The first real stream of pictures, not the cover of a record.
    command.args(["-map", "0:V:0", "-c:v", "rawvideo"]);
    // Every frame as often as it is there and at its own time.
    command.args(["-fps_mode", "passthrough", "-enc_time_base", ffmpeg.own_time_base()]);
    command.args(["-vf", &filters(options)]);
    if options.audio {
        command.args(["-map", "0:a:0?", "-c:a", "pcm_s16le"]);
    }
    command.args(FEW_WAITING).args(["-f", "nut", "pipe:1"]).stdout(Stdio::piped());
    command
}

fn filters(options: &DecodeOptions) -> String {
    let mut filters = Vec::new();
    if options.every.get() > 1 {
        filters.push(format!("select=not(mod(n\\,{}))", options.every));
    }
    if let Some(side) = options.max_side {
        filters.push(format!(
            "scale=w=min(iw\\,{side}):h=min(ih\\,{side}):force_original_aspect_ratio=decrease"
        ));
    }
    filters.push(RAW_FORMAT.into());
    filters.join(",")
}
