//! `data.yaml`: where the pictures of each split lie and what the classes are called.
//!
//! Paths in it are relative to its `path` where there is one, which in turn is relative to the file.
//! Where such a path does not exist, as in the files Roboflow exports (`../train/images` for a folder
//! beside the file), it is looked for below the file's own folder.

use super::{Layout, Part};
use crate::formats::FormatError;
use crate::formats::locate::{SplitName, folder_of, has_extension, read_text, read_yaml};
use serde::Deserialize;
use serde_yaml::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct DataYaml {
    path: Option<PathBuf>,
    names: Option<Names>,
    nc: Option<u64>,
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    List(Vec<Value>),
    ByNumber(BTreeMap<u64, Value>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Places {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

/// Whether a file is YAML with a key that only YOLO's has.
pub fn recognises(file: &Path) -> bool {
    let keys = ["names", "nc"];
    let is_one = |text: String| {
        text.lines().any(|line| keys.iter().any(|key| line.strip_prefix(key).is_some_and(is_value)))
    };
    has_extension(file, &["yaml", "yml"]) && read_text(file).is_ok_and(is_one)
}

fn is_value(rest: &str) -> bool {
    rest.trim_start().starts_with(':')
}

/// What a `data.yaml` names.
///
/// # Errors
/// When it is no such file, or none of the places it names is there.
pub fn read(file: &Path) -> Result<Layout, FormatError> {
    let yaml: DataYaml = read_yaml(file, "YOLO's data.yaml with `train`, `val` and `names`")?;
    let bases = bases(file, yaml.path.as_deref());
    let mut parts = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in &yaml.other {
        let split = SplitName::from_word(key);
        let Some(places) = places(value) else { continue };
        let mut found: Vec<PathBuf> =
            places.iter().filter_map(|place| find(&bases, place)).collect();
        // A file under another key may be anything.
        found.retain(|place| split.is_some() || place.is_dir());
        match (found.len() == places.len(), split) {
            (true, split) => {
                let name = split.map_or(key.as_str(), |split| split.as_str());
                parts.push(Part::of_places(name, &found)?);
            }
            // Exporters name a folder for `test` whether they write one or not.
            (false, None | Some(SplitName::Test)) => {}
            (false, Some(_)) => missing.extend(places),
        }
    }
    match missing.first() {
        Some(place) => Err(FormatError::Content {
            path: file.into(),
            line: None,
            found: format!("`{}`, which is not there", place.display()),
            expected: "a folder of pictures or a list of them".into(),
        }),
        None => Ok(Layout { parts, names: names(yaml.names, yaml.nc) }),
    }
}

/// The places a key names. An empty one names none: Ultralytics asks for `val` where there is none too.
fn places(value: &Value) -> Option<Vec<PathBuf>> {
    let mut places = match serde_yaml::from_value(value.clone()).ok()? {
        Places::One(place) => vec![place],
        Places::Many(places) => places,
    };
    places.retain(|place| !place.as_os_str().is_empty());
    Some(places).filter(|places| !places.is_empty())
}

/// The folders a path may be relative to, best first.
fn bases(file: &Path, path: Option<&Path>) -> Vec<PathBuf> {
    let folder = folder_of(file);
    path.map(|path| folder.join(path)).into_iter().chain([folder]).collect()
}

fn find(bases: &[PathBuf], place: &Path) -> Option<PathBuf> {
    let text = place.to_string_lossy().replace('\\', "/");
    let inner = text.trim_start_matches("../").trim_start_matches("./");
    let tried = [text.as_str(), inner];
    tried
        .iter()
        .flat_map(|place| bases.iter().map(move |base| base.join(place)))
        .find(|path| path.exists())
}

/// Names by class number; where only their number is known, `class 0` and on.
fn names(names: Option<Names>, num_classes: Option<u64>) -> BTreeMap<u64, String> {
    /// More classes than any data set has; a larger `nc` is a mistake that must not take memory.
    const MAX_UNNAMED: u64 = 100_000;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => serde_yaml::to_string(&other).unwrap_or_default().trim().to_owned(),
    };
    match names {
        Some(Names::List(names)) => (0..).zip(names.into_iter().map(text)).collect(),
        Some(Names::ByNumber(names)) => {
            names.into_iter().map(|(number, name)| (number, text(name))).collect()
        }
        None => {
            let numbers = 0..num_classes.unwrap_or(0).min(MAX_UNNAMED);
            numbers.map(|number| (number, format!("class {number}"))).collect()
        }
    }
}
