//! Who said it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a value of a config comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// A file.
    File(Arc<Path>),
    /// A file that is part of the program, or a text that has a name but no folder.
    Text(Arc<str>),
    /// `--set`, with what followed it.
    CommandLine(Arc<str>),
    /// Left to the start or the data, by the key that says so.
    Decided(Arc<str>),
}

impl Origin {
    /// The folder that relative paths start from: that of the file; empty, which is the current
    /// folder, for all others.
    pub fn folder(&self) -> &Path {
        match self {
            Self::File(path) => path.parent().unwrap_or(Path::new("")),
            Self::Default | Self::Text(_) | Self::CommandLine(_) | Self::Decided(_) => {
                Path::new("")
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", tidy(path).display()),
            Self::Text(name) => f.write_str(name),
            Self::CommandLine(_) => f.write_str("--set"),
            Self::Decided(key) => write!(f, "by {key}"),
        }
    }
}

/// `a/b/../c` as `a/c`, for people; not to open, since `b` may be a link.
fn tidy(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut tidy = PathBuf::new();
    for part in path.components() {
        let is_name = matches!(tidy.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if is_name => {
                tidy.pop();
            }
            Component::CurDir => {}
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_without_detours() {
        for (path, shown) in [
            ("a/b/../c.yaml", "a/c.yaml"),
            ("./a.yaml", "a.yaml"),
            ("../a/../../b.yaml", "../../b.yaml"),
            ("/a/../b.yaml", "/b.yaml"),
        ] {
            assert_eq!(Origin::File(Path::new(path).into()).to_string(), shown);
        }
    }

    #[test]
    fn paths_start_from_the_file_that_named_them() {
        assert_eq!(Origin::File(Path::new("a/b.yaml").into()).folder(), Path::new("a"));
        assert_eq!(Origin::File(Path::new("b.yaml").into()).folder(), Path::new(""));
        assert_eq!(Origin::Text("quick/a.yaml".into()).folder(), Path::new(""));
    }
}
