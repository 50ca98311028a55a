//! The JSON files of marking tools: reading one whole, and finding the pictures it names.

use super::FormatError;
use serde_json::{Map, Value};
use std::path::{Component, Path, PathBuf};

/// Editors on Windows put it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file that holds one JSON map; `expected` says of what.
///
/// # Errors
/// When the file cannot be read, is no JSON (with the line), or no map.
pub(super) fn read_map(path: &Path, expected: &str) -> Result<Map<String, Value>, FormatError> {
    let content = |line, found| FormatError::Content {
        path: path.into(),
        line,
        found,
        expected: expected.into(),
    };
    match serde_json::from_slice(&read_bytes(path)?) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(content(None, kind(&other).into())),
        Err(error) => Err(content(Some(error.line() as u64), format!("broken JSON ({error})"))),
    }
}

/// The bytes of a JSON file, without the byte order mark.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, FormatError> {
    let io = |source| FormatError::Io { path: path.into(), source };
    let mut bytes = std::fs::read(path).map_err(io)?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// What stands under `key`, for messages.
pub(super) fn kind_at(map: &Map<String, Value>, key: &str) -> &'static str {
    map.get(key).map_or("nothing", kind)
}

/// A text under `key` that says something.
pub(super) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// A name as an annotation gives it, with `/` between folders whatever the system it was written on.
pub(super) fn with_slashes(name: &str) -> String {
    name.replace('\\', "/")
}

/// Where the picture called `name` lies: beside the annotation file, in one of `folders` around it,
/// or, where it is nowhere, where it should be: beside.
pub(super) fn locate(annotation_file: &Path, name: &str, folders: &[&str]) -> PathBuf {
    let beside = annotation_file.parent().unwrap_or(Path::new(""));
    let expected = joined(beside, name);
    let elsewhere = folders.iter().map(|folder| joined(&beside.join(folder), name));
    let mut places = std::iter::once(expected.clone()).chain(elsewhere);
    places.find(|place| place.is_file()).unwrap_or(expected)
}

/// `folder/name` without the `..` that can be worked out from the letters alone: the folder that it
/// leaves need not exist.
fn joined(folder: &Path, name: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(path.components().next_back(), Some(Component::Normal(_))) =>
            {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn broken_json_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let message = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            read_map(&path, "a map").map_or_else(|error| error.to_string(), |_| "read".into())
        };
        assert!(message(b"{\n\"a\": NaN}").contains("a.json:2: broken JSON"));
        assert!(message(b"{\"a\": \"\xff\"}").contains("a.json:1: broken JSON"));
        assert!(message(&b"[".repeat(1_000_000)).contains("recursion limit"));
        assert!(message(b"[1]").contains("a.json: a list; expected a map"));
        assert_eq!(message(b"\xef\xbb\xbf{\"a\": 1}"), "read");
        let error = read_map(&folder.path().join("gone.json"), "a map").unwrap_err();
        assert!(matches!(error, FormatError::Io { .. }), "{error}");
    }

    #[test]
    fn pictures_are_found_around_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["images/a.png", "notes/b.png"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        let file = root.join("notes/x.json");
        let found = |name| locate(&file, name, &["images", "../images"]);
        assert!(found("a.png").is_file());
        assert_eq!(found("b.png"), root.join("notes/b.png"));
        assert_eq!(found("../images/a.png"), root.join("images/a.png"));
        assert_eq!(found("gone.png"), root.join("notes/gone.png"));
    }
}
