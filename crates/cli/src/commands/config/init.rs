//! `kestrel config init`: a config that says what its keys are for.

use crate::Outcome;
use crate::console::{self, counted};
use crate::dataset::mention_findings;
use crate::output::{Destination, write_text};
use anyhow::{Context, Result, bail};
use kestrel_core::folder_of;
use kestrel_data::{Collection, Format, Split, read_collection};
use std::path::Path;

/// What is written; `NAME` are filled in.
const TEMPLATE: &str = include_str!("start.yaml");

/// What is written for a folder of pictures for each class.
const CLASSIFY_TEMPLATE: &str = include_str!("start-classify.yaml");

/// More classes are not listed.
const MAX_CLASSES: usize = 8;

/// Writes the config for these data, or for data to be named.
pub(super) fn run(data: Option<&Path>, output: &Path) -> Result<Outcome> {
    let destination = Destination::from(output.to_owned());
    let is_file = destination != Destination::StandardOutput;
    if is_file && output.exists() {
        bail!("{} is there already; name another file with `--output`", output.display());
    }
    let (path, (template, about)) = match data {
        Some(data) => (path_from(data, output)?, suited_to(data)?),
        None => ("photos".to_owned(), (TEMPLATE, "to be filled in".to_owned())),
    };
    let file = if is_file { output.display().to_string() } else { "train.yaml".to_owned() };
    let text = template.replace("FILE", &file).replace("ABOUT", &about).replace("PATH", &path);
    write_text(&destination, &text)?;
    if is_file {
        console::print(format_args!("{file}: change it, then `kestrel train {file}`"))?;
    }
    Ok(Outcome::Done)
}

/// The data as the config names them: relative to its file where both are, else from the root.
fn path_from(data: &Path, output: &Path) -> Result<String> {
    let is_beside = folder_of(output) == Path::new(".") || data.is_absolute();
    let path = match is_beside {
        true => data.to_owned(),
        false => data.canonicalize().with_context(|| data.display().to_string())?,
    };
    // A text of JSON is one of YAML, whatever letters it has.
    let path = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    match path.chars().all(is_plain) && !path.starts_with(['-', '.']) {
        true => Ok(path.to_owned()),
        false => Ok(serde_json::Value::from(path).to_string()),
    }
}

/// What to write for the data, and what they hold, on one line.
fn suited_to(data: &Path) -> Result<(&'static str, String)> {
    let Collection { format, splits, .. } = read_collection(data)?;
    mention_findings(data, &splits);
    let images = splits.iter().map(|split| split.dataset.images.len()).sum();
    let classes = classes(&splits);
    if format == Format::ClassFolders {
        let about = format!("{} of {classes}", counted(images, "picture"));
        return Ok((CLASSIFY_TEMPLATE, about));
    }
    let objects = splits.iter().map(|split| split.dataset.num_objects()).sum();
    let (images, objects) = (counted(images, "image"), counted(objects, "object"));
    Ok((TEMPLATE, format!("{images} with {objects} of {classes}")))
}

fn classes(splits: &[Split]) -> String {
    let categories = splits.first().map(|split| &split.dataset.categories[..]).unwrap_or_default();
    let names: Vec<String> =
        categories.iter().map(|category| console::printable(&category.name)).collect();
    match names.len() {
        0..=MAX_CLASSES => names.join(", "),
        count => format!("{count} classes"),
    }
}
