//! From what follows `--data` to a data set.

use crate::console::{self, counted};
use anyhow::{Result, bail};
use kestrel_data::{Collection, Split, read_collection};
use std::path::Path;

/// The collection at `path`, only the split of that name where one is given.
pub(crate) fn open(path: &Path, split: Option<&str>) -> Result<Collection> {
    let mut collection = read_collection(path)?;
    if let Some(wanted) = split {
        let names = names(&collection.splits);
        collection.splits.retain(|split| split.name == wanted);
        if collection.splits.is_empty() {
            bail!("--split {wanted}: {} has {names}", path.display());
        }
    }
    Ok(collection)
}

/// One split of the collection at `path`: the one of that name, else `val`, else the only one.
pub(crate) fn open_one(path: &Path, split: Option<&str>) -> Result<Split> {
    let mut splits = open(path, split)?.splits;
    let names = names(&splits);
    let place = splits.iter().position(|split| split.name == "val").unwrap_or(0);
    if splits.is_empty() {
        bail!("{}: found no images; expected at least one", path.display());
    }
    if splits.len() > 1 && splits[place].name != "val" {
        bail!("{} has {names}; say with --split which of them", path.display());
    }
    let split = splits.swap_remove(place);
    if names.contains(',') {
        console::note(format_args!("note: {} has {names}; using `{}`", path.display(), split.name));
    }
    Ok(split)
}

/// Says that some of what was read could not be used, where it is so.
pub(crate) fn mention_findings(path: &Path, splits: &[Split]) {
    let count = splits.iter().map(|split| split.findings.len()).sum::<usize>();
    if count > 0 {
        console::note(format_args!(
            "warning: {} in {} left out; `kestrel data check {}` names them",
            counted(count, "unusable record"),
            path.display(),
            path.display()
        ));
    }
}

fn names(splits: &[Split]) -> String {
    match splits {
        [] => "no splits".to_owned(),
        [only] => format!("the one split `{}`", only.name),
        _ => {
            let names: Vec<String> =
                splits.iter().map(|split| format!("`{}`", split.name)).collect();
            format!("the splits {}", names.join(", "))
        }
    }
}
