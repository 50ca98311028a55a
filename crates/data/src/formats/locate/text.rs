//! A text file and its lines.

use crate::formats::FormatError;
use kestrel_core::{MAX_OPEN_BRACKETS, too_many_brackets};
use serde::de::DeserializeOwned;
use std::cell::OnceCell;
use std::fs;
use std::path::Path;

/// Reads a UTF-8 file; a byte order mark is left out.
///
/// # Errors
/// When the file cannot be read, or is not UTF-8: then with the line.
pub(in crate::formats) fn read_text(path: &Path) -> Result<String, FormatError> {
    let mut bytes = fs::read(path).map_err(|source| FormatError::io(path, source))?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        FormatError::Content {
            path: path.into(),
            line: Some(1 + newlines(&bytes[..at]).count() as u64),
            found: format!("the byte {:#04x}", bytes[at]),
            expected: "UTF-8 text".into(),
        }
    })
}

/// Reads a YAML file; `expected` says what it should be.
///
/// # Errors
/// When the file cannot be read or is something else, with the line.
pub(in crate::formats) fn read_yaml<T: DeserializeOwned>(
    path: &Path,
    expected: &str,
) -> Result<T, FormatError> {
    let wrong = |line, found| FormatError::Content {
        path: path.into(),
        line,
        found,
        expected: expected.into(),
    };
    let text = read_text(path)?;
    if let Some(line) = too_many_brackets(&text) {
        return Err(wrong(Some(line), format!("more than {MAX_OPEN_BRACKETS} open brackets")));
    }
    serde_yaml::from_str(&text).map_err(|error| {
        let line = error.location().map(|location| location.line() as u64);
        wrong(line, error.to_string().replace('\n', " "))
    })
}

fn newlines(text: &[u8]) -> impl Iterator<Item = usize> {
    text.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at)
}

/// Tells which line of a text a part of it stands on.
pub(in crate::formats) struct Lines<'t> {
    text: &'t str,
    /// Found when first asked for: most files never are.
    ends: OnceCell<Vec<usize>>,
}

impl<'t> Lines<'t> {
    pub(in crate::formats) fn new(text: &'t str) -> Self {
        Self { text, ends: OnceCell::new() }
    }

    /// The line, counted from 1, on which `part`, a slice of the text, begins.
    pub(in crate::formats) fn line_of(&self, part: &str) -> u64 {
        let at = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let ends = self.ends.get_or_init(|| newlines(self.text.as_bytes()).collect());
        1 + ends.partition_point(|&end| end < at) as u64
    }
}
