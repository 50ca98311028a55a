//! Which ground-truth object a candidate box stands for.
//!
//! Source: `Matcher` in `torchvision/models/detection/_utils.py`. Letters: `M` objects,
//! `K` candidates. The `[M, K]` table of overlaps is never stored: with 200 objects and 270,000
//! anchors it would take 215 MB. Differences: none known.

use kestrel_core::BBox;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Candidates looked at by one task: their overlaps with one object, and the best so far, stay in
/// the processor's first cache.
const CHUNK: usize = 1024;

/// From which overlap on a candidate counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatcherConfig {
    /// IoU from which a candidate stands for its best object.
    pub foreground_iou: f32,
    /// IoU below which a candidate is background; between the two it is ignored.
    pub background_iou: f32,
    /// Whether the best candidates of an object stand for one however little they overlap.
    pub allow_low_quality: bool,
}

/// What a candidate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// No object.
    Background,
    /// Neither object nor background: left out of training.
    Between,
    /// The object at this place in the ground truth.
    Object(usize),
}

/// Matches every candidate; without objects all are background.
pub fn match_boxes(config: &MatcherConfig, objects: &[BBox], candidates: &[BBox]) -> Vec<Match> {
    let overlaps = |places: Range<usize>| {
        let columns = Columns::new(&candidates[places]);
        move |object: usize, row: &mut [f32]| columns.overlaps(&objects[object], row)
    };
    match_by(config, objects.len(), candidates.len(), overlaps)
}

/// [`match_boxes`] for any measure of overlap: of the candidates at some places, `overlaps` makes a
/// function of an object that fills a row with their overlaps.
pub(crate) fn match_by<Rows: Fn(usize, &mut [f32])>(
    config: &MatcherConfig,
    num_objects: usize,
    num_candidates: usize,
    overlaps: impl Fn(Range<usize>) -> Rows + Sync,
) -> Vec<Match> {
    if num_objects == 0 {
        return vec![Match::Background; num_candidates];
    }
    let starts: Vec<usize> = (0..num_candidates).step_by(CHUNK).collect();
    let chunk = |&from: &usize| {
        let places = from..num_candidates.min(from + CHUNK);
        Chunk::new(places.clone(), num_objects, overlaps(places))
    };
    let chunks: Vec<Chunk> = starts.par_iter().map(chunk).collect();
    let mut matches = vec![Match::Background; num_candidates];
    let places = matches.par_chunks_mut(CHUNK).zip(&chunks);
    places.for_each(|(matches, chunk)| chunk.by_threshold(config, matches));
    if config.allow_low_quality {
        let closest = |object: usize| closest_to(object, &chunks, &overlaps);
        let places = (0..num_objects).into_par_iter().flat_map_iter(closest);
        for place in places.collect::<Vec<_>>() {
            // Its own best object, which need not be the one it is closest for.
            let best = chunks[place / CHUNK].object[place % CHUNK];
            matches[place] = Match::Object(best as usize);
        }
    }
    matches
}

/// All candidates that share the largest overlap with an object, even if that is zero. Only the
/// chunks that reach it are looked at again.
fn closest_to<'a, Rows: Fn(usize, &mut [f32])>(
    object: usize,
    chunks: &'a [Chunk],
    overlaps: &'a impl Fn(Range<usize>) -> Rows,
) -> impl Iterator<Item = usize> + 'a {
    let largest =
        chunks.iter().map(|chunk| chunk.largest[object]).fold(f32::NEG_INFINITY, f32::max);
    let reach_it = chunks.iter().filter(move |chunk| chunk.largest[object] == largest);
    reach_it.flat_map(move |chunk| {
        let mut row = vec![0.0; chunk.iou.len()];
        overlaps(chunk.places.clone())(object, &mut row);
        let shared = chunk.places.clone().zip(row).filter(move |&(_, iou)| iou == largest);
        shared.map(|(place, _)| place)
    })
}

/// What is known of some candidates that follow each other.
struct Chunk {
    places: Range<usize>,
    /// Overlap of each candidate with its best object...
    iou: Vec<f32>,
    /// ...and that object, the first among equals.
    object: Vec<u32>,
    /// For each object its largest overlap within the chunk.
    largest: Vec<f32>,
}

impl Chunk {
    fn new(places: Range<usize>, num_objects: usize, overlaps: impl Fn(usize, &mut [f32])) -> Self {
        let (mut iou, mut object) = (Vec::new(), vec![0u32; places.len()]);
        let mut row = vec![0.0f32; places.len()];
        let mut largest = Vec::with_capacity(num_objects);
        for number in 0..num_objects {
            overlaps(number, &mut row);
            if number == 0 {
                iou = row.clone();
            }
            for ((best, best_object), &found) in iou.iter_mut().zip(&mut object).zip(&row) {
                let better = found > *best;
                *best = if better { found } else { *best };
                *best_object = if better { number as u32 } else { *best_object };
            }
            largest.push(largest_of(&row));
        }
        Self { places, iou, object, largest }
    }

    fn by_threshold(&self, config: &MatcherConfig, matches: &mut [Match]) {
        for (found, (&iou, &object)) in matches.iter_mut().zip(self.iou.iter().zip(&self.object)) {
            *found = if iou < config.background_iou {
                Match::Background
            } else if iou < config.foreground_iou {
                Match::Between
            } else {
                Match::Object(object as usize)
            };
        }
    }
}

/// The largest value that is a number.
fn largest_of(row: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (blocks, rest) = row.as_chunks::<LANES>();
    // Lane by lane, which vector instructions can do; the largest does not depend on the order.
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, &value)| *lane = larger(*lane, value));
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| larger(a, b))
}

/// Boxes as one array for each coordinate, so that overlaps are vector code.
struct Columns {
    x1: Vec<f32>,
    y1: Vec<f32>,
    x2: Vec<f32>,
    y2: Vec<f32>,
}

impl Columns {
    fn new(boxes: &[BBox]) -> Self {
        let column = |corner: fn(&BBox) -> f32| boxes.iter().map(corner).collect();
        Self {
            x1: column(|b| b.x1),
            y1: column(|b| b.y1),
            x2: column(|b| b.x2),
            y2: column(|b| b.y2),
        }
    }

    /// Overlaps of `object` with every box.
    fn overlaps(&self, object: &BBox, row: &mut [f32]) {
        let corners = self.x1.iter().zip(&self.y1).zip(&self.x2).zip(&self.y2);
        for (overlap, (((&x1, &y1), &x2), &y2)) in row.iter_mut().zip(corners) {
            *overlap = object.iou(&BBox::new(x1, y1, x2, y2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RPN: MatcherConfig =
        MatcherConfig { foreground_iou: 0.7, background_iou: 0.3, allow_low_quality: true };
    const HEAD: MatcherConfig =
        MatcherConfig { foreground_iou: 0.5, background_iou: 0.5, allow_low_quality: false };

    /// torchvision's coding: the object, -1 for background, -2 for between.
    fn coded(config: &MatcherConfig, table: &[[f32; 5]]) -> Vec<i64> {
        let code = |found| match found {
            Match::Object(object) => object as i64,
            Match::Background => -1,
            Match::Between => -2,
        };
        let overlaps = |places: Range<usize>| {
            move |m: usize, row: &mut [f32]| row.copy_from_slice(&table[m][places.clone()])
        };
        match_by(config, table.len(), 5, overlaps).into_iter().map(code).collect()
    }

    /// The table and the answers of `golden.json`.
    #[test]
    fn golden_matches() {
        let table =
            [[0.1, 0.75, 0.4, 0.0, 0.29], [0.2, 0.3, 0.45, 0.45, 0.0], [0.05, 0.0, 0.0, 0.02, 0.0]];
        assert_eq!(coded(&RPN, &table), [1, 0, 1, 1, -1]);
        assert_eq!(coded(&HEAD, &table), [-1, 0, -1, -1, -1]);
    }

    #[test]
    fn an_object_nobody_touches_takes_everybody() {
        assert_eq!(coded(&RPN, &[[0.0; 5]]), [0; 5]);
    }

    #[test]
    fn without_objects_or_candidates() {
        let boxes = [BBox::new(0.0, 0.0, 1.0, 1.0)];
        assert_eq!(match_boxes(&RPN, &[], &boxes), [Match::Background]);
        assert!(match_boxes(&RPN, &boxes, &[]).is_empty());
    }

    /// Against the definition on the whole table, with more candidates than a chunk holds and
    /// copies among them, whose overlaps are equal.
    #[test]
    fn chunks_do_not_show() {
        let place = |at: usize| (at * 37 % 101) as f32;
        let bbox = |at: usize| {
            let (x, y) = (place(at), place(at / 3 + 7));
            BBox::new(x, y, x + 5.0 + place(at + 11) / 4.0, y + 9.0)
        };
        let candidates: Vec<BBox> = (0..CHUNK * 2 + 300).map(|at| bbox(at % 1500)).collect();
        let objects: Vec<BBox> = (0..7).map(|at| bbox(at * 13 + 5)).collect();
        let expected = |config: &MatcherConfig, at: usize| {
            let table = |m: usize, k: usize| objects[m].iou(&candidates[k]);
            let best = (1..7).fold(0, |a, m| if table(m, at) > table(a, at) { m } else { a });
            let largest = |m: usize| {
                (0..candidates.len()).map(|k| table(m, k)).fold(f32::NEG_INFINITY, f32::max)
            };
            let closest = (0..7).any(|m| table(m, at) == largest(m));
            match table(best, at) {
                _ if config.allow_low_quality && closest => Match::Object(best),
                iou if iou < config.background_iou => Match::Background,
                iou if iou < config.foreground_iou => Match::Between,
                _ => Match::Object(best),
            }
        };
        for config in [RPN, HEAD] {
            let found = match_boxes(&config, &objects, &candidates);
            for at in (0..candidates.len()).step_by(19) {
                assert_eq!(found[at], expected(&config, at), "candidate {at}");
            }
        }
    }
}
