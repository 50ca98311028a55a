//! The summary of a run: tracks, counts, and where the time went.

use crate::console::{counted, printable};
use crate::output::table;
use kestrel_core::{Categories, Label};
use kestrel_video::{Counter, LineTotals, StageTime, TrackSummaries, TrackSummary, ZoneTotals};
use serde::Serialize;
use std::collections::BTreeMap;

/// Tracks listed before "... and 7 more".
const MAX_TRACKS: usize = 20;

/// What is said about the run as a whole.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunFacts {
    /// Where the frames came from.
    pub source: String,
    /// What found the objects.
    pub model: String,
    /// Frames that were written.
    pub frames: usize,
    /// From the first frame to the last, in seconds of the source.
    pub shown_secs: f64,
    /// How long the run took.
    pub took_secs: f64,
    /// Whether it went to the end of the source.
    pub is_complete: bool,
    /// Each stage's time.
    pub stages: Vec<StageTime>,
}

/// Everything that is known at the end.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    run: RunFacts,
    tracks: Vec<Track>,
    lines: Vec<LineCounts>,
    zones: Vec<ZoneCounts>,
}

#[derive(Debug, Serialize)]
struct Track {
    track: u64,
    category: String,
    first_frame: usize,
    last_frame: usize,
    first_time: f64,
    last_time: f64,
    /// Frames it is seen in; gaps do not count.
    length: usize,
}

#[derive(Debug, Serialize)]
struct LineCounts {
    name: String,
    /// By class, for somebody who walks from the first point to the second.
    left_to_right: BTreeMap<String, usize>,
    right_to_left: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
struct ZoneCounts {
    name: String,
    /// Objects that have been inside, by class.
    visitors: BTreeMap<String, usize>,
    inside_at_end: usize,
    most_inside: usize,
}

impl Summary {
    /// Puts names to labels, and seconds to ticks by `secs`.
    pub fn new(
        run: RunFacts,
        tracks: &TrackSummaries,
        counter: &Counter,
        categories: &Categories,
        secs: impl Fn(i64) -> f64,
    ) -> Self {
        let named = |counts: &BTreeMap<Label, usize>| -> BTreeMap<String, usize> {
            counts.iter().map(|(label, count)| (categories.name(*label).into(), *count)).collect()
        };
        let track = |track: &TrackSummary| Track {
            track: track.id.0,
            category: categories.name(track.label).to_owned(),
            first_frame: track.first_frame,
            last_frame: track.last_frame,
            first_time: secs(track.first_ticks),
            last_time: secs(track.last_ticks),
            length: track.num_frames,
        };
        let line = |name: &str, totals: &LineTotals| LineCounts {
            name: name.to_owned(),
            left_to_right: named(&totals.to_right),
            right_to_left: named(&totals.to_left),
        };
        let zone = |name: &str, totals: &ZoneTotals| ZoneCounts {
            name: name.to_owned(),
            visitors: named(&totals.visitors),
            inside_at_end: totals.inside,
            most_inside: totals.most_inside,
        };
        Self {
            run,
            tracks: tracks.tracks().map(track).collect(),
            lines: counter.lines().map(|(place, totals)| line(&place.name, totals)).collect(),
            zones: counter.zones().map(|(place, totals)| zone(&place.name, totals)).collect(),
        }
    }

    /// The tables for a terminal; the longest tracks first.
    pub fn render(&self) -> String {
        let mut text = self.track_table();
        for LineCounts { name, left_to_right, right_to_left } in &self.lines {
            text += &format!(
                "line {}: {} left to right, {} right to left\n",
                printable(name),
                listed(left_to_right),
                listed(right_to_left)
            );
        }
        for ZoneCounts { name, visitors, inside_at_end, most_inside } in &self.zones {
            text += &format!(
                "zone {}: {} have been inside, {most_inside} at most at once, {inside_at_end} at the \
                 end\n",
                printable(name),
                listed(visitors)
            );
        }
        text
    }

    fn track_table(&self) -> String {
        if self.tracks.is_empty() {
            return String::new();
        }
        let mut tracks: Vec<&Track> = self.tracks.iter().collect();
        tracks.sort_by_key(|track| (std::cmp::Reverse(track.length), track.track));
        let row = |track: &&Track| {
            vec![
                track.track.to_string(),
                printable(&track.category),
                track.length.to_string(),
                track.first_frame.to_string(),
                track.last_frame.to_string(),
                format!("{:.2}", track.first_time),
                format!("{:.2}", track.last_time),
            ]
        };
        let rows: Vec<Vec<String>> = tracks.iter().take(MAX_TRACKS).map(row).collect();
        let header = ["track", "category", "frames", "first", "last", "from s", "to s"];
        let mut text = table(&header, &rows, 2..header.len());
        if tracks.len() > MAX_TRACKS {
            text += &format!("... and {}\n", counted(tracks.len() - MAX_TRACKS, "more track"));
        }
        text
    }

    /// How many tracks there are.
    pub fn num_tracks(&self) -> usize {
        self.tracks.len()
    }
}

/// `3 (2 car, 1 person)`.
fn listed(counts: &BTreeMap<String, usize>) -> String {
    let total: usize = counts.values().sum();
    if counts.is_empty() {
        return total.to_string();
    }
    let parts: Vec<String> =
        counts.iter().map(|(name, count)| format!("{count} {}", printable(name))).collect();
    format!("{total} ({})", parts.join(", "))
}
