//! Splits and classes as names of files and folders: a file system takes neither every character nor
//! one name twice.

use crate::Split;
use std::collections::BTreeSet;

/// What the file or the folder of each split is called, in their order. No two names are equal, nor
/// would be on a file system that does not tell upper from lower case.
pub fn split_file_names(splits: &[Split]) -> Vec<String> {
    let mut names = FileNames::default();
    splits.iter().map(|split| names.free(&split.name)).collect()
}

/// Names in one folder, each given once.
#[derive(Default)]
pub(crate) struct FileNames {
    /// In lower case.
    taken: BTreeSet<String>,
}

impl FileNames {
    /// A name for the file or the folder of `name`: where that is taken already, `name_2` and on.
    pub(crate) fn free(&mut self, name: &str) -> String {
        let name = file_name(name);
        let numbered = |number: u64| match number {
            1 => name.clone(),
            _ => format!("{name}_{number}"),
        };
        let free = (1..).map(numbered).find(|name| self.taken.insert(name.to_lowercase()));
        free.unwrap_or_default()
    }
}

/// The name of a split or a class in characters that every file system takes.
fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
    match name.trim_matches('.') {
        "" => "all".into(),
        name => name.chars().map(safe).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;

    #[test]
    fn no_two_splits_have_one_name() {
        for (splits, expected) in [
            (&[][..], &[][..]),
            (&["train", "val"], &["train", "val"]),
            (&["site/1", "site_1", "site_1_2"], &["site_1", "site_1_2", "site_1_2_2"]),
            (&["Straße", "STRASSE", "straße"], &["Straße", "STRASSE", "straße_2"]),
            (&["", "..", "All"], &["all", "all_2", "All_3"]),
        ] {
            let split = |name: &&str| Split {
                name: (*name).to_owned(),
                dataset: Dataset::default(),
                findings: Vec::new(),
            };
            let splits: Vec<Split> = splits.iter().map(split).collect();
            assert_eq!(split_file_names(&splits), expected);
        }
    }
}
