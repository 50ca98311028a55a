//! Counting what crosses a line or enters a zone. An object is where the middle of its box is.

use crate::TrackId;
use kestrel_core::{BBox, Label};
use std::collections::{BTreeMap, BTreeSet};

/// A place in pixels of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left edge.
    pub x: f32,
    /// From the top edge.
    pub y: f32,
}

/// A line with a direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Where it begins.
    pub from: Point,
    /// Where it ends.
    pub to: Point,
}

/// A polygon of at least three corners; where it crosses itself the even-odd rule holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// What it is called.
    pub name: String,
    /// Its corners in order.
    pub corners: Vec<Point>,
}

/// How often a line was crossed, by class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineTotals {
    /// From the left hand to the right hand of somebody who walks along the line.
    pub to_right: BTreeMap<Label, usize>,
    /// The other way.
    pub to_left: BTreeMap<Label, usize>,
}

/// What was in a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTotals {
    /// Objects that have been inside, by class.
    pub visitors: BTreeMap<Label, usize>,
    /// Objects inside in the last frame.
    pub inside: usize,
    /// The largest number inside in one frame.
    pub most_inside: usize,
}

/// Counts over the frames of a run.
#[derive(Debug)]
pub struct Counter {
    lines: Vec<(Line, LineTotals)>,
    zones: Vec<(Zone, ZoneTotals, BTreeSet<TrackId>)>,
    /// Where each object was when it was last seen, and in which frame.
    last_places: BTreeMap<TrackId, (Point, usize)>,
    /// Longer gaps end a track, so that its last place can be forgotten.
    max_gap_frames: usize,
    num_frames: usize,
}

impl Counter {
    /// Nothing counted yet.
    pub fn new(lines: Vec<Line>, zones: Vec<Zone>, max_gap_frames: usize) -> Self {
        Self {
            lines: lines.into_iter().map(|line| (line, LineTotals::default())).collect(),
            zones: zones
                .into_iter()
                .map(|zone| (zone, ZoneTotals::default(), BTreeSet::new()))
                .collect(),
            last_places: BTreeMap::new(),
            max_gap_frames,
            num_frames: 0,
        }
    }

    /// Whether there is anything to count.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.zones.is_empty()
    }

    /// Counts the objects of the next frame.
    pub fn see(&mut self, objects: impl Iterator<Item = (TrackId, Label, BBox)>) {
        for (_, totals, _) in &mut self.zones {
            totals.inside = 0;
        }
        for (id, label, bbox) in objects {
            let place = middle(&bbox);
            if let Some(&(before, _)) = self.last_places.get(&id) {
                for (line, totals) in &mut self.lines {
                    match line.crossed(before, place) {
                        Some(Side::Right) => *totals.to_right.entry(label).or_default() += 1,
                        Some(Side::Left) => *totals.to_left.entry(label).or_default() += 1,
                        None => {}
                    }
                }
            }
            for (zone, totals, visitors) in &mut self.zones {
                if zone.contains(place) {
                    totals.inside += 1;
                    totals.most_inside = totals.most_inside.max(totals.inside);
                    if visitors.insert(id) {
                        *totals.visitors.entry(label).or_default() += 1;
                    }
                }
            }
            self.last_places.insert(id, (place, self.num_frames));
        }
        self.num_frames += 1;
        let oldest = self.num_frames.saturating_sub(self.max_gap_frames + 2);
        self.last_places.retain(|_, &mut (_, frame)| frame >= oldest);
    }

    /// The lines and their totals, in the order they were given.
    pub fn lines(&self) -> impl Iterator<Item = (&Line, &LineTotals)> {
        self.lines.iter().map(|(line, totals)| (line, totals))
    }

    /// The zones and their totals, in the order they were given.
    pub fn zones(&self) -> impl Iterator<Item = (&Zone, &ZoneTotals)> {
        self.zones.iter().map(|(zone, totals, _)| (zone, totals))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Line {
    /// The side that a step leads to, if it crosses the line between its ends.
    fn crossed(&self, before: Point, after: Point) -> Option<Side> {
        let (from, to) = (side(self.from, self.to, before), side(self.from, self.to, after));
        let ends_apart = side(before, after, self.from) != side(before, after, self.to);
        (from != to && ends_apart).then_some(to)
    }
}

impl Zone {
    /// Whether a ray to the right crosses an odd number of edges.
    fn contains(&self, place: Point) -> bool {
        let ends = self.corners.iter().cycle().skip(1);
        let crossings = self.corners.iter().zip(ends).filter(|(a, b)| {
            if (a.y > place.y) == (b.y > place.y) {
                return false;
            }
            let at = (place.y - a.y) / (b.y - a.y);
            place.x < a.x + at * (b.x - a.x)
        });
        crossings.count() % 2 == 1
    }
}

/// The hand on which a place lies of somebody who walks from `from` to `to`; rows count downwards. A
/// place on the line counts as right, so that a step onto it and one off it are one crossing.
fn side(from: Point, to: Point, place: Point) -> Side {
    let cross = (to.x - from.x) * (place.y - from.y) - (to.y - from.y) * (place.x - from.x);
    if cross >= 0.0 { Side::Right } else { Side::Left }
}

fn middle(bbox: &BBox) -> Point {
    Point { x: (bbox.x1 + bbox.x2) / 2.0, y: (bbox.y1 + bbox.y2) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    fn counter() -> Counter {
        let line = Line { name: "gate".into(), from: point(0.0, 100.0), to: point(200.0, 100.0) };
        let corners = [(50.0, 50.0), (150.0, 50.0), (150.0, 150.0), (50.0, 150.0)];
        let corners = corners.map(|(x, y)| point(x, y)).to_vec();
        Counter::new(vec![line], vec![Zone { name: "yard".into(), corners }], 30)
    }

    /// Counts one object that is at these places in turn.
    fn walked(places: &[(f32, f32)]) -> (LineTotals, ZoneTotals) {
        let mut counter = counter();
        for &(x, y) in places {
            let bbox = BBox::new(x - 5.0, y - 5.0, x + 5.0, y + 5.0);
            counter.see([(TrackId(1), Label(1), bbox)].into_iter());
        }
        let line = counter.lines().next().map(|(_, totals)| totals.clone());
        let zone = counter.zones().next().map(|(_, totals)| totals.clone());
        (line.unwrap_or_default(), zone.unwrap_or_default())
    }

    fn crossings(places: &[(f32, f32)]) -> (usize, usize) {
        let (totals, _) = walked(places);
        (totals.to_right.values().sum(), totals.to_left.values().sum())
    }

    #[test]
    fn a_crossing_has_a_direction() {
        // The line runs to the right of the picture, so its right hand is below.
        assert_eq!(crossings(&[(100.0, 90.0), (100.0, 110.0)]), (1, 0));
        assert_eq!(crossings(&[(100.0, 110.0), (100.0, 90.0)]), (0, 1));
        assert_eq!(crossings(&[(100.0, 90.0), (100.0, 110.0), (100.0, 90.0)]), (1, 1));
    }

    #[test]
    fn a_stop_on_the_line_is_no_second_crossing() {
        assert_eq!(crossings(&[(100.0, 90.0), (100.0, 100.0), (100.0, 110.0)]), (1, 0));
        assert_eq!(crossings(&[(100.0, 90.0), (100.0, 100.0), (100.0, 90.0)]), (1, 1));
    }

    #[test]
    fn whoever_walks_around_the_line_does_not_cross_it() {
        assert_eq!(crossings(&[(250.0, 90.0), (250.0, 110.0)]), (0, 0));
        assert_eq!(crossings(&[(100.0, 90.0)]), (0, 0));
    }

    #[test]
    fn a_zone_counts_each_visitor_once() {
        let (_, totals) = walked(&[(10.0, 10.0), (100.0, 60.0), (10.0, 10.0), (100.0, 60.0)]);
        assert_eq!(totals.visitors, BTreeMap::from([(Label(1), 1)]));
        assert_eq!((totals.inside, totals.most_inside), (1, 1));
        let (_, totals) = walked(&[(100.0, 60.0), (10.0, 10.0)]);
        assert_eq!((totals.inside, totals.most_inside), (0, 1));
    }

    #[test]
    fn last_places_are_forgotten() {
        let mut counter = counter();
        let bbox = BBox::new(0.0, 0.0, 1.0, 1.0);
        counter.see([(TrackId(1), Label(1), bbox)].into_iter());
        for _ in 0..40 {
            counter.see(std::iter::empty());
        }
        assert!(counter.last_places.is_empty());
    }
}
