//! Tracks beside true tracks: CLEAR MOT, identity, and higher-order tracking accuracy.
//!
//! Boxes match at an overlap (IoU); classes play no part, and neither do MOT17's rules for
//! distractors. The definitions are those of the papers as TrackEval counts them, which the tests
//! compare with.

mod clear;
mod hota;
mod identity;
mod pairs;
mod sequence;

pub use clear::Clear;
pub use hota::Hota;
pub use identity::Identity;
pub use sequence::{TrackBox, TrackError, TrackRole, TrackSequence};

use pairs::Pairs;
use serde::Serialize;

/// The overlap at which CLEAR MOT and identity take two boxes for one object.
const MATCH_IOU: f64 = 0.5;

/// How well the tracks of one or more clips are found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrackScores {
    /// Frames that have a box on either side.
    pub frames: usize,
    /// True boxes.
    pub truth_boxes: usize,
    /// True tracks.
    pub truth_tracks: usize,
    /// Boxes found.
    pub found_boxes: usize,
    /// Tracks found.
    pub found_tracks: usize,
    /// Whether objects are found, and how often they change their number.
    pub clear: Clear,
    /// How long an object is known under one number.
    pub identity: Identity,
    /// Detection and association in one number.
    pub hota: Hota,
}

/// Scores the tracks of one clip.
pub fn score_tracks(truth: &TrackSequence, found: &TrackSequence) -> TrackScores {
    let pairs = Pairs::new(truth, found);
    TrackScores {
        frames: pairs.frames.len(),
        truth_boxes: pairs.truth_counts.iter().sum(),
        truth_tracks: pairs.truth_counts.len(),
        found_boxes: pairs.found_counts.iter().sum(),
        found_tracks: pairs.found_counts.len(),
        clear: clear::score(&pairs),
        identity: identity::score(&pairs),
        hota: hota::score(&pairs),
    }
}

impl TrackScores {
    /// The scores of all clips together: objects count the same, whichever clip they are in.
    pub fn combined(clips: &[Self]) -> Self {
        let mut all = Self::default();
        for clip in clips {
            let Self { frames, truth_boxes, truth_tracks, found_boxes, found_tracks, .. } = clip;
            all.frames += frames;
            all.truth_boxes += truth_boxes;
            all.truth_tracks += truth_tracks;
            all.found_boxes += found_boxes;
            all.found_tracks += found_tracks;
            all.clear.add(&clip.clear);
            all.identity.add(&clip.identity);
            all.hota.add(&clip.hota);
        }
        all
    }
}

/// A share; `None` of nothing.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
