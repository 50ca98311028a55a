//! The curves of a run as one picture: losses, scores, learning rate, over steps.

mod panel;
mod series;

use super::Metric;
use super::log::Measured;
use kestrel_core::{ImageSize, RgbImage};
use kestrel_draw::{Chart, Color};
use panel::{Line, Panel};
use plotters::prelude::*;
use series::{Series, smoothed, thinned};
use std::collections::BTreeMap;

/// Size of the picture, in pixels.
const SIZE: ImageSize = ImageSize { height: 1120, width: 1680 };
const GROUND: Color = Color([255; 3]);

/// Colours that can be told apart, on white.
const COLORS: [RGBColor; 8] = [
    RGBColor(0x1f, 0x7a, 0x8c),
    RGBColor(0xd1, 0x49, 0x5b),
    RGBColor(0xe0, 0x8e, 0x45),
    RGBColor(0x59, 0xa1, 0x4f),
    RGBColor(0x6a, 0x5a, 0xcd),
    RGBColor(0x9c, 0x75, 0x5f),
    RGBColor(0x4e, 0xb3, 0xb3),
    RGBColor(0xe1, 0x7c, 0xa4),
];

/// The sum of all losses, by the contract of [`Metric`].
const SUM: &str = "loss";

/// The numbers of a run by name, each with its steps.
#[derive(Default)]
struct Numbers {
    losses: BTreeMap<String, Series>,
    validation_losses: BTreeMap<String, Series>,
    scores: BTreeMap<String, Series>,
    learning_rate: Series,
}

impl Numbers {
    fn of(lines: &[Measured]) -> Self {
        let mut numbers = Self::default();
        for line in lines {
            match &line.metric {
                Metric::Step { step, losses, lr, .. } => {
                    append(&mut numbers.losses, *step, losses);
                    numbers.learning_rate.push((*step as f64, *lr));
                }
                Metric::Validation { step, losses, scores, .. } => {
                    append(&mut numbers.validation_losses, *step, losses);
                    append(&mut numbers.scores, *step, scores);
                }
            }
        }
        numbers
    }
}

fn append(to: &mut BTreeMap<String, Series>, step: u64, values: &BTreeMap<String, f64>) {
    for (name, &value) in values {
        // What is no number has no place on a chart.
        if value.is_finite() {
            to.entry(name.clone()).or_default().push((step as f64, value));
        }
    }
}

/// Draws the curves of these lines; the same lines give the same bytes. Without lines the charts are
/// empty.
pub fn draw_curves(lines: &[Measured]) -> RgbImage {
    let numbers = Numbers::of(lines);
    let mut chart = Chart::new(SIZE, GROUND);
    // Drawing into memory has no way to fail but a panel too small for its axes, which these are not.
    let _ = draw_panels(&mut chart, &panels(&numbers));
    chart.into_image()
}

fn draw_panels(chart: &mut Chart, panels: &[Panel; 4]) -> panel::Drawn {
    let area = chart.backend().into_drawing_area();
    let places = area.split_evenly((2, 2));
    panels.iter().zip(&places).try_for_each(|(panel, place)| panel.draw(place))
}

fn panels(numbers: &Numbers) -> [Panel; 4] {
    let sum = numbers.losses.get(SUM).map(|series| Line::smooth("training", COLORS[0], series));
    let validation = numbers.validation_losses.get(SUM);
    let validation = validation.map(|series| Line::dotted("validation", COLORS[1], series));
    let parts = numbers.losses.iter().filter(|(name, _)| *name != SUM).zip(COLORS.iter().cycle());
    let scores = numbers.scores.iter().zip(COLORS.iter().cycle());
    [
        Panel::new("Loss", sum.into_iter().chain(validation)),
        Panel::new(
            "Scores on validation data",
            scores.map(|((name, series), &color)| Line::dotted(name, color, series)),
        ),
        Panel::new(
            "Parts of the loss",
            parts.map(|((name, series), &color)| Line::smooth(name, color, series)),
        ),
        Panel::new(
            "Learning rate",
            [Line::plain("learning rate", COLORS[0], &numbers.learning_rate)],
        ),
    ]
}

impl Line {
    /// Noisy values: their average, before what was measured.
    fn smooth(name: &str, color: RGBColor, series: &Series) -> Self {
        let measured = Some(thinned(series));
        Self { name: name.into(), color, points: thinned(&smoothed(series)), measured, dots: false }
    }

    /// Few values, each a look at the data.
    fn dotted(name: &str, color: RGBColor, series: &Series) -> Self {
        Self { dots: true, ..Self::plain(name, color, series) }
    }

    fn plain(name: &str, color: RGBColor, series: &Series) -> Self {
        Self { name: name.into(), color, points: thinned(series), measured: None, dots: false }
    }
}
