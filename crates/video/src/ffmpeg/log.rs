//! What ffmpeg says on standard error: facts about its input, and what went wrong.
//!
//! There is no ffprobe in the program that set-up brings, so facts are read from the lines that ffmpeg
//! prints for people. Nothing but progress and messages depends on them.

use std::time::Duration;

/// Complaints kept: the first ones are the causes.
const MAX_COMPLAINTS: usize = 6;

/// How complaints begin that only pass on what another has said.
const CONSEQUENCES: [&str; 11] = [
    "Error submitting",
    "Error muxing",
    "Error writing trailer",
    "Error closing",
    "Task finished with",
    "Terminating thread",
    "Error opening",
    "Error parsing options",
    "Failed to set value",
    "Error splitting the argument list",
    "Conversion failed",
];

/// What is said where no stream is one of pictures.
const NO_VIDEO: &str = "matches no streams";

/// What ffmpeg has said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Log {
    pub facts: SourceFacts,
    /// Errors, each once, in the order they came.
    pub complaints: Vec<String>,
}

/// What is known of an input before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SourceFacts {
    /// Length of the longest stream.
    pub duration: Option<Duration>,
    /// Frames a second; of a variable rate the mean.
    pub frames_per_sec: Option<f64>,
}

impl Log {
    /// Takes in one line.
    pub fn read(&mut self, line: &str) {
        let (weight, text) = weighed(line);
        if matches!(weight, "error" | "fatal" | "panic") {
            let text = without_address(text).trim().to_owned();
            if self.complaints.len() < MAX_COMPLAINTS && !self.complaints.contains(&text) {
                self.complaints.push(text);
            }
            return;
        }
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("Duration: ") {
            let length = rest.split(',').next().unwrap_or_default();
            self.facts.duration = self.facts.duration.or(clock(length));
        } else if text.starts_with("Stream #") && text.contains("Video:") {
            let rate = frames_per_sec(text);
            self.facts.frames_per_sec = self.facts.frames_per_sec.or(rate);
        }
    }

    /// The complaints that say something, in one line.
    pub fn reason(&self) -> String {
        let says_something = |complaint: &&String| {
            !CONSEQUENCES.iter().any(|beginning| complaint.starts_with(beginning))
        };
        let causes: Vec<&str> =
            self.complaints.iter().filter(says_something).map(String::as_str).collect();
        if causes.iter().any(|cause| cause.contains(NO_VIDEO)) {
            return "it has no video".to_owned();
        }
        match causes.is_empty() {
            true => self.complaints.first().cloned().unwrap_or_default(),
            false => causes.join("; "),
        }
    }
}

/// The weight of a line and what comes before and after it: `[mov @ 0x5] [error] no index`.
fn weighed(line: &str) -> (&str, &str) {
    const WEIGHTS: [&str; 7] = ["info", "warning", "error", "fatal", "panic", "verbose", "debug"];
    for weight in WEIGHTS {
        let mark = format!("[{weight}] ");
        if let Some(at) = line.find(&mark) {
            return (weight, &line[at + mark.len()..]);
        }
    }
    ("info", line)
}

/// Addresses in memory say nothing to anybody.
fn without_address(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text.split(' ').peekable();
    while let Some(word) = rest.next() {
        if word == "@" && rest.peek().is_some_and(|next| next.starts_with("0x")) {
            let ending = rest.next().is_some_and(|address| address.ends_with(']'));
            if let (true, Some(last)) = (ending, words.last_mut()) {
                let last: &mut String = last;
                last.push(']');
            }
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// `00:01:30.50`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.trim().split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, secs) = (parts.next()??, parts.next()??, parts.next()??);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + secs).ok()
}

/// The number before `fps`.
fn frames_per_sec(text: &str) -> Option<f64> {
    let field = text.split(", ").find_map(|field| field.strip_suffix(" fps"))?;
    let rate: f64 = field.parse().ok()?;
    (rate > 0.0).then_some(rate)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Log {
        let mut log = Log::default();
        lines.iter().for_each(|line| log.read(line));
        log
    }

    #[test]
    fn facts_are_read_where_they_stand() {
        let log = log(&[
            "[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:a.mp4':",
            "[info]   Duration: 00:01:30.16, start: 0.000000, bitrate: 745 kb/s",
            "[info]   Stream #0:0[0x1](eng): Video: h264 (Baseline), yuv420p(tv, smpte170m), 768x432, \
             614 kb/s, 12.50 fps, 12.50 tbr, 25k tbn (default)",
            "[info]   Stream #0:1[0x2](eng): Audio: aac (LC), 48000 Hz, stereo, fltp, 125 kb/s",
        ]);
        assert_eq!(log.facts.duration, Some(Duration::from_secs_f64(90.16)));
        assert_eq!(log.facts.frames_per_sec, Some(12.5));
        assert!(log.complaints.is_empty());
    }

    #[test]
    fn what_is_not_known_stays_open() {
        let log = log(&["[info]   Duration: N/A, start: 0.000000, bitrate: N/A"]);
        assert_eq!(log.facts, SourceFacts::default());
    }

    #[test]
    fn complaints_are_kept_once_and_without_addresses() {
        let line = "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5617] [error] moov atom not found";
        let stream = "[error] [vist#0:0/h264 @ 0x55d2] Error submitting packet to decoder";
        let log = log(&[line, line, stream, "[warning] late"]);
        let expected = "moov atom not found; [vist#0:0/h264] Error submitting packet to decoder";
        assert_eq!(log.reason(), expected);
    }

    #[test]
    fn causes_are_told_from_what_follows_from_them() {
        let opening = "[error] Error opening input file a.mp4.";
        let cause = "[error] moov atom not found";
        assert_eq!(log(&[cause, opening]).reason(), "moov atom not found");
        assert_eq!(log(&[opening]).reason(), "Error opening input file a.mp4.");
        let map = "[fatal] Stream map '0:V:0' matches no streams.";
        assert_eq!(log(&[map, opening]).reason(), "it has no video");
    }
}
