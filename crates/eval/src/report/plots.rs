//! Line charts and the calibration diagram, drawn by plotters.
//!
//! plotters writes colours as attributes, which any style sheet rule overrides: `style.css` gives
//! ink and grid, named here, the colours of the reader's theme.

use super::text::escape;
use crate::EvalError;
use crate::calibration::Calibration;
use plotters::chart::ChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Text, axes and the diagonal.
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// What the chart is about.
const MAIN: RGBColor = RGBColor(0x1f, 0x7a, 0x8c);
/// What is marked on it.
const MARK: RGBColor = RGBColor(0xd1, 0x49, 0x5b);
/// Classes when there are too many to tell apart.
const FAINT: RGBColor = RGBColor(0x8a, 0x9a, 0xa8);
/// Classes that can be told apart, on white as on black.
const CLASSES: [RGBColor; 8] = [
    RGBColor(0xe0, 0x8e, 0x45),
    RGBColor(0x6a, 0x8e, 0xd8),
    RGBColor(0x59, 0xa1, 0x4f),
    RGBColor(0xb0, 0x7a, 0xa1),
    RGBColor(0xc9, 0xa2, 0x27),
    RGBColor(0x9c, 0x75, 0x5f),
    RGBColor(0x4e, 0xb3, 0xb3),
    RGBColor(0xe1, 0x7c, 0xa4),
];

/// Pixels of the drawing; the page scales it.
const SIZE: (u32, u32) = (560, 360);

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Curves over 0..1 with values in 0..1.
pub(super) struct LineChart<'a> {
    pub(super) name: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    pub(super) xs: &'a [f64],
    pub(super) main: &'a Line<'a>,
    pub(super) classes: &'a [Line<'a>],
    /// A point of the main line.
    pub(super) mark: Option<Point>,
}

pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) ys: &'a [f64],
}

#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl LineChart<'_> {
    /// The chart, with a legend where classes have colours.
    pub(super) fn svg(&self) -> Result<String, EvalError> {
        let svg = draw(self.name, self.x_label, self.y_label, |chart| {
            for (index, line) in self.classes.iter().enumerate() {
                chart.draw_series(self.series(line, self.class_style(index)))?;
            }
            chart.draw_series(self.series(self.main, MAIN.stroke_width(3)))?;
            self.mark.map_or(Ok(()), |point| draw_mark(chart, point))
        })?;
        Ok(format!("{svg}{}", self.legend()))
    }

    fn series<'b>(
        &self,
        line: &Line<'_>,
        style: ShapeStyle,
    ) -> LineSeries<SVGBackend<'b>, (f64, f64)> {
        LineSeries::new(self.xs.iter().copied().zip(line.ys.iter().copied()), style)
    }

    fn can_be_told_apart(&self) -> bool {
        self.classes.len() <= CLASSES.len()
    }

    fn class_style(&self, class: usize) -> ShapeStyle {
        match self.can_be_told_apart() {
            true => CLASSES[class].stroke_width(1),
            false => FAINT.mix(0.45).stroke_width(1),
        }
    }

    fn legend(&self) -> String {
        let classes = self.classes.iter().zip(CLASSES).map(|(line, RGBColor(r, g, b))| {
            legend_entry(&format!("style=\"background:#{r:02x}{g:02x}{b:02x}\""), line.name)
        });
        let entries: String = match self.can_be_told_apart() {
            true => classes.collect(),
            false => legend_entry("class=\"faint\"", "each class"),
        };
        let main = legend_entry("class=\"main\"", self.main.name);
        format!("<ul class=\"legend\">{main}{entries}</ul>")
    }
}

fn legend_entry(attribute: &str, name: &str) -> String {
    format!("<li><i {attribute}></i>{}</li>", escape(name))
}

/// The share of hits over the score, and the diagonal both would share.
pub(super) fn calibration(found: &Calibration) -> Result<String, EvalError> {
    draw("calibration", "score", "share of hits", |chart| {
        let bars = found.bins.iter().filter_map(|bin| {
            let corners = [(bin.from, 0.0), (bin.to, bin.hit_share?)];
            Some(Rectangle::new(corners, MAIN.mix(0.55).filled()))
        });
        chart.draw_series(bars)?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], INK.stroke_width(1)))?;
        let means = found.bins.iter().filter_map(|bin| Some((bin.mean_score?, bin.hit_share?)));
        chart.draw_series(means.map(|mean| Circle::new(mean, 4, MARK.filled())))?;
        Ok(())
    })
}

fn draw_mark(chart: &mut Chart<'_, '_>, point: Point) -> Drawn {
    let at = point.x.clamp(0.0, 1.0);
    chart.draw_series(LineSeries::new([(at, 0.0), (at, point.y)], MARK.stroke_width(1)))?;
    chart.draw_series([Circle::new((at, point.y), 5, MARK.filled())])?;
    Ok(())
}

/// A square of 0..1 in both directions with axes, and what `content` draws on it.
fn draw(
    name: &str,
    x_label: &str,
    y_label: &str,
    content: impl FnOnce(&mut Chart<'_, '_>) -> Drawn,
) -> Result<String, EvalError> {
    let mut svg = String::new();
    let drawn = draw_into(&mut svg, x_label, y_label, content);
    drawn.map_err(|error| EvalError::Plot { plot: name.into(), reason: error.to_string() })?;
    let name = escape(name);
    Ok(format!("<div class=\"plot\" role=\"img\" aria-label=\"{name}\">{svg}</div>"))
}

fn draw_into(
    svg: &mut String,
    x_label: &str,
    y_label: &str,
    content: impl FnOnce(&mut Chart<'_, '_>) -> Drawn,
) -> Drawn {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let font = ("sans-serif", 15).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(46)
        .y_label_area_size(54)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    let tick = |value: &f64| format!("{value:.1}");
    chart
        .configure_mesh()
        .x_labels(6)
        .y_labels(6)
        .max_light_lines(0)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(font)
        .x_label_formatter(&tick)
        .y_label_formatter(&tick)
        .x_desc(x_label)
        .y_desc(y_label)
        .draw()?;
    content(&mut chart)?;
    drop(chart);
    area.present()
}
