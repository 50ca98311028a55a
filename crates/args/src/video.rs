//! `kestrel video`, as clap reads it.

use crate::{ComputeArgs, DetectorArgs, count, score};
use clap::{Args, ValueEnum};
use kestrel_video::{FrameRate, Line, Point, Source, Zone};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// As weak as a detection may be, unless it is said.
const USUAL_WEAK_SCORE: f32 = 0.1;

/// `kestrel video`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel video clip.mp4
  kestrel video clip.mp4 -o out/seen.mp4 --format json,mot,csv,coco --classes car,person
  kestrel video rtsp://camera/1 --line gate=0,400,1280,400 --zone yard=100,100,500,100,500,400
  kestrel video frames/ --fps 10 --every 2 --no-track

Writes the clip with what was found drawn on it, and beside it the data of every frame (.jsonl) and
a summary of tracks and counts (.summary.json). Stopping it with Ctrl-C keeps all that was done.")]
pub struct VideoArgs {
    /// A clip, a folder or pattern of pictures, a device such as /dev/video0, a stream such as
    /// rtsp://..., or `-` for standard input.
    pub input: String,
    /// What looks for objects.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// The clip to write, .mp4, .mov or .mkv; data goes beside it [default: NAME-kestrel.mp4 in the
    /// working folder].
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the data alone.
    #[arg(long)]
    pub no_video: bool,
    /// The data to write.
    #[arg(long, short, value_enum, value_delimiter = ',', default_value = "json")]
    pub format: Vec<VideoFormat>,
    /// Objects of at least this score begin a track, between 0 and 1.
    #[arg(long, value_parser = score, default_value = "0.5")]
    pub score: f32,
    /// Weaker ones down to this score continue a track [default: 0.1, or --score where that is less].
    #[arg(long, value_name = "SCORE", value_parser = score)]
    pub weak_score: Option<f32>,
    /// Keep at most this many of a frame [default: the model's].
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_detections: Option<NonZeroUsize>,
    /// Keep only these classes, by name.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Detect only, without following objects from frame to frame.
    #[arg(long, conflicts_with_all = ["line", "zone", "weak_score", "max_gap"])]
    pub no_track: bool,
    /// Frames that a track waits for an object that is hidden.
    #[arg(long, value_name = "FRAMES", default_value_t = 30)]
    pub max_gap: usize,
    /// Count what crosses a line, in each direction; may be given several times.
    #[arg(long, value_name = "NAME=X1,Y1,X2,Y2", value_parser = line)]
    pub line: Vec<Line>,
    /// Count what enters a polygon; may be given several times.
    #[arg(long, value_name = "NAME=X,Y,X,Y,X,Y...", value_parser = zone)]
    pub zone: Vec<Zone>,
    /// Which frames, and how large.
    #[command(flatten)]
    pub part: PartArgs,
    /// Frames that go through the network together.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub batch: NonZeroUsize,
    /// Where the network runs.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

impl VideoArgs {
    /// The least score that matters to tracks.
    pub fn weakest_score(&self) -> f32 {
        self.weak_score.unwrap_or(USUAL_WEAK_SCORE).min(self.score)
    }

    /// Checks what no option says alone; `source` is what the input turned out to be.
    ///
    /// # Errors
    /// The first option that fits neither the others nor the source: what was found and expected.
    pub fn check(&self, source: &Source) -> Result<(), String> {
        let PartArgs { start, end, fps, .. } = &self.part;
        if fps.is_some() && !source.is_pictures() {
            return Err(format!(
                "--fps: found a rate for {source}, which has its own; expected it with a folder or a \
                 pattern of pictures; leave it out, or take fewer frames with --every"
            ));
        }
        let start = start.unwrap_or_default();
        if let Some(end) = end.filter(|end| *end <= start) {
            let [start, end] = [start, end].map(|time| time.as_secs_f64());
            return Err(format!(
                "--end: found {end} s, expected a time after --start, which is {start} s"
            ));
        }
        if let Some(weak) = self.weak_score.filter(|weak| *weak > self.score) {
            let sure = self.score;
            return Err(format!(
                "--weak-score: found {weak}, expected at most --score, which is {sure}"
            ));
        }
        self.doubled_name().map_or(Ok(()), |name| {
            Err(format!(
                "--line and --zone: found `{name}` twice, expected a name of its own for each, by which \
                 the summary tells them apart"
            ))
        })
    }

    fn doubled_name(&self) -> Option<&str> {
        let lines = self.line.iter().map(|line| &line.name);
        let mut seen = BTreeSet::new();
        let mut names = lines.chain(self.zone.iter().map(|zone| &zone.name));
        names.find(|name| !seen.insert(*name)).map(String::as_str)
    }
}

/// Which frames of a clip, and how large.
#[derive(Debug, Args)]
pub struct PartArgs {
    /// Take only each frame of this many.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub every: NonZeroUsize,
    /// Begin here: seconds, MM:SS or HH:MM:SS.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start: Option<Duration>,
    /// End here.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub end: Option<Duration>,
    /// Shrink frames until no side is longer than this.
    #[arg(long, value_name = "PIXELS", value_parser = count)]
    pub max_side: Option<NonZeroUsize>,
    /// Frames a second of pictures, such as 25 or 30000/1001; a clip has its own [default: 25].
    #[arg(long, value_name = "RATE")]
    pub fps: Option<FrameRate>,
}

/// What is written about the frames of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum VideoFormat {
    /// One JSON object a line, one line a frame: NAME.jsonl
    Json,
    /// MOTChallenge text, one line an object: NAME.mot.txt
    Mot,
    /// One line an object, with a header: NAME.csv
    Csv,
    /// COCO with videos and instance ids: NAME.coco.json
    Coco,
}

fn time(text: &str) -> Result<Duration, String> {
    let expected = || "expected seconds, such as 90 or 1.5, or a clock, such as 01:30".to_owned();
    let mut secs = 0.0;
    for part in text.split(':') {
        let part: f64 = part.parse().map_err(|_| expected())?;
        secs = secs * 60.0 + part;
    }
    Duration::try_from_secs_f64(secs).map_err(|_| expected())
}

fn line(text: &str) -> Result<Line, String> {
    let expected = "expected NAME=X1,Y1,X2,Y2 with two different points";
    let (name, points) = named_points(text).ok_or(expected)?;
    match points.as_slice() {
        &[from, to] if from != to => Ok(Line { name, from, to }),
        _ => Err(expected.to_owned()),
    }
}

fn zone(text: &str) -> Result<Zone, String> {
    let expected = "expected NAME=X,Y,X,Y,X,Y with at least three corners";
    match named_points(text) {
        Some((name, corners)) if corners.len() >= 3 => Ok(Zone { name, corners }),
        _ => Err(expected.to_owned()),
    }
}

fn named_points(text: &str) -> Option<(String, Vec<Point>)> {
    let (name, numbers) = text.split_once('=')?;
    let numbers: Vec<f32> =
        numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let is_usable =
        numbers.iter().all(|number| number.is_finite()) && numbers.len().is_multiple_of(2);
    let points = numbers.chunks_exact(2).map(|pair| Point { x: pair[0], y: pair[1] });
    (is_usable && !name.is_empty()).then(|| (name.to_owned(), points.collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Arguments, Command};
    use clap::Parser;

    fn parsed(options: &str) -> VideoArgs {
        let words = ["kestrel", "video", "clip.mp4"].into_iter().chain(options.split_whitespace());
        match Arguments::parse_from(words).command {
            Command::Video(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        let clip = Source::File("clip.mp4".into());
        for (options, said) in [
            ("--start 5 --end 2", "--end: found 2 s, expected a time after --start, which is 5 s"),
            ("--start 1.5 --end 1.5", "--end: found 1.5 s, expected a time after --start"),
            ("--end 0", "--end: found 0 s, expected a time after --start, which is 0 s"),
            ("--fps 3", "--fps: found a rate for clip.mp4, which has its own; expected it with"),
            (
                "--weak-score 0.95 --score 0.9",
                "--weak-score: found 0.95, expected at most --score, which is 0.9",
            ),
            ("--zone z=0,0,1,0,1,1 --zone z=0,0,2,0,2,2", "found `z` twice"),
            ("--line z=0,0,1,0 --line z=0,0,2,0", "found `z` twice"),
            ("--line a=0,0,1,0 --line z=0,0,1,0 --zone z=0,0,2,0,2,2", "found `z` twice"),
        ] {
            let refusal = parsed(options).check(&clip).unwrap_err();
            assert!(refusal.contains(said), "{options}: {refusal}");
        }
    }

    #[test]
    fn what_is_about_tracks_is_refused_without_them() {
        let is_refused = |options: &str| {
            let words = ["kestrel", "video", "clip.mp4", "--no-track"].into_iter();
            Arguments::try_parse_from(words.chain(options.split_whitespace())).is_err()
        };
        assert!(!is_refused("--score 0.3"));
        for options in ["--weak-score 0.3", "--max-gap 30", "--line a=0,0,1,0"] {
            assert!(is_refused(options), "{options}");
        }
    }

    #[test]
    fn options_that_go_together_are_not() {
        let clip = Source::File("clip.mp4".into());
        for options in [
            "--start 2 --end 5",
            "--end 0.1",
            "--score 0.05",
            "--score 0.5 --weak-score 0.5",
            "--line a=0,0,1,0 --zone z=0,0,2,0,2,2",
        ] {
            assert_eq!(parsed(options).check(&clip), Ok(()), "{options}");
        }
        assert_eq!(parsed("--fps 3").check(&Source::Pictures(Vec::new())), Ok(()));
        assert_eq!(parsed("--fps 3").check(&Source::Numbered("%d.png".into())), Ok(()));
        assert_eq!(parsed("--score 0.05").weakest_score(), 0.05);
        assert_eq!(parsed("").weakest_score(), 0.1);
    }

    #[test]
    fn times_are_seconds_or_clocks() {
        assert_eq!(time("1.5").unwrap(), Duration::from_millis(1500));
        assert_eq!(time("01:30").unwrap(), Duration::from_secs(90));
        assert_eq!(time("1:00:01.25").unwrap(), Duration::from_millis(3_601_250));
        for wrong in ["", "-1", "soon", "1:x", "nan", "inf"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_and_zones_have_names_and_points() {
        let gate = line("gate=0,1,2.5,3").unwrap();
        assert_eq!((gate.name.as_str(), gate.to), ("gate", Point { x: 2.5, y: 3.0 }));
        for wrong in ["", "gate", "gate=1,2,3", "=1,2,3,4", "gate=1,2,1,2", "g=1,2,nan,4"] {
            assert!(line(wrong).is_err(), "{wrong}");
        }
        assert_eq!(zone("yard=0,0, 5,0, 5,5").unwrap().corners.len(), 3);
        assert!(zone("yard=0,0,5,0").is_err());
    }
}
