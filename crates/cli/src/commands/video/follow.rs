//! From detections to tracks and counts: what happens to a frame between detector and record.

use crate::output::video::{SeenFrame, SeenObject};
use kestrel_args::VideoArgs;
use kestrel_core::Detections;
use kestrel_video::{Counter, Frame, TimeBase, TrackConfig, TrackSummaries, Tracker};

/// What time of the source a frame shows.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub start_secs: f64,
    pub time_base: TimeBase,
}

impl Clock {
    pub fn secs(self, ticks: i64) -> f64 {
        self.start_secs + self.time_base.secs(ticks)
    }
}

/// What is known of the frames so far.
pub(super) struct Follower {
    /// `None` where objects are not followed.
    tracker: Option<Tracker>,
    pub summaries: TrackSummaries,
    pub counter: Counter,
    clock: Clock,
    pub last_secs: f64,
}

impl Follower {
    pub fn new(arguments: &VideoArgs, clock: Clock) -> Self {
        let config = TrackConfig {
            sure_score: arguments.score,
            max_gap_frames: arguments.max_gap,
            ..TrackConfig::default()
        };
        let (lines, zones) = (arguments.line.clone(), arguments.zone.clone());
        Self {
            tracker: (!arguments.no_track).then(|| Tracker::new(config)),
            summaries: TrackSummaries::default(),
            counter: Counter::new(lines, zones, arguments.max_gap),
            clock,
            last_secs: clock.start_secs,
        }
    }

    /// What is in the next frame. Where objects are followed, those without a track are left out.
    pub fn follow(&mut self, frame: &Frame, found: Detections) -> SeenFrame {
        let tracks = match &mut self.tracker {
            Some(tracker) => tracker.follow(&found),
            None => vec![None; found.objects.len()],
        };
        let follows = self.tracker.is_some();
        let objects: Vec<SeenObject> = tracks
            .into_iter()
            .zip(found.objects)
            .filter(|(track, _)| track.is_some() || !follows)
            .map(|(track, detection)| SeenObject { track, detection })
            .collect();
        let tracked = objects.iter().filter_map(|object| Some((object.track?, &object.detection)));
        for (track, detection) in tracked.clone() {
            self.summaries.see(track, detection.label, frame.index, frame.ticks);
        }
        self.counter.see(tracked.map(|(track, found)| (track, found.label, found.bbox)));
        self.last_secs = self.clock.secs(frame.ticks);
        let (index, size) = (frame.index, frame.picture.size());
        SeenFrame { index, secs: self.last_secs, size, objects }
    }
}
