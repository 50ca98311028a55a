//! A config and those it is based on.

use super::document::{Document, MAX_BYTES};
use super::error::ConfigError;
use super::key_path::KeyPath;
use super::origin::Origin;
use super::{BuiltIn, Source};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Reads `source` and, through `base`, what it is laid over: the last has no base.
pub(super) fn read_chain(
    source: Source<'_>,
    built_in: &[BuiltIn],
) -> Result<Vec<Document>, ConfigError> {
    let first = match source {
        Source::Defaults => return Ok(Vec::new()),
        Source::Text { name, text } => Document::new(Origin::Text(name.into()), text.as_bytes())?,
        Source::File(path) => open(find(path, None, built_in), path, built_in)?,
    };
    let mut chain = vec![first];
    while let Some(base) = chain[chain.len() - 1].base.clone() {
        let next = next_document(&chain, &base, built_in)?;
        chain.push(next);
    }
    Ok(chain)
}

fn next_document(
    chain: &[Document],
    base: &str,
    built_in: &[BuiltIn],
) -> Result<Document, ConfigError> {
    let from = &chain[chain.len() - 1];
    let at_base = |reason: String| from.error_at(&KeyPath::default().key("base"), reason);
    let found = find(Path::new(base), Some(&from.origin), built_in);
    if let Some(place) = chain.iter().position(|earlier| is_same(&found, &earlier.origin)) {
        let circle = chain[place..].iter().chain([&chain[place]]);
        let names: Vec<String> = circle.map(|document| document.origin.to_string()).collect();
        return Err(at_base(format!("base leads in a circle: {}", names.join(", "))));
    }
    open(found, Path::new(base), built_in).map_err(|error| match error {
        ConfigError::Missing { .. } | ConfigError::Read { .. } => at_base(format!("base: {error}")),
        other => other,
    })
}

/// Where a config lies: a file beside the one that names it, else one that is built in.
fn find(reference: &Path, from: Option<&Origin>, built_in: &[BuiltIn]) -> Option<Origin> {
    let file = from.map_or(Path::new(""), Origin::folder).join(reference);
    if !matches!(from, Some(Origin::Text(_))) && file.exists() {
        return Some(Origin::File(file.into()));
    }
    if reference.is_absolute() {
        return None;
    }
    let beside = match from {
        Some(Origin::Text(name)) => {
            let folder = Path::new(&**name).parent().unwrap_or(Path::new(""));
            plain(&folder.join(reference))
        }
        _ => plain(reference),
    };
    [beside, plain(reference)].iter().find_map(|name| {
        let is_it = |config: &&BuiltIn| config.name == name || config.stem() == name;
        built_in.iter().find(is_it).map(|config| Origin::Text(config.name.into()))
    })
}

/// The names of a path alone: `../base/a.yaml` is `base/a.yaml`, and `quick/../base/a.yaml` too.
fn plain(path: &Path) -> String {
    let mut names: Vec<&str> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.extend(name.to_str()),
            Component::ParentDir => drop(names.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    names.join("/").trim_start_matches("configs/").to_owned()
}

fn open(
    found: Option<Origin>,
    asked: &Path,
    built_in: &[BuiltIn],
) -> Result<Document, ConfigError> {
    match found {
        Some(Origin::File(path)) => {
            let bytes = read_start(&path).map_err(|source| ConfigError::Read {
                place: path.display().to_string(),
                source,
            })?;
            Document::new(Origin::File(path), &bytes)
        }
        Some(Origin::Text(name)) => {
            let text = built_in.iter().find(|config| *config.name == *name);
            Document::new(Origin::Text(name), text.map_or("", |config| config.text).as_bytes())
        }
        _ => {
            let name = asked.display().to_string();
            let meant = kestrel_core::closest(&name, built_in.iter().map(|config| config.name));
            let hint = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            Err(ConfigError::Missing { name, hint })
        }
    }
}

/// Of a file that is no config no more than shows it: a device may have no end.
fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_same(found: &Option<Origin>, other: &Origin) -> bool {
    match (found, other) {
        (Some(Origin::File(a)), Origin::File(b)) => {
            let whole = |path: &Path| fs::canonicalize(path).unwrap_or(PathBuf::from(path));
            whole(a) == whole(b)
        }
        (Some(found), other) => found == other,
        (None, _) => false,
    }
}
