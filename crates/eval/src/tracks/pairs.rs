//! Both sides frame by frame, tracks numbered from 0, and how much each two boxes overlap.

use super::sequence::{TrackBox, TrackSequence};
use hotcoco::primitives::assign::lsap;
use std::collections::BTreeSet;

/// A clip seen from both sides.
pub struct Pairs {
    pub frames: Vec<FramePairs>,
    /// Boxes of each true track.
    pub truth_counts: Vec<usize>,
    /// Boxes of each track found.
    pub found_counts: Vec<usize>,
}

/// A frame seen from both sides.
pub struct FramePairs {
    /// The track of each true box.
    pub truth: Vec<usize>,
    /// The track of each box found.
    pub found: Vec<usize>,
    overlaps: Vec<f64>,
}

impl Pairs {
    pub fn new(truth: &TrackSequence, found: &TrackSequence) -> Self {
        let sides = [truth, found];
        let [truth_ids, found_ids] = sides.map(|side| side.ids().into_iter().collect::<Vec<_>>());
        let places: BTreeSet<i64> =
            sides.iter().flat_map(|side| side.frames().map(|(frame, _)| frame)).collect();
        let mut pairs = Self {
            frames: Vec::with_capacity(places.len()),
            truth_counts: vec![0; truth_ids.len()],
            found_counts: vec![0; found_ids.len()],
        };
        for place in places {
            let [truth, found] = sides.map(|side| side.boxes(place));
            let frame = FramePairs {
                truth: counted(truth, &truth_ids, &mut pairs.truth_counts),
                found: counted(found, &found_ids, &mut pairs.found_counts),
                overlaps: truth
                    .iter()
                    .flat_map(|a| found.iter().map(|b| overlap(&a.bbox, &b.bbox)))
                    .collect(),
            };
            pairs.frames.push(frame);
        }
        pairs
    }

    /// One number for each two tracks, true ones in rows.
    pub fn table(&self) -> TrackTable {
        let num_found = self.found_counts.len();
        TrackTable { values: vec![0.0; self.truth_counts.len() * num_found], num_found }
    }
}

impl FramePairs {
    /// How much true box `truth` and found box `found` overlap.
    pub fn overlap(&self, truth: usize, found: usize) -> f64 {
        self.overlaps[truth * self.found.len() + found]
    }

    /// The one-to-one pairs of boxes whose values have the largest sum.
    pub fn best_pairs(&self, value: impl Fn(usize, usize) -> f64) -> Vec<(usize, usize)> {
        let (num_truth, num_found) = (self.truth.len(), self.found.len());
        let values: Vec<f64> = (0..num_truth)
            .flat_map(|truth| (0..num_found).map(move |found| (truth, found)))
            .map(|(truth, found)| value(truth, found))
            .collect();
        let (rows, columns) = lsap(&values, num_truth, num_found, true);
        rows.into_iter().zip(columns).collect()
    }
}

/// A number for each two tracks.
pub struct TrackTable {
    values: Vec<f64>,
    num_found: usize,
}

impl TrackTable {
    pub fn get(&self, truth: usize, found: usize) -> f64 {
        self.values[truth * self.num_found + found]
    }

    pub fn add(&mut self, truth: usize, found: usize, value: f64) {
        self.values[truth * self.num_found + found] += value;
    }

    /// All entries that are not zero.
    pub fn entries(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        let places = self.values.iter().enumerate().filter(|(_, value)| **value != 0.0);
        places.map(|(place, value)| (place / self.num_found, place % self.num_found, *value))
    }
}

/// The places of the boxes' tracks in `ids`, which are counted.
fn counted(boxes: &[TrackBox], ids: &[i64], counts: &mut [usize]) -> Vec<usize> {
    let places: Vec<usize> =
        boxes.iter().filter_map(|track_box| ids.binary_search(&track_box.id).ok()).collect();
    places.iter().for_each(|place| counts[*place] += 1);
    places
}

/// Intersection over union; 0 where both have no area.
fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let shared = |axis: usize| {
        let end = (a[axis] + a[axis + 2]).min(b[axis] + b[axis + 2]);
        (end - a[axis].max(b[axis])).max(0.0)
    };
    let both = shared(0) * shared(1);
    let union = a[2] * a[3] + b[2] * b[3] - both;
    if union > 0.0 { both / union } else { 0.0 }
}
