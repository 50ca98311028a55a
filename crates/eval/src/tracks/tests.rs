//! TrackEval's numbers on invented tracks (`tests/fixtures/tracks`, written by
//! `tests/parity/make_track_fixtures.py` alone), and published ones where the shared data is there.

#![allow(clippy::print_stderr)]

use super::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Sums of at most some hundred terms below 1, in another order.
const TOLERANCE: f64 = 1e-9;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn scores(folder: &Path, truth: &str, found: &str) -> TrackScores {
    let truth = TrackSequence::read(&folder.join(truth), TrackRole::Truth).unwrap();
    let found = TrackSequence::read(&folder.join(found), TrackRole::Found).unwrap();
    score_tracks(&truth, &found)
}

fn named(scores: &TrackScores) -> Vec<(&'static str, Option<f64>)> {
    let TrackScores { clear, identity, hota, .. } = scores;
    let counts = [
        ("CLR_TP", clear.matches),
        ("CLR_FN", clear.misses),
        ("CLR_FP", clear.false_positives),
        ("IDSW", clear.id_switches),
        ("Frag", clear.fragments),
        ("MT", clear.mostly_tracked),
        ("PT", clear.partly_tracked),
        ("ML", clear.mostly_lost),
        ("IDTP", identity.true_positives),
        ("IDFN", identity.false_negatives),
        ("IDFP", identity.false_positives),
    ];
    let rates = [
        ("MOTA", clear.mota()),
        ("MOTP", clear.motp()),
        ("IDF1", identity.idf1()),
        ("HOTA", hota.hota()),
        ("DetA", hota.det_a()),
        ("AssA", hota.ass_a()),
        ("AssRe", hota.ass_re()),
        ("AssPr", hota.ass_pr()),
        ("LocA", hota.loc_a()),
    ];
    counts.map(|(name, count)| (name, Some(count as f64))).into_iter().chain(rates).collect()
}

#[test]
fn invented_tracks_score_as_in_trackeval() {
    let folder = root().join("tests/fixtures/tracks");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let cases = expected.as_object().unwrap();
    assert_eq!(cases.len(), 6);
    for (case, expected) in cases {
        let scores = scores(&folder, &format!("{case}.truth.txt"), &format!("{case}.found.txt"));
        for (name, found) in named(&scores) {
            // Where nothing can be said, TrackEval says 0.
            let (found, expected) = (found.unwrap_or(0.0), expected[name].as_f64().unwrap());
            assert!((found - expected).abs() < TOLERANCE, "{case} {name}: {found}, not {expected}");
        }
    }
}

/// Published with the data, to a tenth of a percent (`../shared/data/README.md`).
#[test]
fn published_numbers_come_out() {
    let folder = root().join("../shared/data/mot-tud");
    if !folder.is_dir() {
        eprintln!("skipped: no {} here", folder.display());
        return;
    }
    for (clip, mota, idf1) in [("TUD-Campus", 52.6, 55.8), ("TUD-Stadtmitte", 56.4, 64.5)] {
        let scores = scores(&folder.join(clip), "gt.txt", "test.txt");
        let percent = |number: Option<f64>| (1000.0 * number.unwrap()).round() / 10.0;
        let found = (percent(scores.clear.mota()), percent(scores.identity.idf1()));
        assert_eq!(found, (mota, idf1), "{clip}");
    }
}

fn sequence(rows: &[(i64, i64, f64)]) -> TrackSequence {
    let mut sequence = TrackSequence::default();
    for &(frame, id, x) in rows {
        sequence.add(frame, TrackBox { id, bbox: [x, 0.0, 10.0, 10.0] }).unwrap();
    }
    sequence
}

#[test]
fn a_perfect_tracker_scores_one() {
    let truth = sequence(&[(1, 1, 0.0), (1, 2, 50.0), (2, 1, 3.0), (5, 2, 50.0)]);
    let scores = score_tracks(&truth, &truth);
    let TrackScores { clear, identity, hota, .. } = scores;
    let all = [clear.mota(), clear.motp(), identity.idf1(), hota.hota(), hota.ass_a()];
    assert!(all.iter().all(|number| (number.unwrap() - 1.0).abs() < TOLERANCE), "{all:?}");
}

#[test]
fn nothing_beside_nothing_has_no_score() {
    let nothing = TrackSequence::default();
    let scores = score_tracks(&nothing, &nothing);
    assert_eq!(scores, TrackScores { hota: scores.hota.clone(), ..TrackScores::default() });
    let numbers = [scores.clear.mota(), scores.identity.idf1(), scores.hota.hota()];
    assert_eq!(numbers, [None; 3]);
    assert_eq!(TrackScores::combined(&[]), TrackScores::default());
}

#[test]
fn clips_together_are_no_mean() {
    let truth = sequence(&[(1, 1, 0.0), (2, 1, 0.0), (3, 1, 0.0)]);
    let one_of_three = sequence(&[(1, 1, 0.0)]);
    let short = sequence(&[(1, 1, 0.0)]);
    let clips = [score_tracks(&truth, &one_of_three), score_tracks(&short, &short)];
    let all = TrackScores::combined(&clips);
    assert_eq!((all.truth_boxes, all.truth_tracks, all.clear.misses), (4, 2, 2));
    assert_eq!(all.clear.mota(), Some(0.5));
}

#[test]
fn a_switch_is_counted_once() {
    let truth = sequence(&[(1, 1, 0.0), (2, 1, 0.0), (3, 1, 0.0), (4, 1, 0.0)]);
    let found = sequence(&[(1, 7, 0.0), (2, 7, 0.0), (3, 8, 0.0), (4, 8, 0.0)]);
    let TrackScores { clear, identity, .. } = score_tracks(&truth, &found);
    assert_eq!((clear.id_switches, clear.mota()), (1, Some(0.75)));
    assert_eq!(identity.idf1(), Some(0.5));
}

#[test]
fn lines_that_are_no_tracks_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tracks.txt");
    let message = |text: &str, role| {
        std::fs::write(&path, text).unwrap();
        TrackSequence::read(&path, role).unwrap_err().to_string()
    };
    let first = "1,1,0,0,5,5,1\n";
    for (text, reason) in [
        (format!("{first}1,x,0,0,5,5"), "line 2: found `x`, expected a number"),
        (format!("{first}1,2,0,0"), "line 2: found 4 fields"),
        (format!("{first}1,1,9,9,5,5"), "line 2: track 1 has a second box in frame 1"),
        ("1,1,0,0,-5,5".to_owned(), "sides from 0"),
        ("1,1,nan,0,5,5".to_owned(), "expected finite numbers"),
        ("1.5,1,0,0,5,5".to_owned(), "the frame 1.5, expected a whole number"),
        ("1,-1,0,0,5,5,0.9".to_owned(), "the id -1: detections that are not followed"),
    ] {
        let message = message(&text, TrackRole::Found);
        assert!(message.contains(reason) && message.contains("as in MOTChallenge"), "{message}");
    }
    std::fs::write(&path, "1 1 0 0 5 5 0\n\n2.0, 1, 0, 0, 5, 5, 1\n").unwrap();
    let truth = TrackSequence::read(&path, TrackRole::Truth).unwrap();
    assert_eq!(truth.frames().map(|(frame, _)| frame).collect::<Vec<_>>(), [2]);
    let gone = TrackSequence::read(&folder.path().join("gone"), TrackRole::Truth);
    assert!(gone.unwrap_err().to_string().contains("cannot read the tracks"));
}
