//! Clips through the real ffmpeg, a few small frames each. Where there is none, each test says that it
//! was skipped.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use kestrel_core::{ImageSize, RgbImage};
use kestrel_video::{
    AudioPacket, Clip, ClipFormat, Container, DecodeOptions, DecoderStop, Encoder, Ffmpeg, Frame,
    FrameRate, Item, Source, TimeBase, VideoError,
};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// H.264 at this quality moves a plain colour by a few levels.
const COLOR_TOLERANCE: u8 = 8;

fn ffmpeg() -> Option<Ffmpeg> {
    let found = Ffmpeg::find(kestrel_zoo::cache_root().as_deref());
    if let Err(error) = &found {
        eprintln!("skipped: {error}");
    }
    found.ok()
}

/// A folder with clips that ffmpeg draws.
struct Workplace {
    ffmpeg: Ffmpeg,
    folder: tempfile::TempDir,
}

impl Workplace {
    fn new() -> Option<Self> {
        Some(Self { ffmpeg: ffmpeg()?, folder: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs ffmpeg with these arguments; `{}` is the folder.
    fn draw(&self, arguments: &str) {
        let arguments = arguments.replace("{}", self.folder.path().to_str().unwrap());
        let mut command = Command::new(self.ffmpeg.path());
        command.args(["-v", "error", "-y", "-f", "lavfi"]).args(arguments.split(' '));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn open(&self, name: &str, options: &DecodeOptions) -> Result<Clip, VideoError> {
        let source = Source::find(self.path(name).to_str().unwrap()).unwrap();
        Clip::open(&source, options, &DecoderStop::default(), || Ok(self.ffmpeg.clone()))
    }

    fn frames(&self, name: &str, options: &DecodeOptions) -> Vec<Frame> {
        frames(self.open(name, options).unwrap())
    }

    fn encoder(&self, name: &str, format: &ClipFormat) -> Encoder {
        let path = self.path(name);
        let container = Container::of(&path).unwrap();
        Encoder::open(&self.ffmpeg, &path, container, format).unwrap()
    }
}

fn frames(clip: Clip) -> Vec<Frame> {
    let frames = clip.filter_map(|item| match item.unwrap() {
        Item::Frame(frame) => Some(frame),
        Item::LastAudio(_) => None,
    });
    frames.collect()
}

fn format(size: ImageSize, rate: u64) -> ClipFormat {
    let frame_rate = FrameRate::new(rate, 1);
    let time_base = TimeBase::new(1, rate).unwrap();
    ClipFormat { size, time_base, frame_rate, pixel_aspect: [1, 1], audio: None }
}

fn plain(index: usize, ticks: i64, size: ImageSize, rgb: [u8; 3]) -> Frame {
    Frame { index, ticks, picture: RgbImage::filled(size, rgb), audio: Vec::new() }
}

fn secs(clip: &[Frame], time_base: TimeBase) -> Vec<f64> {
    clip.iter().map(|frame| (1000.0 * time_base.secs(frame.ticks)).round() / 1000.0).collect()
}

#[test]
fn frames_come_back_with_their_times_and_colours() {
    let Some(work) = Workplace::new() else { return };
    // Odd sides get a line and a column; uneven times stay.
    let size = ImageSize::new(47, 65);
    let ticks = [0, 1, 3, 10, 11];
    let colors = [[250, 20, 20], [20, 250, 20], [20, 20, 250], [128, 128, 128], [240, 240, 30]];
    for name in ["a.mp4", "b.mov", "c.mkv"] {
        let mut encoder = work.encoder(name, &format(size, 10));
        for (index, (&ticks, &rgb)) in ticks.iter().zip(&colors).enumerate() {
            encoder.write(&plain(index, ticks, size, rgb)).unwrap();
        }
        assert!(!work.path(name).exists(), "it has its name at the end");
        encoder.finish().unwrap();
        let clip = work.open(name, &DecodeOptions::default()).unwrap();
        assert_eq!(clip.format().size, ImageSize::new(48, 66));
        let time_base = clip.format().time_base;
        let frames = frames(clip);
        assert_eq!(secs(&frames, time_base), [0.0, 0.1, 0.3, 1.0, 1.1], "{name}");
        for (frame, expected) in frames.iter().zip(colors) {
            let middle = (20 * 66 + 30) * 3;
            let found = &frame.picture.pixels()[middle..middle + 3];
            let far = found.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(far <= COLOR_TOLERANCE, "{name}: {found:?}, not {expected:?}");
        }
    }
    let left = std::fs::read_dir(work.folder.path()).unwrap().count();
    assert_eq!(left, 3, "nothing else is left");
}

#[test]
fn a_variable_rate_and_a_rotation_are_honoured() {
    let Some(work) = Workplace::new() else { return };
    work.draw(
        "-i testsrc=size=64x32:rate=10:duration=2 -vf select=not(mod(n\\,3))+eq(n\\,4) -fps_mode \
         passthrough -c:v libx264 {}/vfr.mp4",
    );
    let clip = work.open("vfr.mp4", &DecodeOptions::default()).unwrap();
    let time_base = clip.format().time_base;
    assert_eq!(secs(&frames(clip), time_base), [0.0, 0.3, 0.4, 0.6, 0.9, 1.2, 1.5, 1.8]);

    work.draw("-i color=red:size=64x32:rate=5:duration=1 -c:v libx264 {}/flat.mp4");
    let (flat, turned) = (work.path("flat.mp4"), work.path("turned.mp4"));
    let mut turn = Command::new(work.ffmpeg.path());
    turn.args(["-v", "error", "-display_rotation", "90", "-i"]).arg(flat);
    assert!(turn.args(["-c", "copy"]).arg(turned).status().unwrap().success());
    let clip = work.open("turned.mp4", &DecodeOptions::default()).unwrap();
    assert_eq!(clip.format().size, ImageSize::new(64, 32));
}

#[test]
fn parts_are_chosen_and_shrunk() {
    let Some(work) = Workplace::new() else { return };
    work.draw("-i testsrc=size=96x64:rate=10:duration=3 -c:v libx264 -g 7 {}/clip.mp4");
    let options = DecodeOptions {
        start: Some(Duration::from_millis(1100)),
        end: Some(Duration::from_millis(2100)),
        every: NonZeroUsize::new(3).unwrap(),
        max_side: NonZeroUsize::new(48),
        ..DecodeOptions::default()
    };
    let clip = work.open("clip.mp4", &options).unwrap();
    assert_eq!(clip.format().size, ImageSize::new(32, 48));
    assert_eq!(clip.format().frame_rate, FrameRate::new(10, 3));
    let time_base = clip.format().time_base;
    assert_eq!(secs(&frames(clip), time_base), [0.0, 0.3, 0.6, 0.9]);
    // What is small enough stays as it is.
    let options = DecodeOptions { max_side: NonZeroUsize::new(200), ..DecodeOptions::default() };
    assert_eq!(work.open("clip.mp4", &options).unwrap().format().size, ImageSize::new(64, 96));
}

#[test]
fn a_part_without_pictures_is_told_from_a_broken_clip() {
    let Some(work) = Workplace::new() else { return };
    work.draw("-i testsrc=size=64x32:rate=5:duration=1 -c:v libx264 {}/clip.mp4");
    let refusal = |start: u64, end: Option<u64>| {
        let (start, end) = (Duration::from_millis(start), end.map(Duration::from_millis));
        let options = DecodeOptions { start: Some(start), end, ..DecodeOptions::default() };
        let error = work.open("clip.mp4", &options).unwrap_err().to_string();
        error.split_once("clip.mp4: found no picture ").unwrap().1.to_owned()
    };
    let ending = "; the clip ends after 1 s; choose another part with --start or --end";
    assert_eq!(refusal(600_000, None), format!("from 600 s on{ending}"));
    // The last picture comes at 0.8 s.
    assert_eq!(refusal(900, None), format!("from 0.9 s on{ending}"));
    assert_eq!(refusal(1000, Some(1500)), format!("from 1 s to 1.5 s{ending}"));
}

#[test]
fn sound_is_kept() {
    let Some(work) = Workplace::new() else { return };
    work.draw(
        "-i testsrc=size=64x32:rate=10:duration=1 -f lavfi -i sine=duration=1.4:sample_rate=44100 \
         -c:v libx264 -c:a aac {}/in.mp4",
    );
    let clip = work.open("in.mp4", &DecodeOptions::default()).unwrap();
    let format = clip.format().clone();
    let audio = format.audio.unwrap();
    assert_eq!((audio.samples_per_sec, audio.channels), (44_100, 1));
    let mut encoder = work.encoder("out.mp4", &format);
    for item in clip {
        match item.unwrap() {
            Item::Frame(frame) => encoder.write(&frame).unwrap(),
            Item::LastAudio(audio) => encoder.write_audio(&audio).unwrap(),
        }
    }
    encoder.finish().unwrap();
    let (mut num_frames, mut num_bytes) = (0, 0);
    let mut count = |audio: &[AudioPacket]| {
        num_bytes += audio.iter().map(|packet| packet.samples.len()).sum::<usize>();
    };
    for item in work.open("out.mp4", &DecodeOptions::default()).unwrap() {
        match item.unwrap() {
            Item::Frame(frame) => {
                num_frames += 1;
                count(&frame.audio);
            }
            Item::LastAudio(audio) => count(&audio),
        }
    }
    assert_eq!(num_frames, 10);
    // To one block of AAC, 1024 samples, at each end.
    let secs = num_bytes as f64 / 2.0 / 44_100.0;
    assert!((secs - 1.4).abs() < 2.0 * 1024.0 / 44_100.0, "{secs} s of sound");
}

#[test]
fn pictures_are_frames() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..7u8 {
        let picture = RgbImage::filled(ImageSize::new(8, 12), [index; 3]);
        let path = folder.path().join(format!("frame-{index:03}.png"));
        kestrel_data::write_picture(&path, &picture).unwrap();
    }
    let open = |options: &DecodeOptions| {
        let source = Source::find(folder.path().to_str().unwrap()).unwrap();
        let stop = DecoderStop::default();
        let no_ffmpeg = || unreachable!("no ffmpeg is needed");
        Clip::open::<VideoError>(&source, options, &stop, no_ffmpeg).unwrap()
    };
    let options = DecodeOptions {
        frame_rate: FrameRate::new(5, 1),
        start: Some(Duration::from_millis(300)),
        every: NonZeroUsize::new(2).unwrap(),
        ..DecodeOptions::default()
    };
    let clip = open(&options);
    assert_eq!(clip.expected_frames(), Some(3));
    let frames = frames(clip);
    let levels: Vec<u8> = frames.iter().map(|frame| frame.picture.pixels()[0]).collect();
    assert_eq!(levels, [2, 4, 6]);
    assert_eq!(frames.iter().map(|frame| frame.ticks).collect::<Vec<_>>(), [0, 2, 4]);

    let source = Source::find(folder.path().to_str().unwrap()).unwrap();
    let late = DecodeOptions { start: Some(Duration::from_secs(9)), ..options };
    let clip = Clip::open::<VideoError>(&source, &late, &DecoderStop::default(), || unreachable!());
    let error = clip.unwrap_err().to_string();
    let found = "found no picture from 9 s on; the clip ends after 1.4 s; choose another part";
    assert!(error.starts_with(&format!("{source}: {found}")), "{error}");

    let other = RgbImage::filled(ImageSize::new(9, 12), [0; 3]);
    kestrel_data::write_picture(&folder.path().join("frame-900.png"), &other).unwrap();
    let like_the_first = RgbImage::filled(ImageSize::new(8, 12), [0; 3]);
    kestrel_data::write_picture(&folder.path().join("frame-901.png"), &like_the_first).unwrap();
    let mut clip = open(&DecodeOptions::default());
    let error = clip.find_map(Result::err).unwrap();
    assert!(clip.next().is_none(), "an error is the end");
    assert!(error.to_string().contains("the picture is 12x9, those before it are 12x8"), "{error}");
}

#[test]
fn what_is_no_clip_is_refused() {
    let Some(work) = Workplace::new() else { return };
    std::fs::write(work.path("empty.mp4"), "").unwrap();
    std::fs::write(work.path("text.mp4"), "not a clip at all").unwrap();
    work.draw("-i sine=duration=0.2 -c:a aac {}/sound.mp4");
    for (name, reason) in [
        ("empty.mp4", "the file is empty"),
        ("text.mp4", "ffmpeg finds no picture in it"),
        ("sound.mp4", "it has no video"),
    ] {
        let error = work.open(name, &DecodeOptions::default()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(name), "{error}");
    }
}

#[test]
fn a_clip_that_breaks_off_gives_what_it_has() {
    let Some(work) = Workplace::new() else { return };
    work.draw(
        "-i testsrc2=size=128x96:rate=10:duration=4 -c:v libx264 -g 10 -movflags +faststart \
         {}/whole.mp4",
    );
    let bytes = std::fs::read(work.path("whole.mp4")).unwrap();
    std::fs::write(work.path("cut.mp4"), &bytes[..bytes.len() * 6 / 10]).unwrap();
    let mut clip = work.open("cut.mp4", &DecodeOptions::default()).unwrap();
    let num_frames = clip.by_ref().take_while(Result::is_ok).count();
    assert!((5..40).contains(&num_frames), "{num_frames} frames");
    assert!(clip.next().is_none(), "an error is the end");
    let error = work.open("cut.mp4", &DecodeOptions::default()).unwrap().find_map(Result::err);
    let error = error.unwrap().to_string();
    assert!(error.contains(&format!("stopped after {num_frames} frames")), "{error}");
}

#[test]
fn a_clip_can_be_stopped() {
    let Some(work) = Workplace::new() else { return };
    work.draw(
        "-i testsrc=size=64x64:rate=10:duration=60 -c:v libx264 -preset ultrafast {}/long.mp4",
    );
    let stop = DecoderStop::default();
    let (source, options) = (Source::File(work.path("long.mp4")), DecodeOptions::default());
    let ffmpeg = || Ok(work.ffmpeg.clone());
    let mut clip = Clip::open::<VideoError>(&source, &options, &stop, ffmpeg).unwrap();
    assert!(clip.next().is_some());
    stop.stop();
    assert!(clip.all(|item| item.is_ok()), "that is no failure");
}

#[test]
fn a_clip_can_be_stopped_before_its_first_frame() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let source = Source::find(&format!("tcp://{}", silent.local_addr().unwrap())).unwrap();
    let stop = DecoderStop::default();
    let open =
        || Clip::open::<VideoError>(&source, &DecodeOptions::default(), &stop, || Ok(ffmpeg));
    std::thread::scope(|scope| {
        let opening = scope.spawn(open);
        // Held until the end, or ffmpeg would see one itself.
        let _connection = silent.accept().unwrap();
        stop.stop();
        assert!(opening.join().unwrap().is_err());
    });
}

/// The process that has `needle` among its arguments.
#[cfg(target_os = "linux")]
fn kill_process_with(needle: &Path) {
    let needle = needle.to_str().unwrap().as_bytes();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line.windows(needle.len()).any(|part| part == needle) {
            let id = entry.file_name().into_string().unwrap();
            assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_encoder_that_dies_leaves_a_clip() {
    let Some(work) = Workplace::new() else { return };
    let size = ImageSize::new(64, 64);
    let mut encoder = work.encoder("out.mp4", &format(size, 10));
    let has_grown = || {
        let entries = std::fs::read_dir(work.folder.path()).unwrap();
        entries.flatten().any(|entry| entry.metadata().is_ok_and(|file| file.len() > 20_000))
    };
    let mut error = None;
    let mut was_killed = false;
    for index in 0..5000 {
        if !was_killed && has_grown() {
            kill_process_with(work.folder.path());
            was_killed = true;
        }
        if let Err(found) = encoder.write(&speckled(index, size)) {
            error = Some(found.to_string());
            break;
        }
    }
    let error = error.unwrap();
    assert!(error.contains("ffmpeg stopped writing after ") && error.contains("signal"), "{error}");
    encoder.finish().unwrap();
    let frames = work.frames("out.mp4", &DecodeOptions::default());
    assert!((10..5000).contains(&frames.len()), "{} frames", frames.len());
}

/// A frame that is hard to compress, so that a clip grows quickly.
#[cfg(target_os = "linux")]
fn speckled(index: usize, size: ImageSize) -> Frame {
    let level = |place: usize| ((place * 2_654_435_761 + index * 40_503) >> 7) as u8;
    let pixels = (0..size.area() * 3).map(level).collect();
    let picture = RgbImage::new(size, pixels).unwrap();
    Frame { index, ticks: index as i64, picture, audio: Vec::new() }
}

#[test]
fn without_frames_there_is_no_clip() {
    let Some(work) = Workplace::new() else { return };
    let encoder = work.encoder("out.mp4", &format(ImageSize::new(16, 16), 10));
    let _ = encoder.finish();
    assert_eq!(std::fs::read_dir(work.folder.path()).unwrap().count(), 0);
}

#[test]
fn an_encoder_that_is_given_up_leaves_nothing() {
    let Some(work) = Workplace::new() else { return };
    let size = ImageSize::new(16, 16);
    // Whether ffmpeg has its file open by then is a matter of chance.
    for num_frames in [0, 1, 30, 300] {
        let mut encoder = work.encoder("out.mp4", &format(size, 10));
        for index in 0..num_frames {
            encoder.write(&plain(index, index as i64, size, [9; 3])).unwrap();
        }
        drop(encoder);
        let left = std::fs::read_dir(work.folder.path()).unwrap().count();
        assert_eq!(left, 0, "after {num_frames} frames");
    }
}

#[cfg(unix)]
#[test]
fn a_clip_is_written_through_a_link() {
    let Some(work) = Workplace::new() else { return };
    let there = tempfile::tempdir().unwrap();
    let size = ImageSize::new(16, 16);
    std::os::unix::fs::symlink(there.path().join("clip.mp4"), work.path("link.mp4")).unwrap();
    let mut encoder = work.encoder("link.mp4", &format(size, 10));
    encoder.write(&plain(0, 0, size, [90; 3])).unwrap();
    encoder.finish().unwrap();
    assert_eq!(work.frames("link.mp4", &DecodeOptions::default()).len(), 1);
    assert!(std::fs::symlink_metadata(work.path("link.mp4")).unwrap().is_symlink());
    for folder in [work.folder.path(), there.path()] {
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing else is left");
    }
}
