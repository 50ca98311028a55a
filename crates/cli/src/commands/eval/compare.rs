//! `kestrel eval compare`: is the second result file better than the first, and how surely?

use super::tables::number;
use super::{is_standard_output, json_text, open_truth};
use crate::Outcome;
use crate::console::{self, counted, printable};
use crate::output::{Destination, table, write_text};
use anyhow::Result;
use kestrel_args::CompareArgs;
use kestrel_eval::{CompareOptions, Comparison, Delta, compare, read_results};

/// Reads both, compares, and prints.
pub(crate) fn run(arguments: &CompareArgs) -> Result<Outcome> {
    let (_, truth) = open_truth(&arguments.truth)?;
    let before = read_results(&arguments.before, &truth)?;
    let after = read_results(&arguments.after, &truth)?;
    let options = CompareOptions {
        resamples: arguments.samples.get(),
        seed: arguments.seed,
        ..CompareOptions::default()
    };
    let comparison = compare(&truth, before, after, &options)?;
    if let Some(path) = &arguments.json {
        write_text(&Destination::from(path.clone()), &json_text(&comparison)?)?;
    }
    if !is_standard_output(arguments.json.as_deref()) {
        console::print(rendered(&comparison).trim_end())?;
    }
    Ok(Outcome::Done)
}

fn rendered(comparison: &Comparison) -> String {
    let percent = 100.0 * comparison.options.confidence;
    let interval = format!("{percent:.0} % interval");
    let mut rows = Vec::new();
    for (section, deltas) in comparison.sections() {
        for (name, delta) in deltas.rows() {
            rows.push(row(format!("{name} {section}"), delta));
        }
        if deltas.classes.len() > 1 {
            for class in &deltas.classes {
                rows.push(row(
                    format!("AP {section}, {}", printable(&class.class.name)),
                    &class.ap,
                ));
            }
        }
    }
    let header = ["", "before", "after", "difference", &interval, "after is better in"];
    let mut text = format!(
        "{} drawn {}\n\n{}",
        counted(comparison.num_images, "image"),
        counted(comparison.options.resamples, "time"),
        table(&header, &rows, 1..header.len())
    );
    if let Some(reason) = &comparison.masks_left_out {
        text += &format!("boxes only: {reason}\n");
    }
    text
}

fn row(name: String, delta: &Delta) -> Vec<String> {
    let signed = |value: f64| format!("{value:+.3}");
    let interval = delta.interval;
    vec![
        name,
        number(delta.a),
        number(delta.b),
        delta.delta.map_or_else(|| "-".into(), signed),
        interval.map_or_else(|| "-".into(), |at| format!("{:+.3} to {:+.3}", at.low, at.high)),
        interval.map_or_else(|| "-".into(), |at| format!("{:.1} %", 100.0 * at.b_better)),
    ]
}
