//! The text of `data.yaml`.
//!
//! It is written by hand: a serializer writes no comments, and quotes what YAML 1.2 would misread.
//! Ultralytics reads it with PyYAML, which knows YAML 1.1, where `no`, `1_0` and `1:30` are no texts
//! either. `path` is not written, since Ultralytics looks for one in its own folder.

use crate::formats::locate::SplitName;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write};

/// Ultralytics refuses a file without these keys; an empty one is a part that is not there.
const ASKED_FOR: [&str; 2] = ["train", "val"];

/// Texts that mean something else, in lower case.
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

pub struct DataYaml<'d> {
    /// Folders of pictures by split.
    pub folders: BTreeMap<String, String>,
    /// Classes in the order of their numbers.
    pub names: &'d [String],
}

impl Display for DataYaml<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let folder_of: BTreeMap<String, &str> =
            self.folders.iter().map(|(split, folder)| (self.key_of(split), &**folder)).collect();
        let mut lacking = ASKED_FOR.to_vec();
        lacking.retain(|key| !folder_of.contains_key(*key));
        if !lacking.is_empty() {
            writeln!(
                f,
                "# Ultralytics asks for `train` and `val`; one that is empty is not there."
            )?;
        }
        for (key, folder) in folder_of {
            writeln!(f, "{}: {}", scalar(&key), scalar(folder))?;
        }
        for key in lacking {
            writeln!(f, "{key}:")?;
        }
        writeln!(f, "nc: {}", self.names.len())?;
        writeln!(f, "names:{}", if self.names.is_empty() { " {}" } else { "" })?;
        for (number, name) in self.names.iter().enumerate() {
            writeln!(f, "  {number}: {}", scalar(name))?;
        }
        Ok(())
    }
}

impl DataYaml<'_> {
    /// The name of a split, beside the keys that mean something else. One that is alone is what there
    /// is to train on, unless its name says otherwise.
    fn key_of(&self, split: &str) -> String {
        match split {
            name if SplitName::from_word(name).is_some() => name.to_owned(),
            _ if self.folders.len() == 1 => "train".to_owned(),
            "path" | "nc" | "names" | "download" => format!("{split}_split"),
            name => name.to_owned(),
        }
    }
}

/// A text as YAML, quoted unless no version of YAML could take it for anything else.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_/. ".contains(c);
    let begins_and_ends =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.ends_with(' ');
    let is_word = YAML_WORDS.contains(&text.to_ascii_lowercase().as_str());
    match begins_and_ends && text.chars().all(is_plain) && !is_word {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text in double quotes. What is neither ASCII nor a letter is escaped: PyYAML refuses some such
/// characters and takes others for line ends.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            ' '..='~' => write!(quoted, "{c}"),
            c if c.is_alphanumeric() => write!(quoted, "{c}"),
            c => write!(quoted, "\\U{:08x}", u32::from(c)),
        };
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(splits: &[&str], names: &[&str]) -> String {
        let folder = |split: &&str| (split.to_string(), format!("images/{split}"));
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        DataYaml { folders: splits.iter().map(folder).collect(), names: &names }.to_string()
    }

    #[test]
    fn the_keys_that_ultralytics_asks_for_are_there() {
        let comment = "# Ultralytics asks for `train` and `val`; one that is empty is not there.\n";
        for (splits, expected) in [
            (&["all"][..], "train: images/all\nval:\n"),
            (&["names"], "train: images/names\nval:\n"),
            (&["val"], "val: images/val\ntrain:\n"),
            (&["no", "path"], "\"no\": images/no\npath_split: images/path\ntrain:\nval:\n"),
        ] {
            assert_eq!(written(splits, &[]), format!("{comment}{expected}nc: 0\nnames: {{}}\n"));
        }
        let both = "train: images/train\nval: images/val\nnc: 1\nnames:\n  0: dog\n";
        assert_eq!(written(&["val", "train"], &["dog"]), both);
    }

    /// What PyYAML 6.0.3 reads as something else, or not at all, when it is not quoted.
    #[test]
    fn what_yaml_would_take_for_something_else_is_quoted() {
        for (name, expected) in [
            ("red blood-cell_2", "red blood-cell_2"),
            ("Yes", "\"Yes\""),
            ("null", "\"null\""),
            ("1", "\"1\""),
            ("1e3", "\"1e3\""),
            ("1:30", "\"1:30\""),
            ("~", "\"~\""),
            ("", "\"\""),
            (" a", "\" a\""),
            ("a ", "\"a \""),
            ("a: \"b\" # \\c", "\"a: \\\"b\\\" # \\\\c\""),
            ("größe", "\"größe\""),
            ("a\n\u{2028}", "\"a\\U0000000a\\U00002028\""),
        ] {
            assert_eq!(scalar(name), expected, "{name:?}");
        }
    }
}
