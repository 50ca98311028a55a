//! The tracks of a run, one line each.

use crate::TrackId;
use kestrel_core::Label;
use std::collections::BTreeMap;

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackSummary {
    /// Its number.
    pub id: TrackId,
    /// What it is.
    pub label: Label,
    /// The first frame it is seen in, and the last.
    pub first_frame: usize,
    /// The last frame it is seen in.
    pub last_frame: usize,
    /// When it is first seen, in ticks.
    pub first_ticks: i64,
    /// When it is last seen, in ticks.
    pub last_ticks: i64,
    /// Frames it is seen in; gaps do not count.
    pub num_frames: usize,
}

/// All tracks so far.
#[derive(Debug, Default)]
pub struct TrackSummaries {
    tracks: BTreeMap<TrackId, TrackSummary>,
}

impl TrackSummaries {
    /// Takes note of an object in a frame.
    pub fn see(&mut self, id: TrackId, label: Label, frame: usize, ticks: i64) {
        let track = self.tracks.entry(id).or_insert(TrackSummary {
            id,
            label,
            first_frame: frame,
            last_frame: frame,
            first_ticks: ticks,
            last_ticks: ticks,
            num_frames: 0,
        });
        track.last_frame = frame;
        track.last_ticks = ticks;
        track.num_frames += 1;
    }

    /// The tracks by their numbers.
    pub fn tracks(&self) -> impl ExactSizeIterator<Item = &TrackSummary> {
        self.tracks.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_do_not_count() {
        let mut summaries = TrackSummaries::default();
        for frame in [3, 4, 9] {
            summaries.see(TrackId(2), Label(1), frame, 10 * frame as i64);
        }
        summaries.see(TrackId(1), Label(1), 9, 90);
        let tracks: Vec<_> = summaries.tracks().collect();
        assert_eq!(tracks.len(), 2);
        assert_eq!((tracks[1].first_frame, tracks[1].last_frame), (3, 9));
        assert_eq!((tracks[1].num_frames, tracks[1].last_ticks), (3, 90));
    }
}
