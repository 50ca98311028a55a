//! Why something could not be evaluated.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be evaluated. A message about a file begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The system did not hand the file over.
    #[error("{}: cannot read the file: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A results file, or a part of one, that cannot be understood.
    #[error(
        "{}: cannot read the results: {reason}; expected a COCO results list or the lines of \
         `kestrel detect --format json`",
        path.display()
    )]
    Results {
        /// The file.
        path: PathBuf,
        /// What was found, and where.
        reason: String,
    },
    /// Results for images that are not in the ground truth.
    #[error(
        "the results speak of {count} images that are not in the ground truth: {first}; expected \
         the results and the ground truth of the same images"
    )]
    UnknownImages {
        /// How many different ones.
        count: usize,
        /// The first few.
        first: String,
    },
    /// Results of classes that are not in the ground truth.
    #[error(
        "the results speak of {count} classes that are not in the ground truth: {first}; expected \
         the classes {known}"
    )]
    UnknownCategories {
        /// How many different ones.
        count: usize,
        /// The first few.
        first: String,
        /// The first few that the ground truth has.
        known: String,
    },
    /// A detection that cannot be scored.
    #[error("result {index} (counted from 0): {reason}")]
    Detection {
        /// Its place in the list.
        index: usize,
        /// What was found, and what was expected.
        reason: String,
    },
    /// A ground truth nothing can be scored on.
    #[error("ground truth: {reason}; `kestrel data check` finds all such places")]
    Truth {
        /// What was found, and what was expected.
        reason: String,
    },
    /// A setting out of range.
    #[error("{option}: found {found}, expected {expected}")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The evaluation itself refused its input.
    #[error("evaluation: {0}")]
    Engine(#[from] hotcoco::Error),
    /// A plot of the report could not be drawn: a bug of ours.
    #[error("cannot draw the plot of {plot}: {reason}")]
    Plot {
        /// What it shows.
        plot: String,
        /// What went wrong.
        reason: String,
    },
}

impl EvalError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    pub(crate) fn results(path: &Path, reason: impl Into<String>) -> Self {
        Self::Results { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn detection(index: usize, reason: impl Into<String>) -> Self {
        Self::Detection { index, reason: reason.into() }
    }

    pub(crate) fn truth(reason: impl Into<String>) -> Self {
        Self::Truth { reason: reason.into() }
    }

    pub(crate) fn option(
        option: &'static str,
        found: impl Display,
        expected: &'static str,
    ) -> Self {
        Self::Option { option, found: found.to_string(), expected }
    }
}

/// The first few of a list, for a message: `7, 9, 12 and 40 more`.
pub(crate) fn first_few(all: impl IntoIterator<Item = impl Display>) -> String {
    const SHOWN: usize = 5;
    let mut all = all.into_iter();
    let shown: Vec<String> = all.by_ref().take(SHOWN).map(|item| item.to_string()).collect();
    match (shown.is_empty(), all.count()) {
        (true, _) => "none".into(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut() {
        assert_eq!(first_few(Vec::<u64>::new()), "none");
        assert_eq!(first_few([1, 2]), "1, 2");
        assert_eq!(first_few(1..=8), "1, 2, 3, 4, 5 and 3 more");
    }
}
