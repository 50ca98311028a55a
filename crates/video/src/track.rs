//! Which object is which from frame to frame: ByteTrack, for each class by itself.
//!
//! Source: Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box"
//! (2022), as the crate `trackforge` has it: boxes predicted by a Kalman filter are matched by
//! overlap, sure detections first, then the weak ones to tracks that found none. It takes the nearest
//! pairs first instead of the best sum, and begins a track with its first sure detection.

use kestrel_core::{BBox, Detections, Label};
use std::collections::BTreeMap;
use trackforge::trackers::byte_track::{ByteTrack, ByteTrackParams};
use trackforge::trackers::common::CommonParams;

/// How objects are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackConfig {
    /// A detection of at least this score begins a track, between 0 and 1.
    pub sure_score: f32,
    /// How many frames a track waits for its object before it ends.
    pub max_gap_frames: usize,
    /// Smallest overlap (IoU) of a sure detection and the predicted box.
    pub min_overlap: f32,
    /// Smallest overlap (IoU) of a weak detection and the predicted box.
    pub min_weak_overlap: f32,
}

impl Default for TrackConfig {
    /// The published settings, at 30 frames a second.
    fn default() -> Self {
        Self { sure_score: 0.5, max_gap_frames: 30, min_overlap: 0.2, min_weak_overlap: 0.5 }
    }
}

/// The number of a track, from 1; no two objects of a run share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct TrackId(pub u64);

/// Follows the objects of one clip.
pub struct Tracker {
    config: TrackConfig,
    classes: BTreeMap<Label, ClassTracker>,
    num_tracks: u64,
}

/// The objects of one class, whose tracks have numbers of their own.
struct ClassTracker {
    tracker: ByteTrack,
    ids: BTreeMap<u64, TrackId>,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(config: TrackConfig) -> Self {
        Self { config, classes: BTreeMap::new(), num_tracks: 0 }
    }

    /// The track of each detection of the next frame; `None` for one that belongs to none.
    pub fn follow(&mut self, detections: &Detections) -> Vec<Option<TrackId>> {
        let mut tracks = vec![None; detections.objects.len()];
        let mut by_class: BTreeMap<Label, Vec<usize>> = BTreeMap::new();
        for (place, object) in detections.objects.iter().enumerate() {
            // A box without area overlaps nothing, and a NaN would spread.
            if object.bbox.sides_at_least(f32::MIN_POSITIVE) && is_finite(&object.bbox) {
                by_class.entry(object.label).or_default().push(place);
            }
        }
        for label in by_class.keys() {
            let tracker = || ClassTracker::new(&self.config);
            self.classes.entry(*label).or_insert_with(tracker);
        }
        // Every class sees every frame, so that its tracks grow old.
        for (label, class) in &mut self.classes {
            let places = by_class.remove(label).unwrap_or_default();
            for (place, id) in class.follow(detections, &places, &mut self.num_tracks) {
                tracks[place] = Some(id);
            }
        }
        tracks
    }
}

impl ClassTracker {
    fn new(config: &TrackConfig) -> Self {
        // Distances are one minus the overlap; `min_hits` plays no part in ByteTrack.
        let tracker = ByteTrack::from_params(ByteTrackParams {
            common: CommonParams { max_age: config.max_gap_frames, min_hits: 1 },
            track_thresh: config.sure_score,
            det_thresh: config.sure_score,
            match_thresh: 1.0 - config.min_overlap,
            second_match_thresh: 1.0 - config.min_weak_overlap,
        });
        Self { tracker, ids: BTreeMap::new() }
    }

    fn follow(
        &mut self,
        detections: &Detections,
        places: &[usize],
        num_tracks: &mut u64,
    ) -> Vec<(usize, TrackId)> {
        let boxes = places.iter().map(|&place| {
            let object = &detections.objects[place];
            let BBox { x1, y1, .. } = object.bbox;
            let corner_and_sides = [x1, y1, object.bbox.width(), object.bbox.height()];
            (corner_and_sides, object.score, i64::from(object.label.0))
        });
        let mut tracks = self.tracker.update(boxes.collect());
        tracks.sort_by_key(|track| track.track_id);
        let mut found = Vec::new();
        for track in tracks {
            let Some(place) = track.det_ind.and_then(|index| places.get(index)) else { continue };
            let id = *self.ids.entry(track.track_id).or_insert_with(|| {
                *num_tracks += 1;
                TrackId(*num_tracks)
            });
            found.push((*place, id));
        }
        found
    }
}

fn is_finite(bbox: &BBox) -> bool {
    <[f32; 4]>::from(*bbox).iter().all(|corner| corner.is_finite())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{Detection, ImageSize};

    fn object(x: f32, label: u32, score: f32) -> Detection {
        let bbox = BBox::new(x, 10.0, x + 20.0, 40.0);
        Detection { bbox, label: Label(label), score, mask: None }
    }

    fn frame(objects: Vec<Detection>) -> Detections {
        Detections { image_size: ImageSize::new(100, 400), objects }
    }

    fn ids(tracker: &mut Tracker, objects: Vec<Detection>) -> Vec<Option<u64>> {
        let tracks = tracker.follow(&frame(objects));
        tracks.into_iter().map(|track| track.map(|id| id.0)).collect()
    }

    #[test]
    fn an_object_keeps_its_number_whatever_its_place_in_the_list() {
        let mut tracker = Tracker::new(TrackConfig::default());
        assert_eq!(ids(&mut tracker, vec![]), []);
        assert_eq!(
            ids(&mut tracker, vec![object(0.0, 1, 0.9), object(200.0, 1, 0.8)]),
            [Some(1), Some(2)]
        );
        assert_eq!(
            ids(&mut tracker, vec![object(203.0, 1, 0.9), object(2.0, 1, 0.8)]),
            [Some(2), Some(1)]
        );
    }

    #[test]
    fn a_short_gap_is_bridged_and_a_long_one_is_not() {
        let config = TrackConfig { max_gap_frames: 5, ..TrackConfig::default() };
        let mut tracker = Tracker::new(config);
        ids(&mut tracker, vec![object(0.0, 1, 0.9)]);
        for _ in 0..4 {
            assert_eq!(ids(&mut tracker, vec![]), []);
        }
        assert_eq!(ids(&mut tracker, vec![object(1.0, 1, 0.9)]), [Some(1)]);
        for _ in 0..6 {
            ids(&mut tracker, vec![]);
        }
        assert_eq!(ids(&mut tracker, vec![object(1.0, 1, 0.9)]), [Some(2)]);
    }

    #[test]
    fn classes_do_not_mix() {
        let mut tracker = Tracker::new(TrackConfig::default());
        assert_eq!(ids(&mut tracker, vec![object(0.0, 1, 0.9)]), [Some(1)]);
        let both = vec![object(0.0, 2, 0.95), object(1.0, 1, 0.9)];
        assert_eq!(ids(&mut tracker, both), [Some(2), Some(1)]);
    }

    #[test]
    fn a_weak_detection_goes_on_but_does_not_begin() {
        let mut tracker = Tracker::new(TrackConfig::default());
        assert_eq!(ids(&mut tracker, vec![object(0.0, 1, 0.3)]), [None]);
        assert_eq!(ids(&mut tracker, vec![object(0.0, 1, 0.9)]), [Some(1)]);
        assert_eq!(ids(&mut tracker, vec![object(2.0, 1, 0.3)]), [Some(1)]);
    }

    #[test]
    fn boxes_that_are_none_have_no_track() {
        let mut tracker = Tracker::new(TrackConfig::default());
        let mut nan = object(0.0, 1, 0.9);
        nan.bbox.x2 = f32::NAN;
        let mut flat = object(50.0, 1, 0.9);
        flat.bbox.y2 = flat.bbox.y1;
        assert_eq!(ids(&mut tracker, vec![nan, flat, object(0.0, 1, 0.9)]), [None, None, Some(1)]);
    }
}
