//! From values to the struct they mean, and what is said when they mean none.
//!
//! The values are written as text and the text is read: only so does an error name the key.

use super::key_path::KeyPath;
use super::tree::Node;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;
use serde_yaml::with::singleton_map_recursive;

/// What the parser calls things, and what people do.
const PLAIN_WORDS: [(&str, &str); 10] = [
    ("invalid value: map, expected map with a single key", "several keys; expected one choice"),
    ("invalid type: unit value", "invalid type: nothing"),
    (
        "invalid type: unit variant, expected struct variant",
        "a name alone; expected settings below it",
    ),
    (
        "invalid type: unit variant, expected newtype variant",
        "a name alone; expected settings below it",
    ),
    ("expected f64", "expected a number"),
    ("expected f32", "expected a number"),
    ("expected usize", "expected a whole number, at least 0"),
    ("expected u64", "expected a whole number, at least 0"),
    ("expected i64", "expected a whole number"),
    ("expected a boolean", "expected true or false"),
];

/// A value that the struct does not take.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Where; the whole, where it is not known.
    pub(super) path: KeyPath,
    /// What was found and expected.
    pub(super) reason: String,
}

/// The struct that `tree` means.
pub(super) fn typed<T: DeserializeOwned>(tree: &Node) -> Result<T, Misfit> {
    let written = serde_yaml::to_string(&tree.to_value());
    let read = written.and_then(|text| {
        singleton_map_recursive::deserialize(serde_yaml::Deserializer::from_str(&text))
    });
    read.map_err(|error| Misfit::new(&error))
}

/// The struct as text, enums as maps of one key.
pub(crate) fn to_text<T: Serialize>(value: &T) -> Result<String, String> {
    let mut text = Vec::new();
    let mut serializer = serde_yaml::Serializer::new(&mut text);
    singleton_map_recursive::serialize(value, &mut serializer)
        .map_err(|error| error.to_string())?;
    drop(serializer);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The struct as values, by way of its text: `0.1` as a float32 is 0.10000000149 as a value.
pub(super) fn to_value<T: Serialize>(value: &T) -> Result<Value, String> {
    serde_yaml::from_str(&to_text(value)?).map_err(|error| error.to_string())
}

impl Misfit {
    fn new(error: &serde_yaml::Error) -> Self {
        let mut message = error.to_string();
        if let Some(at) = error.location() {
            // Of a text that nobody sees.
            let position = format!(" at line {} column {}", at.line(), at.column());
            message = message.replacen(&position, "", 1);
        }
        let parted = message
            .split_once(": ")
            .and_then(|(path, reason)| Some((path.parse::<KeyPath>().ok()?, reason.to_owned())));
        let (path, mut reason) = parted.unwrap_or_else(|| (KeyPath::default(), message));
        for (theirs, ours) in PLAIN_WORDS {
            reason = reason.replace(theirs, ours);
        }
        let path = match reason.strip_prefix("unknown field `").and_then(|r| r.split_once('`')) {
            Some((key, _)) => path.key(key),
            None => path,
        };
        Self { path, reason }
    }

    /// The key, what was found there, what was expected, what may have been meant. `known` is a
    /// config with all keys.
    pub(super) fn explained(&self, known: &Node) -> String {
        let explained = kestrel_core::with_suggestion(&self.reason);
        let elsewhere = match explained == self.reason && self.reason.starts_with("unknown field") {
            true => self.path.last_key().map(|key| known.places_of(key)).unwrap_or_default(),
            false => Vec::new(),
        };
        let place = if self.path.0.is_empty() { String::new() } else { format!("{}: ", self.path) };
        match elsewhere.first() {
            Some(other) => format!("{place}{explained}; did you mean `{other}`?"),
            None => format!("{place}{explained}"),
        }
    }
}
