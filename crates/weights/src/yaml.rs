//! What a model file says of itself beside its weights, as YAML in its free text.

use kestrel_core::{MAX_OPEN_BRACKETS, too_many_brackets, with_suggestion};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_yaml::with::singleton_map_recursive;

/// Reads a text with enums as maps of one key. Model files come from anywhere: one that would keep the
/// parser busy for minutes is refused.
///
/// # Errors
/// What is wrong with it, with line and column, and the key that may have been meant.
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if let Some(line) = too_many_brackets(text) {
        return Err(format!("more than {MAX_OPEN_BRACKETS} brackets are open on line {line}"));
    }
    singleton_map_recursive::deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| with_suggestion(&error.to_string()))
}

/// The text that [`from_yaml`] reads back.
pub fn to_yaml(value: &impl Serialize) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_yaml::Serializer::new(&mut text);
    // Writing plain maps into memory has no way to fail.
    let _ = singleton_map_recursive::serialize(value, &mut serializer);
    drop(serializer);
    String::from_utf8_lossy(&text).into_owned()
}
