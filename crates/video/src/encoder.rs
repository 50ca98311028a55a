//! Frames as a clip: ffmpeg encodes H.264 and keeps the sound.
//!
//! While it grows the clip lies beside its place under a hidden name, in fragments that a player can
//! show at any moment. At the end its parts are put in the usual order, without being encoded again,
//! and it gets its name. Where the encoder dies, or the disk is full, the fragments themselves do.

use crate::decoder::FEW_WAITING;
use crate::error::VideoError;
use crate::ffmpeg::{Ffmpeg, Process};
use crate::frame::{AudioPacket, ClipFormat, Frame};
use crate::nut::{PCM16, Stream, StreamKind, Writer};
use crate::pixels::{PixelFormat, write_yuv420};
use kestrel_core::WholeFile;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

/// Visually lossless is about 17, x264's own choice 23.
const QUALITY: &str = "20";

/// Fast enough to leave the processor to the detector.
const PRESET: &str = "veryfast";

/// Of larger frames than those of 1080p the encoder holds few: it does not look further ahead than one,
/// and its threads share a frame instead of having one each, which would take 0.4 GB with 4K.
const LARGE_FRAME_PX: usize = 1920 * 1088;
const FEW_HELD: &str = "rc-lookahead=1:sync-lookahead=0:bframes=0:sliced-threads=1:threads=4";

/// A clip whose encoder died lacks about this much at its end; and a player can jump so finely.
const KEY_FRAME_SECS: u32 = 2;

/// H.264 as every player takes it has even sides, so that an odd one gets another line; and says which
/// colours it has, or players guess by the size.
const FILTERS: &str = "pad=w=ceil(iw/2)*2:h=ceil(ih/2)*2,\
                       setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv";

/// Where the streams are in the pipe to ffmpeg.
const VIDEO: usize = 0;
const AUDIO: usize = 1;

/// The containers that clips are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `.mp4` and `.m4v`.
    Mp4,
    /// `.mov`.
    Mov,
    /// `.mkv`.
    Matroska,
}

impl Container {
    /// The one a file's extension asks for.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Some(Self::Mp4),
            "mov" => Some(Self::Mov),
            "mkv" => Some(Self::Matroska),
            _ => None,
        }
    }

    fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Matroska => "matroska",
        }
    }

    /// Options for a clip that is playable before it ends.
    fn growing(self) -> &'static [&'static str] {
        match self {
            Self::Mp4 | Self::Mov => &["-movflags", "+frag_keyframe+delay_moov+default_base_moof"],
            Self::Matroska => &[],
        }
    }

    /// Options for a clip that begins with its index.
    fn whole(self) -> &'static [&'static str] {
        match self {
            Self::Mp4 | Self::Mov => &["-movflags", "+faststart"],
            Self::Matroska => &["-cues_to_front", "1"],
        }
    }
}

/// A clip that is being written.
#[derive(Debug)]
pub struct Encoder {
    ffmpeg: Ffmpeg,
    path: PathBuf,
    container: Container,
    // Fields are dropped in this order: an ffmpeg that outlived the file could create it anew.
    process: Process,
    /// Of which only the name is needed: ffmpeg opens the file itself.
    growing: WholeFile,
    writer: Option<Writer<ChildStdin>>,
    /// The last frame as it was written, for the next one's room.
    planes: Vec<u8>,
    num_frames: usize,
    last_ticks: Option<i64>,
}

impl Encoder {
    /// Begins a clip at `path`, which appears there when it is finished.
    ///
    /// # Errors
    /// When the folder takes no files or ffmpeg cannot be started.
    pub fn open(
        ffmpeg: &Ffmpeg,
        path: &Path,
        container: Container,
        format: &ClipFormat,
    ) -> Result<Self, VideoError> {
        let write_error = |source| VideoError::Write { path: path.to_owned(), source };
        let growing = WholeFile::create_with_extension(path).map_err(write_error)?;
        let start_error = |source| VideoError::Start { path: ffmpeg.path().to_owned(), source };
        let command = command(ffmpeg, growing.hidden_path(), container, format);
        let mut process = Process::start(command).map_err(start_error)?;
        let input = process.take_input().map_err(start_error)?;
        let mut encoder = Self {
            ffmpeg: ffmpeg.clone(),
            path: path.to_owned(),
            container,
            growing,
            process,
            writer: None,
            planes: Vec::new(),
            num_frames: 0,
            last_ticks: None,
        };
        match Writer::open(input, &streams(format)) {
            Ok(writer) => encoder.writer = Some(writer),
            Err(error) => return Err(encoder.died(&error)),
        }
        Ok(encoder)
    }

    /// Writes a frame and the sound before it.
    ///
    /// # Errors
    /// When ffmpeg has died.
    pub fn write(&mut self, frame: &Frame) -> Result<(), VideoError> {
        // Cameras repeat time stamps; a player needs each frame to have its own.
        let ticks = self.last_ticks.map_or(frame.ticks, |last| frame.ticks.max(last + 1));
        self.last_ticks = Some(ticks);
        self.write_audio(&frame.audio)?;
        let mut planes = std::mem::take(&mut self.planes);
        write_yuv420(&frame.picture, &mut planes).map_err(|error| VideoError::Write {
            path: self.path.clone(),
            source: io::Error::other(error),
        })?;
        self.write_packet(VIDEO, ticks, &planes)?;
        self.planes = planes;
        self.num_frames += 1;
        Ok(())
    }

    /// Writes sound alone.
    ///
    /// # Errors
    /// When ffmpeg has died.
    pub fn write_audio(&mut self, audio: &[AudioPacket]) -> Result<(), VideoError> {
        for AudioPacket { ticks, samples } in audio {
            self.write_packet(AUDIO, *ticks, samples)?;
        }
        Ok(())
    }

    fn write_packet(&mut self, stream: usize, ticks: i64, data: &[u8]) -> Result<(), VideoError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.write(stream, ticks, data).map_err(|error| self.died(&error))
    }

    /// What killed the process, and no more writing to it.
    fn died(&mut self, error: &io::Error) -> VideoError {
        self.writer = None;
        let reason = match self.process.wait() {
            Ok(ended) => ended.reason(),
            Err(_) => error.to_string(),
        };
        VideoError::Encoder { path: self.path.clone(), frames: self.num_frames, reason }
    }

    /// Ends the clip and gives it its name; also after a failed write, and then with what there is.
    /// Without a frame there is no clip.
    ///
    /// # Errors
    /// When the end cannot be written. What can be shown has its name all the same.
    pub fn finish(mut self) -> Result<(), VideoError> {
        let ended = self.end();
        if self.num_frames == 0 {
            return ended;
        }
        self.publish().and(ended)
    }

    fn end(&mut self) -> Result<(), VideoError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        if let Err(error) = writer.finish().map(drop) {
            return Err(self.died(&error));
        }
        let frames = self.num_frames;
        let path = self.path.clone();
        match self.process.wait() {
            Ok(ended) if ended.status.success() => Ok(()),
            Ok(ended) => Err(VideoError::Encoder { path, frames, reason: ended.reason() }),
            Err(source) => Err(VideoError::Write { path, source }),
        }
    }

    /// Puts the index first; where that fails the fragments get the name.
    fn publish(self) -> Result<(), VideoError> {
        let Self { ffmpeg, path, container, growing, .. } = self;
        let ordered = in_order(&ffmpeg, growing.hidden_path(), &path, container);
        let has_content = || growing.as_file().metadata().is_ok_and(|file| file.len() > 0);
        if ordered.is_err() && !has_content() {
            return Ok(());
        }
        let clip = ordered.unwrap_or(growing);
        clip.commit().map_err(|source| VideoError::Write { path, source })
    }
}

/// A copy whose index comes first.
fn in_order(
    ffmpeg: &Ffmpeg,
    growing: &Path,
    path: &Path,
    container: Container,
) -> io::Result<WholeFile> {
    let ordered = WholeFile::create_with_extension(path)?;
    let mut command = ffmpeg.command();
    command.arg("-nostdin").stdin(Stdio::null()).arg("-y").arg("-i").arg(named(growing));
    command.args(["-map", "0", "-c", "copy"]).args(container.whole());
    command.args(["-f", container.muxer()]).arg(named(ordered.hidden_path()));
    let ended = Process::start(command)?.wait()?;
    match ended.status.success() {
        true => Ok(ordered),
        false => Err(io::Error::other(ended.reason())),
    }
}

fn command(ffmpeg: &Ffmpeg, growing: &Path, container: Container, format: &ClipFormat) -> Command {
    let mut command = ffmpeg.command();
    // The headers say everything: no frame has to be waited for.
    command.args(["-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0"]);
    command.args(FEW_WAITING).args(["-f", "nut", "-i", "pipe:0", "-map", "0:v:0"]);
    command.args(["-fps_mode", "passthrough", "-enc_time_base", ffmpeg.own_time_base()]);
    command.args(["-vf", FILTERS]);
    command.args(["-c:v", "libx264", "-preset", PRESET, "-crf", QUALITY]);
    if format.size.area() > LARGE_FRAME_PX {
        command.args(["-x264-params", FEW_HELD]);
    }
    command.args(["-force_key_frames", &format!("expr:gte(t,n_forced*{KEY_FRAME_SECS})")]);
    if let Some(audio) = &format.audio {
        let bits_per_sec = 96_000 * audio.channels.clamp(1, 6);
        command.args(["-map", "0:a:0", "-c:a", "aac", "-b:a", &bits_per_sec.to_string()]);
    }
    // What is in a buffer when ffmpeg dies is lost.
    command.args(container.growing()).args(["-flush_packets", "1"]);
    command.args(["-y", "-f", container.muxer()]).arg(named(growing));
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

fn streams(format: &ClipFormat) -> Vec<Stream> {
    let &ClipFormat { size, time_base, frame_rate, pixel_aspect, audio } = format;
    let video = Stream {
        tag: PixelFormat::Yuv420.tag(),
        time_base,
        kind: StreamKind::Video { size, frame_rate, pixel_aspect },
    };
    let audio = audio.map(|audio| Stream {
        tag: PCM16,
        time_base: audio.time_base,
        kind: StreamKind::Audio {
            samples_per_sec: audio.samples_per_sec,
            channels: audio.channels,
        },
    });
    std::iter::once(video).chain(audio).collect()
}

/// A name with a colon would be taken for a protocol.
fn named(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}
