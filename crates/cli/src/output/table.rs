//! The table on a terminal: for one image its detections, for several a line each.

use super::ImageResult;
use crate::console::{counted, printable};
use comfy_table::{CellAlignment, LineStyle, TableStyle};
use kestrel_core::{Detection, Label, Mask};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lines shown before "... and 7 more".
pub(super) const MAX_ROWS: usize = 20;

/// Categories named for an image before "..., 3 more".
const MAX_CATEGORIES: usize = 4;

/// Characters of an image's path; of a longer one the end.
const MAX_PATH: usize = 48;

/// No frame, only a rule below the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// A table that takes image after image and keeps only the lines it will show.
#[derive(Debug, Default)]
pub struct Table {
    num_images: usize,
    /// The detections of the first image, shown when no other follows.
    first: String,
    /// Image, number of objects, best score, categories.
    rows: Vec<[String; 4]>,
}

impl Table {
    /// Takes note of one image.
    pub fn add(&mut self, result: &ImageResult<'_>) {
        if self.num_images == 0 {
            self.first = detections_of(result);
        }
        if self.rows.len() < MAX_ROWS {
            self.rows.push(summary_of(result));
        }
        self.num_images += 1;
    }

    /// The table as text, ending in a line feed; empty where no image came.
    pub fn render(&self) -> String {
        match self.num_images {
            0 => String::new(),
            1 => self.first.clone(),
            _ => self.summary(),
        }
    }

    fn summary(&self) -> String {
        let header = ["image", "objects", "best score", "categories"];
        let mut text = table(&header, &self.rows, 1..3);
        push_remainder(&mut text, self.num_images);
        text
    }
}

fn summary_of(result: &ImageResult<'_>) -> [String; 4] {
    let objects = &result.detections.objects;
    let best = objects.iter().map(|object| object.score).reduce(f32::max);
    [
        shortened(&result.path.to_string_lossy()),
        objects.len().to_string(),
        best.map_or_else(|| "-".into(), |score| format!("{score:.2}")),
        categories_of(result),
    ]
}

/// `3 car, 1 dog`, the most frequent first.
fn categories_of(result: &ImageResult<'_>) -> String {
    let mut counts = BTreeMap::<Label, usize>::new();
    for object in &result.detections.objects {
        *counts.entry(object.label).or_default() += 1;
    }
    let mut counts: Vec<(Label, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|&(label, count)| (std::cmp::Reverse(count), label));
    let name = |label: Label| printable(result.categories.name(label));
    let shown = counts.iter().take(MAX_CATEGORIES);
    let mut parts: Vec<String> =
        shown.map(|&(label, count)| format!("{count} {}", name(label))).collect();
    if counts.len() > MAX_CATEGORIES {
        parts.push(format!("{} more", counts.len() - MAX_CATEGORIES));
    }
    parts.join(", ")
}

fn detections_of(result: &ImageResult<'_>) -> String {
    let detections = result.detections;
    let (path, count) = (shortened(&result.path.to_string_lossy()), detections.objects.len());
    let mut text = format!("{path}, {}: {}\n", detections.image_size, counted(count, "object"));
    if detections.objects.is_empty() {
        return text;
    }
    let num_columns = if detections.objects.iter().any(|o| o.mask.is_some()) { 7 } else { 6 };
    let header = ["category", "score", "x1", "y1", "x2", "y2", "mask pixels"];
    let row = |object: &Detection| {
        let name = printable(result.categories.name(object.label));
        let corners = <[f32; 4]>::from(object.bbox).map(|corner| format!("{corner:.1}"));
        let mask_area = object.mask.as_ref().map(Mask::area).map(|area| area.to_string());
        let mut cells = vec![name, format!("{:.2}", object.score)];
        cells.extend(corners.into_iter().chain([mask_area.unwrap_or_default()]));
        cells.truncate(num_columns);
        cells
    };
    let rows: Vec<Vec<String>> = detections.objects.iter().take(MAX_ROWS).map(row).collect();
    text.push('\n');
    text += &table(&header[..num_columns], &rows, 1..num_columns);
    push_remainder(&mut text, count);
    text
}

/// Aligned columns; those of `numbers` to the right.
pub(crate) fn table(
    header: &[&str],
    rows: &[impl Clone + Into<comfy_table::Row>],
    numbers: std::ops::Range<usize>,
) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(STYLE).set_header(header).add_rows(rows.iter().cloned());
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

pub(super) fn push_remainder(text: &mut String, total: usize) {
    if total > MAX_ROWS {
        let _ = writeln!(text, "... and {} more", total - MAX_ROWS);
    }
}

/// A path that leaves room for the other columns.
pub(super) fn shortened(path: &str) -> String {
    let path = printable(path);
    let surplus = path.chars().count().saturating_sub(MAX_PATH);
    if surplus == 0 {
        return path;
    }
    let end = path.chars().skip(surplus + 3);
    "...".chars().chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    fn rendered(count: usize, which: usize) -> String {
        samples::with_results(|results| {
            let mut table = Table::default();
            (0..count).for_each(|_| table.add(&results[which]));
            table.render()
        })
    }

    #[test]
    fn one_image_shows_its_detections() {
        let expected = "\
bilder/Käfer 1.jpg, 8x4: 2 objects

  category   score    x1    y1    x2    y2   mask pixels
──────────────────────────────────────────────────────────
  cat, big    0.90   1.0   0.5   3.0   2.0             4
  \"dog\"       0.25   0.0   0.0   8.0   4.0
";
        assert_eq!(rendered(1, 0), expected);
        assert_eq!(rendered(1, 1), "empty.png, 3x2: 0 objects\n");
        assert_eq!(rendered(0, 0), "");
    }

    #[test]
    fn several_images_show_a_line_each() {
        let text = samples::with_results(|results| {
            let mut table = Table::default();
            results.iter().for_each(|result| table.add(result));
            table.render()
        });
        let expected = "  \
  image                objects   best score   categories
───────────────────────────────────────────────────────────────────
  bilder/Käfer 1.jpg         2         0.90   1 cat, big, 1 \"dog\"
  empty.png                  0            -
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_long_list_ends_in_its_remainder() {
        let text = rendered(MAX_ROWS + 7, 1);
        assert_eq!(text.matches("empty.png").count(), MAX_ROWS);
        assert!(text.ends_with("\n... and 7 more\n"), "{text}");
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let long = shortened(&"abcdefghij/".repeat(9));
        assert_eq!(long.chars().count(), MAX_PATH);
        assert!(long.starts_with("...") && long.ends_with("abcdefghij/"));
    }
}
