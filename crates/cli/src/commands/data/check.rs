//! `kestrel data check`: what is wrong with a data set, before an hour is spent on it.

use crate::console::{self, counted, printable};
use crate::output::{Destination, table, write_text};
use crate::progress::Progress;
use crate::{Outcome, model_source};
use anyhow::{Context, Result};
use kestrel_args::CheckArgs;
use kestrel_core::folder_of;
use kestrel_data::{
    AnchorGrid, CheckOptions, CheckReport, Collection, FindingKind, REPAIRED_EXTENSION, Severity,
    SplitReport, check, repair, split_file_names, write_coco,
};
use kestrel_rcnn::Architecture;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Classes listed before "... and 7 more".
const MAX_CLASSES: usize = 30;

/// Checks, prints, and repairs where asked.
pub(crate) fn run(arguments: &CheckArgs) -> Result<Outcome> {
    let collection = super::open(&arguments.data)?;
    let options = options(arguments)?;
    let num_images = collection.splits.iter().map(|split| split.dataset.images.len()).sum();
    let progress = Progress::start(num_images, false);
    let report = check(&collection, &options, &|done| progress.at_least(done));
    progress.finish();

    let json_is_printed = arguments.json.as_deref() == Some(Path::new("-"));
    if let Some(path) = &arguments.json {
        let text =
            serde_json::to_string_pretty(&report).context("cannot write findings as JSON")?;
        write_text(&Destination::from(path.clone()), &(text + "\n"))?;
    }
    if !json_is_printed {
        console::print(rendered(&collection, &report, arguments.lines).trim_end())?;
    }
    if arguments.fix {
        fix(&collection, &report)?;
    }
    Ok(match report.worst() {
        Some(Severity::Error) => Outcome::FaultsFound,
        _ => Outcome::Done,
    })
}

fn options(arguments: &CheckArgs) -> Result<CheckOptions> {
    let mut options =
        CheckOptions { decode_pictures: !arguments.no_images, ..CheckOptions::default() };
    if let Some(model) = &arguments.model {
        let (_, metadata) = model_source::open(model, None)?;
        let Architecture { anchors, resize, .. } = metadata.architecture;
        let exact = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        options.anchors = AnchorGrid {
            sizes: exact(anchors.sizes),
            ratios: exact(anchors.ratios),
            min_side: resize.min_size as f64,
            max_side: resize.max_size as f64,
            ..options.anchors
        };
    }
    Ok(options)
}

/// The tables, and the first findings of each kind.
fn rendered(collection: &Collection, report: &CheckReport, lines: usize) -> String {
    let mut text = format!(
        "{}: {}, {}\n\n",
        collection.root.display(),
        collection.format.name(),
        counted(collection.splits.len(), "split")
    );
    text += &splits(&report.splits);
    for split in &report.splits {
        text += &classes(split);
    }
    text.push('\n');
    text += &findings(report, lines);
    text
}

fn splits(splits: &[SplitReport]) -> String {
    let header =
        ["split", "images", "empty", "objects", "crowds", "small", "medium", "large", "no anchor"];
    let row = |split: &SplitReport| {
        let share = split.anchors.unmatched_share;
        let numbers = [
            split.images,
            split.images_without_objects,
            split.objects,
            split.crowds,
            split.sizes.small,
            split.sizes.medium,
            split.sizes.large,
        ];
        let mut cells = vec![printable(&split.name)];
        cells.extend(numbers.map(|number| number.to_string()));
        cells.push(share.map_or_else(|| "-".into(), |share| format!("{:.1} %", 100.0 * share)));
        cells
    };
    let rows: Vec<Vec<String>> = splits.iter().map(row).collect();
    table(&header, &rows, 1..header.len())
}

fn classes(split: &SplitReport) -> String {
    let name = format!("class in {}", printable(&split.name));
    let header = [name.as_str(), "objects", "images", "share"];
    let mut largest_first: Vec<_> = split.classes.iter().collect();
    largest_first.sort_by_key(|class| (std::cmp::Reverse(class.objects), class.id));
    let rows: Vec<Vec<String>> = largest_first
        .iter()
        .take(MAX_CLASSES)
        .map(|class| {
            let share = class.share.map_or_else(|| "-".into(), |s| format!("{:.1} %", 100.0 * s));
            vec![printable(&class.name), class.objects.to_string(), class.images.to_string(), share]
        })
        .collect();
    let mut text = format!("\n{}", table(&header, &rows, 1..4));
    push_remainder(&mut text, split.classes.len(), MAX_CLASSES);
    text
}

fn findings(report: &CheckReport, lines: usize) -> String {
    if report.findings.is_empty() {
        return "nothing found\n".to_owned();
    }
    let kinds: Vec<FindingKind> =
        FindingKind::ALL.into_iter().filter(|&kind| report.count(kind) > 0).collect();
    let row = |kind: &FindingKind| {
        [kind.name().to_owned(), kind.severity().name().to_owned(), report.count(*kind).to_string()]
    };
    let rows: Vec<[String; 3]> = kinds.iter().map(row).collect();
    let mut text = table(&["finding", "severity", "count"], &rows, 2..3);
    for kind in kinds {
        let _ = writeln!(text, "\n{} ({})", kind.name(), kind.severity().name());
        for finding in report.of_kind(kind).take(lines) {
            let _ = writeln!(text, "  {}: {}", finding.place, printable(&finding.detail));
        }
        push_remainder(&mut text, report.count(kind), lines);
    }
    text
}

fn push_remainder(text: &mut String, total: usize, shown: usize) {
    if total > shown {
        let _ = writeln!(text, "  ... and {} more", total - shown);
    }
}

/// Writes what is left after all repairs beside the original.
fn fix(collection: &Collection, report: &CheckReport) -> Result<()> {
    let names = split_file_names(&collection.splits);
    for ((split, report), name) in collection.splits.iter().zip(&report.splits).zip(&names) {
        let path = repaired_path(&collection.root, name, names.len() == 1);
        let repaired = repair(&split.dataset, &report.pictures);
        let dataset = repaired.dataset.named_from(folder_of(&path));
        write_coco(&dataset, &path)?;
        console::note(format_args!(
            "{}: {} made, {} with {} left",
            path.display(),
            counted(repaired.changes.len(), "change"),
            counted(dataset.images.len(), "image"),
            counted(dataset.num_objects(), "object"),
        ));
    }
    Ok(())
}

/// `instances.json` -> `instances.repaired.json`, or `set.train.repaired.json` where a file names
/// several splits; of a folder, `folder/train.repaired.json`. `split` is a name for files.
fn repaired_path(root: &Path, split: &str, only_one: bool) -> PathBuf {
    match (root.is_dir(), only_one) {
        (true, _) => root.join(format!("{split}.{REPAIRED_EXTENSION}")),
        (false, true) => root.with_extension(REPAIRED_EXTENSION),
        (false, false) => root.with_extension(format!("{split}.{REPAIRED_EXTENSION}")),
    }
}
