//! Bars in a table: a name, a bar, a number.

use super::tables::row_name;
use super::text::number;

/// A line of a bar chart.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) note: &'static str,
    /// None is shown as a dash.
    pub(super) value: Option<f64>,
    pub(super) count: Option<u64>,
}

/// Bars of `unit`. The longest fills the width, unless that is less than `full`.
pub(super) fn bars(unit: &str, bars: &[Bar], full: f64) -> String {
    let longest = bars.iter().filter_map(|bar| bar.value).fold(full, f64::max);
    let rows: String = bars.iter().map(|bar| bar.html(longest)).collect();
    let count = match bars.iter().any(|bar| bar.count.is_some()) {
        true => "<th scope=\"col\">count</th>",
        false => "",
    };
    format!(
        "<table class=\"bars\"><thead><tr><td></td><td></td><th scope=\"col\">{unit}</th>{count}</tr>\
         </thead><tbody>{rows}</tbody></table>"
    )
}

impl Bar {
    fn html(&self, longest: f64) -> String {
        let percent = 100.0 * self.value.unwrap_or(0.0).max(0.0) / longest;
        let count =
            self.count.map_or(String::new(), |count| format!("<td class=\"n\">{count}</td>"));
        format!(
            "<tr>{}<td class=\"bar\"><span style=\"width:{percent:.1}%\"></span></td>\
             <td class=\"n\">{}</td>{count}</tr>",
            row_name(&self.name, self.note),
            number(self.value),
        )
    }
}
