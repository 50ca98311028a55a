//! CLEAR MOT: objects found and missed, and changes of their numbers.
//!
//! Source: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT
//! Metrics" (2008); fragments and the classes of tracks from Li et al., "Learning to Associate" (2009).

use super::pairs::Pairs;
use super::{MATCH_IOU, ratio};
use serde::Serialize;

/// More than any sum of overlaps: a pair of the last frame stays together while it may.
const STAY: f64 = 1000.0;

/// Shares of its frames in which an object is found that make its track mostly tracked, or mostly
/// lost.
const MOSTLY_TRACKED: f64 = 0.8;
const MOSTLY_LOST: f64 = 0.2;

/// Counts of CLEAR MOT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Clear {
    /// True boxes that are found.
    pub matches: usize,
    /// True boxes that are missed.
    pub misses: usize,
    /// Boxes found where nothing is.
    pub false_positives: usize,
    /// Objects that are found under another number than the last time.
    pub id_switches: usize,
    /// Times that an object is found again after it was lost.
    pub fragments: usize,
    /// Tracks found in more than four fifths of their frames.
    pub mostly_tracked: usize,
    /// Tracks between the others.
    pub partly_tracked: usize,
    /// Tracks found in less than a fifth of their frames.
    pub mostly_lost: usize,
    /// Sum of the overlaps of all matches.
    pub overlap_sum: f64,
}

impl Clear {
    /// 1 - (misses + false positives + switches) / true boxes; `None` without any.
    pub fn mota(&self) -> Option<f64> {
        let errors = self.misses + self.false_positives + self.id_switches;
        let truth = (self.matches + self.misses) as f64;
        Some(1.0 - ratio(errors as f64, truth)?)
    }

    /// Mean overlap of the matches; `None` without any.
    pub fn motp(&self) -> Option<f64> {
        ratio(self.overlap_sum, self.matches as f64)
    }

    /// True boxes found, over all.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.matches as f64, (self.matches + self.misses) as f64)
    }

    /// Boxes that are right, over those found.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.matches as f64, (self.matches + self.false_positives) as f64)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.matches += other.matches;
        self.misses += other.misses;
        self.false_positives += other.false_positives;
        self.id_switches += other.id_switches;
        self.fragments += other.fragments;
        self.mostly_tracked += other.mostly_tracked;
        self.partly_tracked += other.partly_tracked;
        self.mostly_lost += other.mostly_lost;
        self.overlap_sum += other.overlap_sum;
    }
}

/// What is known of a true track on the way.
#[derive(Clone, Copy, Default)]
struct State {
    /// The number it was last found under.
    last: Option<usize>,
    /// The same, if it was found in the last frame that has boxes on both sides.
    now: Option<usize>,
    num_found: usize,
    num_beginnings: usize,
}

pub(super) fn score(pairs: &Pairs) -> Clear {
    let mut clear = Clear::default();
    let mut states = vec![State::default(); pairs.truth_counts.len()];
    for frame in &pairs.frames {
        // As in TrackEval, a frame empty on one side leaves the pairs before it together.
        if frame.truth.is_empty() || frame.found.is_empty() {
            clear.false_positives += frame.found.len();
            clear.misses += frame.truth.len();
            continue;
        }
        let value = |truth: usize, found: usize| {
            let overlap = frame.overlap(truth, found);
            let stays = states[frame.truth[truth]].now == Some(frame.found[found]);
            let is_match = overlap >= MATCH_IOU - f64::EPSILON;
            if is_match { overlap + if stays { STAY } else { 0.0 } } else { 0.0 }
        };
        let best = frame.best_pairs(value);
        let matched: Vec<(usize, usize)> =
            best.into_iter().filter(|&(truth, found)| value(truth, found) > f64::EPSILON).collect();
        let before: Vec<Option<usize>> = states.iter().map(|state| state.now).collect();
        states.iter_mut().for_each(|state| state.now = None);
        for &(truth, found) in &matched {
            let (track, number) = (frame.truth[truth], frame.found[found]);
            let state = &mut states[track];
            clear.id_switches += usize::from(state.last.is_some_and(|last| last != number));
            state.num_beginnings += usize::from(before[track].is_none());
            state.num_found += 1;
            (state.last, state.now) = (Some(number), Some(number));
            clear.overlap_sum += frame.overlap(truth, found);
        }
        clear.matches += matched.len();
        clear.misses += frame.truth.len() - matched.len();
        clear.false_positives += frame.found.len() - matched.len();
    }
    for (state, &num_boxes) in states.iter().zip(&pairs.truth_counts) {
        clear.fragments += state.num_beginnings.saturating_sub(1);
        match state.num_found as f64 / num_boxes as f64 {
            share if share > MOSTLY_TRACKED => clear.mostly_tracked += 1,
            share if share >= MOSTLY_LOST => clear.partly_tracked += 1,
            _ => clear.mostly_lost += 1,
        }
    }
    clear
}
