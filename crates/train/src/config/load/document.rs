//! One file of a config, as read: `version` and `base` taken out, the rest a tree.

use super::error::ConfigError;
use super::key_path::KeyPath;
use super::origin::Origin;
use super::position::line_of;
use super::tree::{BadKey, Node};
use kestrel_core::{MAX_OPEN_BRACKETS, too_many_brackets};
use serde_yaml::Value;

/// The version of the format that is read and written.
pub(super) const VERSION: u64 = 1;

/// Longer files are no configs. It also bounds what aliases in one can unfold to.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// What stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) origin: Origin,
    pub(super) text: String,
    /// The config this one is laid over.
    pub(super) base: Option<String>,
    pub(super) tree: Node,
}

impl Document {
    /// Takes the bytes of a file apart.
    pub(super) fn new(origin: Origin, bytes: &[u8]) -> Result<Self, ConfigError> {
        let place = Place { origin: &origin };
        let text = place.text(bytes)?;
        let mut value = place.value(text)?;
        let base = match value.as_mapping_mut() {
            Some(top) => {
                place.check_version(text, top.shift_remove("version"))?;
                place.base(text, top.shift_remove("base"))?
            }
            None => return Err(place.no_map(&value)),
        };
        let tree = Node::new(value, &origin).map_err(|bad| place.bad_key(text, &bad))?;
        Ok(Self { text: text.to_owned(), base, tree, origin })
    }

    /// The line a key stands on.
    pub(super) fn line_of(&self, path: &KeyPath) -> Option<usize> {
        line_of(&self.text, path, 0)
    }

    /// An error about what stands at `path`.
    pub(super) fn error_at(&self, path: &KeyPath, reason: String) -> ConfigError {
        Place { origin: &self.origin }.error(self.line_of(path), reason)
    }
}

/// A file that is being read, for errors.
struct Place<'a> {
    origin: &'a Origin,
}

impl Place<'_> {
    fn error(&self, line: Option<usize>, reason: String) -> ConfigError {
        ConfigError::Content { place: self.origin.to_string(), line, reason }
    }

    fn text<'t>(&self, bytes: &'t [u8]) -> Result<&'t str, ConfigError> {
        if bytes.len() > MAX_BYTES {
            let reason = format!("more than {MAX_BYTES} bytes, the most a config has; is it one?");
            return Err(self.error(None, reason));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let line = 1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count();
            self.error(Some(line), format!("the byte {:#04x}; expected UTF-8 text", bytes[at]))
        })
    }

    fn value(&self, text: &str) -> Result<Value, ConfigError> {
        if let Some(line) = too_many_brackets(text) {
            let reason = format!("more than {MAX_OPEN_BRACKETS} open brackets");
            return Err(self.error(usize::try_from(line).ok(), reason));
        }
        let parsed = serde_yaml::from_str::<Value>(text).and_then(|mut value| {
            value.apply_merge()?;
            Ok(value)
        });
        parsed.map_err(|error| {
            let message = error.to_string().replace('\n', " ");
            match repeated_key(&message) {
                Some(path) => {
                    let line = line_of(text, &path, 1);
                    self.error(line, format!("{path} is there twice; leave one of them out"))
                }
                None => self.error(error.location().map(|found| found.line()), message),
            }
        })
    }

    fn no_map(&self, value: &Value) -> ConfigError {
        let found = match value {
            Value::Null => "nothing in it",
            Value::Sequence(_) => "a list",
            _ => "a single value",
        };
        let reason =
            format!("{found}; expected keys and values; `kestrel config init` writes a start");
        self.error(None, reason)
    }

    fn check_version(&self, text: &str, version: Option<Value>) -> Result<(), ConfigError> {
        match version {
            None => Ok(()),
            Some(version) if version.as_u64() == Some(VERSION) => Ok(()),
            Some(version) => {
                let reason = format!(
                    "version: found {}, expected {VERSION}, the only one this program reads",
                    brief(&version)
                );
                Err(self.error(line_of(text, &KeyPath::default().key("version"), 0), reason))
            }
        }
    }

    fn base(&self, text: &str, base: Option<Value>) -> Result<Option<String>, ConfigError> {
        match base {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(base)) => Ok(Some(base)),
            Some(other) => {
                let reason = format!("base: found {}, expected the path of a file", brief(&other));
                Err(self.error(line_of(text, &KeyPath::default().key("base"), 0), reason))
            }
        }
    }

    fn bad_key(&self, text: &str, bad: &BadKey) -> ConfigError {
        let place = if bad.path.0.is_empty() { String::new() } else { format!("{}: ", bad.path) };
        let reason = format!(
            "{place}the key {}; expected a word; quotation marks make one of it",
            brief(&bad.key)
        );
        self.error(line_of(text, &bad.path, 0), reason)
    }
}

/// The key that the parser found twice.
fn repeated_key(message: &str) -> Option<KeyPath> {
    let (before, after) = message.split_once("duplicate entry with key \"")?;
    let way: KeyPath = before.trim_end_matches(": ").parse().unwrap_or_default();
    Some(way.key(after.split_once('"')?.0))
}

/// A value on one short line.
fn brief(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let text = serde_yaml::to_string(value).unwrap_or_default();
            let mut brief: String = text.trim().replace('\n', " ").chars().take(40).collect();
            if brief.len() < text.trim().len() {
                brief.push_str("...");
            }
            brief
        }
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a map".into(),
        Value::Tagged(_) => "a tagged value".into(),
    }
}
