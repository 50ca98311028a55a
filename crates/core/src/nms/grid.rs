//! Kept boxes by the place of their top left corner, so that a box meets only those near it.
//!
//! IoU is at most the shared width over the larger width (the other factors of the intersection are no
//! longer than the sides of either box). So from `IoU > t` follows that the narrower box is wider than
//! `t` times the other, and that the left edges are less than `(1 - t)` of the larger width apart: less
//! than `(1 - t) / t` of this box's width. The same holds for heights and upper edges.

use crate::BBox;

/// Below this threshold the window around a box is so large that looking there saves nothing.
pub(super) const LOWEST_THRESH: f64 = 0.2;
/// The window is made for a threshold this much lower, which covers all rounding: that of an IoU is a
/// few float32 steps, 1e-6 at most.
const SLACK: f64 = 1e-3;
/// Boxes for each cell, if they are spread evenly: a window is then some cells wide.
const BOXES_A_CELL: f32 = 16.0;
/// Cells along a side, at most.
const MOST_CELLS: f32 = 128.0;

/// The cells of a grid over the top left corners of some boxes.
pub(super) struct Grid {
    x: Axis,
    y: Axis,
    /// Row by row, each with the boxes kept there.
    cells: Vec<Vec<BBox>>,
    /// Width of a window for each pixel of a box's.
    reach: f32,
    iou_thresh: f64,
}

/// Where cells lie along one axis.
struct Axis {
    start: f32,
    cells_a_pixel: f32,
    last: f32,
}

impl Grid {
    /// For boxes among `boxes`; `iou_thresh` is at least [`LOWEST_THRESH`].
    pub(super) fn new(boxes: &[BBox], iou_thresh: f64) -> Self {
        let cells = (boxes.len() as f32 / BOXES_A_CELL).sqrt().clamp(1.0, MOST_CELLS).floor();
        let x = Axis::over(boxes.iter().map(|b| b.x1), cells);
        let y = Axis::over(boxes.iter().map(|b| b.y1), cells);
        let lower = iou_thresh - SLACK;
        let cells = vec![Vec::new(); (cells * cells) as usize];
        Self { x, y, cells, reach: ((1.0 - lower) / lower).max(0.0) as f32, iou_thresh }
    }

    /// Keeps the box unless it overlaps one that is kept by more than the threshold.
    pub(super) fn takes(&mut self, b: &BBox) -> bool {
        let survives = !self.suppresses(b);
        if survives {
            let cell = self.y.cell(b.y1) * self.x.num_cells() + self.x.cell(b.x1);
            self.cells[cell].push(*b);
        }
        survives
    }

    fn suppresses(&self, b: &BBox) -> bool {
        let columns = self.x.window(b.x1, self.reach * b.width());
        let mut rows = self.y.window(b.y1, self.reach * b.height());
        rows.any(|row| {
            let cells = row * self.x.num_cells();
            let cells = &self.cells[cells + columns.start()..=cells + columns.end()];
            let kept = |kept: &BBox| f64::from(kept.iou(b)) > self.iou_thresh;
            cells.iter().flatten().any(kept)
        })
    }
}

impl Axis {
    /// `cells` of them, from the least to the largest of `places`; infinite and NaN ones are at an end.
    fn over(places: impl Iterator<Item = f32> + Clone, cells: f32) -> Self {
        let finite = || places.clone().filter(|place| place.is_finite());
        let start = finite().fold(f32::INFINITY, f32::min);
        let end = finite().fold(f32::NEG_INFINITY, f32::max);
        let length = end - start;
        let cells_a_pixel = if length > 0.0 && length.is_finite() { cells / length } else { 0.0 };
        Self { start, cells_a_pixel, last: cells - 1.0 }
    }

    fn num_cells(&self) -> usize {
        self.last as usize + 1
    }

    /// Rises with `place`, whatever rounding does; NaN is in the first cell.
    fn cell(&self, place: f32) -> usize {
        ((place - self.start) * self.cells_a_pixel).max(0.0).min(self.last) as usize
    }

    fn window(&self, place: f32, reach: f32) -> std::ops::RangeInclusive<usize> {
        let reach = reach.max(0.0);
        self.cell(place - reach)..=self.cell(place + reach)
    }
}
