//! What a split is called: `train`, `val` and `test` go by many names.

use std::path::Path;

/// The part a file or folder name says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::formats) enum SplitName {
    Train,
    Val,
    Test,
}

impl SplitName {
    const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// The name Kestrel uses.
    pub(in crate::formats) fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// What others call it, the usual name first.
    pub(in crate::formats) fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train", "training"],
            Self::Val => &["val", "valid", "validation", "dev"],
            Self::Test => &["test", "testing"],
        }
    }

    /// The split a whole name means, a year behind it aside: `valid`, `train2017`.
    pub(in crate::formats) fn from_word(word: &str) -> Option<Self> {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
        Self::ALL.into_iter().find(|split| split.aliases().contains(&word.as_str()))
    }

    /// The split a name speaks of with one of its words: `instances_val2017`, `custom-train`.
    pub(in crate::formats) fn within(name: &str) -> Option<Self> {
        name.split(|c: char| !c.is_alphanumeric()).find_map(Self::from_word)
    }

    /// The split that a path's last folder or file is named after.
    pub(in crate::formats) fn of_path(path: &Path) -> Option<Self> {
        Self::from_word(path.file_stem()?.to_str()?)
    }
}

/// The key that orders splits: `train`, `val`, `test`, then the others by name.
pub(in crate::formats) fn by_use(name: &str) -> (usize, String) {
    let place = SplitName::ALL.iter().position(|split| split.as_str() == name);
    (place.unwrap_or(SplitName::ALL.len()), name.to_owned())
}

/// Whether no two names are the same.
pub(in crate::formats) fn distinct(names: &[String]) -> bool {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}
