//! `kestrel data crops`: the objects of a detection set as a folder of class folders.

use crate::Outcome;
use crate::console::{self, counted, printable};
use crate::dataset::mention_findings;
use crate::output::table;
use crate::progress::Progress;
use anyhow::Result;
use kestrel_args::CropsArgs;
use kestrel_data::{CropsConfig, CropsSummary, Format, write_crops};

/// Cuts, and says how many there are of each class.
pub(crate) fn run(arguments: &CropsArgs) -> Result<Outcome> {
    let collection = super::open(&arguments.data)?;
    mention_findings(&arguments.data.data, &collection.splits);
    if collection.format == Format::ClassFolders {
        console::note("note: these are class folders already; their pictures are taken whole");
    }
    let config = CropsConfig {
        margin: arguments.margin,
        min_side_px: arguments.min_side,
        max_side_px: arguments.max_side.get(),
        background_ratio: arguments.background,
        seed: arguments.seed,
    };
    let num_images = collection.splits.iter().map(|split| split.dataset.images.len()).sum();
    let progress = Progress::start(num_images, false);
    let written =
        write_crops(&collection, &arguments.output, &config, &|done| progress.at_least(done));
    progress.finish();
    let summary = written?;
    console::print(rendered(&summary).trim_end())?;
    for (_, reason) in &summary.unreadable {
        console::note(format_args!("error: {reason}"));
    }
    if summary.num_too_small > 0 {
        console::note(format_args!(
            "note: {} below {} pixels left out (--min-side)",
            counted(summary.num_too_small, "object"),
            arguments.min_side
        ));
    }
    console::note(format_args!(
        "train with:\n  kestrel train --task classify --data {}",
        arguments.output.display()
    ));
    Ok(if summary.unreadable.is_empty() { Outcome::Done } else { Outcome::SomeInputsFailed })
}

/// A line a class and split.
fn rendered(summary: &CropsSummary) -> String {
    let rows: Vec<[String; 3]> = summary
        .splits
        .iter()
        .flat_map(|(split, counts)| {
            let row = move |(class, count): (&String, &usize)| {
                [printable(split), printable(class), count.to_string()]
            };
            counts.iter().map(row)
        })
        .collect();
    table(&["split", "class", "pictures"], &rows, 2..3)
}
