//! The confusion matrix as an SVG: a row for each true class, shaded by its share of the row.

use super::text::escape;
use crate::confusion::Confusion;

/// Up to this many classes, cells carry their count.
const MOST_WITH_COUNTS: usize = 14;
/// Up to this many, rows and columns carry their name.
const MOST_WITH_NAMES: usize = 45;
/// Width of the whole in its own units.
const WIDTH: f64 = 720.0;
/// Room for names.
const MARGIN: f64 = 130.0;
/// How far the last column's slanted name sticks out, in margins.
const OVERHANG: f64 = 0.4;
/// Longer names are cut, in characters.
const LONGEST_NAME: usize = 16;

pub(super) fn heat_map(confusion: &Confusion) -> String {
    let side = confusion.names.len();
    let margin = if side <= MOST_WITH_NAMES { MARGIN } else { 2.0 };
    let grid = Grid { margin, side: WIDTH - margin - margin * OVERHANG, num_classes: side };
    let height = margin + grid.side + 1.0;
    let mut svg = format!(
        "<svg class=\"heat\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"confusion matrix\">"
    );
    for (row, counts) in confusion.counts.iter().enumerate() {
        let total: u64 = counts.iter().sum();
        for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            svg += &grid.cell(confusion, row, column, count as f64 / total as f64);
        }
    }
    svg += &grid.frame();
    if side <= MOST_WITH_NAMES {
        svg.extend(confusion.names.iter().enumerate().map(|(index, name)| grid.names(index, name)));
    }
    svg + "</svg>"
}

struct Grid {
    /// Left and above.
    margin: f64,
    /// Of all cells together.
    side: f64,
    /// Background included.
    num_classes: usize,
}

impl Grid {
    fn cell_side(&self) -> f64 {
        self.side / self.num_classes as f64
    }

    /// Where a row or column begins.
    fn at(&self, index: usize) -> f64 {
        self.margin + index as f64 * self.cell_side()
    }

    fn cell(&self, confusion: &Confusion, row: usize, column: usize, share: f64) -> String {
        let (x, y, cell) = (self.at(column), self.at(row), self.cell_side());
        let count = confusion.counts[row][column];
        let side = self.num_classes;
        let kind = if row == column && row + 1 < side { "hit" } else { "slip" };
        let hint = format!(
            "true {}, predicted {}: {count} ({:.0} % of the row)",
            confusion.names[row],
            confusion.names[column],
            100.0 * share
        );
        let mut svg = format!(
            "<rect class=\"{kind}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{cell:.2}\" \
             height=\"{cell:.2}\" fill-opacity=\"{:.3}\"><title>{}</title></rect>",
            0.12 + 0.88 * share,
            escape(&hint)
        );
        if side <= MOST_WITH_COUNTS + 1 {
            let tone = if share > 0.55 { "on" } else { "off" };
            let (x, y, size) = (x + cell / 2.0, y + cell / 2.0, (cell / 3.0).min(16.0));
            svg += &format!(
                "<text class=\"{tone}\" x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.1}\">{count}</text>"
            );
        }
        svg
    }

    fn names(&self, index: usize, name: &str) -> String {
        let name = escape(&shortened(name));
        let size = (self.cell_side() * 0.7).min(14.0);
        let (middle, edge) = (self.at(index) + self.cell_side() / 2.0, self.margin - 6.0);
        format!(
            "<text class=\"row\" x=\"{edge:.2}\" y=\"{middle:.2}\" font-size=\"{size:.1}\">{name}</text>\
             <text class=\"column\" transform=\"translate({middle:.2} {edge:.2}) rotate(-45)\" \
             font-size=\"{size:.1}\">{name}</text>"
        )
    }

    fn frame(&self) -> String {
        let Self { margin, side, .. } = self;
        format!(
            "<rect class=\"frame\" x=\"{margin}\" y=\"{margin}\" width=\"{side}\" height=\"{side}\"/>"
        )
    }
}

fn shortened(name: &str) -> String {
    match name.chars().count() > LONGEST_NAME {
        true => name.chars().take(LONGEST_NAME - 1).chain(['…']).collect(),
        false => name.into(),
    }
}
