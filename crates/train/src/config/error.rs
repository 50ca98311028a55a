//! A setting that makes no sense.

use std::fmt::Debug;

/// A value of a config that the types allow and a run does not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {found}; expected {expected}")]
pub struct SettingError {
    /// The key, from the top of the file.
    pub field: &'static str,
    /// Its value.
    pub found: String,
    /// What would do.
    pub expected: &'static str,
}

impl SettingError {
    pub(crate) fn new(field: &'static str, found: impl Debug, expected: &'static str) -> Self {
        Self { field, found: format!("{found:?}"), expected }
    }
}
