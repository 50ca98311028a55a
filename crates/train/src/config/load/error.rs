//! Why a config cannot be used.

use std::io;

/// A config that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file system.
    #[error("cannot read the config {place}: {source}")]
    Read {
        /// The file.
        place: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A config that is not there.
    #[error("no config {name}: neither a file nor one of those built in{hint}")]
    Missing {
        /// What was named.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// What a file says.
    #[error("{place}{}: {reason}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Content {
        /// The file.
        place: String,
        /// The line, counted from 1, where one can be named.
        line: Option<usize>,
        /// Which key, what was found, what was expected.
        reason: String,
    },
    /// What the command line says.
    #[error("--set {argument}: {reason}")]
    CommandLine {
        /// What followed `--set`.
        argument: String,
        /// What was found and expected.
        reason: String,
    },
    /// A value that the types allow and a run does not.
    #[error("{place}: {reason}")]
    Setting {
        /// Who said it.
        place: String,
        /// Which key, what was found, what was expected.
        reason: String,
    },
    /// The program's own values: a fault of the program.
    #[error("the defaults make no config: {reason}")]
    Defaults {
        /// What was found and expected.
        reason: String,
    },
}
