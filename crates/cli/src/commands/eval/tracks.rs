//! `kestrel eval tracks`.

use super::{is_standard_output, json_text};
use crate::Outcome;
use crate::console::{self, counted, printable};
use crate::output::{Destination, table, write_text};
use crate::place::check_file;
use anyhow::{Result, bail};
use kestrel_args::TracksArgs;
use kestrel_eval::{TrackRole, TrackScores, TrackSequence, score_tracks};
use serde::Serialize;

/// Scores each clip, and all of them together.
pub(crate) fn run(arguments: &TracksArgs) -> Result<Outcome> {
    let TracksArgs { found, truth, json } = arguments;
    if found.len() != truth.len() {
        bail!(
            "--truth: found {} for {}, expected one each in the same order",
            counted(truth.len(), "file"),
            format_args!("{} of tracks", counted(found.len(), "file"))
        );
    }
    if let Some(path) = json.as_deref().filter(|path| !is_standard_output(Some(path))) {
        check_file(path)?;
    }
    let mut clips = Vec::new();
    for (found, truth) in found.iter().zip(truth) {
        let name = found.display().to_string();
        let truth = TrackSequence::read(truth, TrackRole::Truth)?;
        let found = TrackSequence::read(found, TrackRole::Found)?;
        clips.push(Clip::new(name, score_tracks(&truth, &found)));
    }
    if clips.len() > 1 {
        let scores: Vec<TrackScores> = clips.iter().map(|clip| clip.counts.clone()).collect();
        clips.push(Clip::new("all".to_owned(), TrackScores::combined(&scores)));
    }
    if let Some(path) = json {
        write_text(&Destination::from(path.clone()), &json_text(&clips)?)?;
    }
    if !is_standard_output(json.as_deref()) {
        console::print(tables(&clips).trim_end())?;
    }
    Ok(Outcome::Done)
}

/// A clip and its numbers, as JSON has them.
#[derive(Serialize)]
struct Clip {
    clip: String,
    hota: Option<f64>,
    det_a: Option<f64>,
    ass_a: Option<f64>,
    ass_re: Option<f64>,
    ass_pr: Option<f64>,
    loc_a: Option<f64>,
    mota: Option<f64>,
    motp: Option<f64>,
    idf1: Option<f64>,
    id_precision: Option<f64>,
    id_recall: Option<f64>,
    precision: Option<f64>,
    recall: Option<f64>,
    counts: TrackScores,
}

impl Clip {
    fn new(clip: String, counts: TrackScores) -> Self {
        let TrackScores { clear, identity, hota, .. } = &counts;
        Self {
            clip,
            hota: hota.hota(),
            det_a: hota.det_a(),
            ass_a: hota.ass_a(),
            ass_re: hota.ass_re(),
            ass_pr: hota.ass_pr(),
            loc_a: hota.loc_a(),
            mota: clear.mota(),
            motp: clear.motp(),
            idf1: identity.idf1(),
            id_precision: identity.precision(),
            id_recall: identity.recall(),
            precision: clear.precision(),
            recall: clear.recall(),
            counts,
        }
    }
}

fn tables(clips: &[Clip]) -> String {
    let rates: Vec<Vec<String>> = clips.iter().map(rates).collect();
    let counts: Vec<Vec<String>> = clips.iter().map(counts).collect();
    let rates_header = ["clip", "HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1", "recall"];
    let counts_header = [
        "clip",
        "objects",
        "tracks",
        "boxes",
        "missed",
        "false",
        "switches",
        "breaks",
        "mostly found",
        "mostly lost",
    ];
    let mut text = table(&rates_header, &rates, 1..rates_header.len());
    text += "\n";
    text += &table(&counts_header, &counts, 1..counts_header.len());
    text
}

fn rates(clip: &Clip) -> Vec<String> {
    let Clip { hota, det_a, ass_a, loc_a, mota, motp, idf1, recall, .. } = clip;
    let numbers = [hota, det_a, ass_a, loc_a, mota, motp, idf1, recall];
    let percent = |number: &&Option<f64>| {
        number.map_or_else(|| "-".to_owned(), |number| format!("{:.1}", 100.0 * number))
    };
    std::iter::once(printable(&clip.clip)).chain(numbers.iter().map(percent)).collect()
}

fn counts(clip: &Clip) -> Vec<String> {
    let TrackScores { clear, truth_tracks, found_tracks, truth_boxes, .. } = &clip.counts;
    let counts = [
        *truth_tracks,
        *found_tracks,
        *truth_boxes,
        clear.misses,
        clear.false_positives,
        clear.id_switches,
        clear.fragments,
        clear.mostly_tracked,
        clear.mostly_lost,
    ];
    std::iter::once(printable(&clip.clip)).chain(counts.map(|count| count.to_string())).collect()
}
