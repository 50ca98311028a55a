//! One chart of the picture: title, legend, axes, lines.

use super::series::{Series, quantile};
use kestrel_draw::ChartBackend;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::convert::Infallible;

/// Text and axes.
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const FAINT_INK: RGBColor = RGBColor(0x77, 0x77, 0x77);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// How much of its colour a measured value keeps beside the average.
const FAINT: f64 = 0.45;
/// Heights of letters, in pixels.
const TITLE_PX: i32 = 24;
const TEXT_PX: i32 = 16;
/// Around a panel.
const MARGIN_PX: i32 = 28;
/// From one line of the legend to the next, and its strokes.
const LEGEND_LINE_PX: i32 = 24;
const STROKE_PX: i32 = 22;
/// Width of a letter of the text.
const LETTER_PX: i32 = 8;
/// Of all values this part fits the panel; a few wild ones would press the rest flat.
const SHOWN_PART: f64 = 0.985;

pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;
type Area<'a> = DrawingArea<ChartBackend<'a>, Shift>;

/// Values over steps and how they are drawn.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) color: RGBColor,
    pub(super) points: Series,
    /// What the points are an average of.
    pub(super) measured: Option<Series>,
    /// Whether every point is marked.
    pub(super) dots: bool,
}

/// One chart.
pub(super) struct Panel {
    title: &'static str,
    lines: Vec<Line>,
}

impl Panel {
    /// Lines without points are left out.
    pub(super) fn new(title: &'static str, lines: impl IntoIterator<Item = Line>) -> Self {
        let lines = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
        Self { title, lines }
    }

    pub(super) fn draw(&self, area: &Area<'_>) -> Drawn {
        let area = area.margin(MARGIN_PX / 2, MARGIN_PX / 2, MARGIN_PX, MARGIN_PX);
        area.draw(&Text::new(self.title, (0, 0), letters(TITLE_PX, INK)))?;
        let below_legend = self.draw_legend(&area)?;
        let (_, area) = area.split_vertically(below_legend);
        if self.lines.is_empty() {
            let (width, height) = area.dim_in_pixel();
            let middle = (width as i32 / 2 - 7 * LETTER_PX, height as i32 / 2);
            return area.draw(&Text::new("nothing so far", middle, letters(TEXT_PX, FAINT_INK)));
        }
        self.draw_chart(&area)
    }

    /// Draws the legend, in as many lines as it needs; how far down it reaches.
    fn draw_legend(&self, area: &Area<'_>) -> Result<i32, DrawingAreaErrorKind<Infallible>> {
        let width = area.dim_in_pixel().0 as i32;
        let (mut x, mut y) = (0, TITLE_PX + 10);
        for line in &self.lines {
            let last = line.points.last().map(|&(_, value)| short(value)).unwrap_or_default();
            let text = format!("{} {last}", line.name);
            let entry_px = STROKE_PX + 8 + text.chars().count() as i32 * LETTER_PX + 24;
            if x > 0 && x + entry_px > width {
                (x, y) = (0, y + LEGEND_LINE_PX);
            }
            let middle = y + TEXT_PX / 2;
            let stroke = [(x, middle), (x + STROKE_PX, middle)];
            area.draw(&PathElement::new(stroke, line.color.stroke_width(4)))?;
            area.draw(&Text::new(text, (x + STROKE_PX + 8, y), letters(TEXT_PX, INK)))?;
            x += entry_px;
        }
        Ok(y + LEGEND_LINE_PX + 6)
    }

    fn draw_chart(&self, area: &Area<'_>) -> Drawn {
        let last_step = self.lines.iter().flat_map(|line| &line.points).map(|point| point.0);
        let last_step = last_step.fold(1.0, f64::max);
        let top = self.top();
        let mut chart = ChartBuilder::on(area)
            .x_label_area_size(52)
            .y_label_area_size(78)
            .build_cartesian_2d(0.0..last_step, 0.0..top)?;
        chart
            .configure_mesh()
            .x_labels(8)
            .y_labels(6)
            .max_light_lines(0)
            .bold_line_style(GRID)
            .axis_style(FAINT_INK)
            .label_style(letters(TEXT_PX, FAINT_INK))
            .x_label_formatter(&|&step| steps(step))
            .y_label_formatter(&|&value| short(value))
            .x_desc("steps")
            .draw()?;
        let shown = |&(step, value): &(f64, f64)| (step, value.clamp(0.0, top));
        for line in &self.lines {
            if let Some(measured) = &line.measured {
                let style = line.color.mix(FAINT).stroke_width(1);
                chart.draw_series(LineSeries::new(measured.iter().map(shown), style))?;
            }
        }
        for line in &self.lines {
            let points = line.points.iter().map(shown);
            chart.draw_series(LineSeries::new(points.clone(), line.color.stroke_width(3)))?;
            // A line of one point is none, so it is marked.
            if line.dots || line.points.len() == 1 {
                let dot = |point| Circle::new(point, 4, line.color.filled());
                chart.draw_series(points.map(dot))?;
            }
        }
        Ok(())
    }

    /// The upper end of the values' axis.
    fn top(&self) -> f64 {
        let highest = |series: &Series| series.iter().map(|point| point.1).fold(0.0, f64::max);
        let measured = |line: &Line| {
            let values = line.measured.iter().flatten().map(|point| point.1);
            quantile(values, SHOWN_PART).unwrap_or(0.0)
        };
        // The average of the first values is wild too where a run starts from nothing.
        let top = self.lines.iter().map(|line| match &line.measured {
            Some(_) => measured(line),
            None => highest(&line.points),
        });
        match top.fold(0.0, f64::max) {
            top if top > 0.0 => top * 1.06,
            _ => 1.0,
        }
    }
}

fn letters(height_px: i32, color: RGBColor) -> TextStyle<'static> {
    ("monospace", height_px).into_font().color(&color)
}

/// A number of steps in few letters.
fn steps(step: f64) -> String {
    match step {
        ..10_000.0 => format!("{step}"),
        ..1e6 => format!("{}k", step / 1e3),
        _ => format!("{}M", step / 1e6),
    }
}

/// Three digits that say something.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 0.1 => trimmed(format!("{value:.4}")),
        size if size < 10.0 => trimmed(format!("{value:.3}")),
        size if size < 1000.0 => trimmed(format!("{value:.1}")),
        _ => format!("{value:.0}"),
    }
}

fn trimmed(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.00002, 0.0123, 0.5, 2.0, 12.34, 12_345.0].map(short);
        assert_eq!(shown, ["0", "2.0e-5", "0.0123", "0.5", "2", "12.3", "12345"]);
        assert_eq!([500.0, 20_000.0, 2.5e6].map(steps), ["500", "20k", "2.5M"]);
    }
}
