//! Bars in a table: a name, a bar, a number.

use super::text::{escape, number};

/// A line of a bar chart.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) meaning: String,
    /// In 0..1; None is shown as a dash.
    pub(super) value: Option<f64>,
    /// Beside the value.
    pub(super) note: String,
}

/// Bars over `unit`. The longest fills the width, unless that is less than `full`.
pub(super) fn bars(unit: &str, bars: &[Bar], full: f64) -> String {
    let longest = bars.iter().filter_map(|bar| bar.value).fold(full, f64::max);
    let rows: String = bars.iter().map(|bar| row(bar, longest)).collect();
    format!(
        "<table class=\"bars\"><thead><tr><th></th><th></th><th class=\"n\">{}</th><th></th></tr>\
         </thead><tbody>{rows}</tbody></table>",
        escape(unit)
    )
}

fn row(bar: &Bar, longest: f64) -> String {
    let percent = 100.0 * bar.value.unwrap_or(0.0).max(0.0) / longest;
    format!(
        "<tr><th scope=\"row\">{}<small>{}</small></th>\
         <td class=\"bar\"><span style=\"width:{percent:.1}%\"></span></td>\
         <td class=\"n\">{}</td><td class=\"note\">{}</td></tr>",
        escape(&bar.name),
        escape(&bar.meaning),
        number(bar.value),
        escape(&bar.note)
    )
}
