//! A config from its file: what it is based on, what the command line changes, and who said what.
//!
//! A file may name one `base`. Maps merge key by key; lists and all else replace, null too; where a
//! map is a choice (`head: {two_fc: ...}`), another choice replaces it. The defaults lie below
//! everything and `--set` above. The one thing known of the struct that comes out is that serde
//! reads and writes it.

mod chain;
mod decided;
mod document;
mod error;
mod key_path;
mod origin;
mod position;
mod set;
mod show;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod tree;
mod typed;

pub use error::ConfigError;
pub use origin::Origin;

use chain::read_chain;
use document::Document;
use key_path::KeyPath;
use serde::Serialize;
use serde::de::DeserializeOwned;
use set::Set;
use std::path::Path;
use tree::Node;
pub(crate) use typed::to_text;
use typed::{Misfit, to_value, typed};

/// What a config is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// Nothing: all is default.
    Defaults,
    /// A file, or where there is none, a config that is built in: `quick/nuclei.yaml`.
    File(&'a Path),
    /// A text, and what errors call it.
    Text {
        /// Its name.
        name: &'a str,
        /// YAML.
        text: &'a str,
    },
}

/// A config that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its path below `configs/`.
    pub name: &'static str,
    /// YAML.
    pub text: &'static str,
}

impl BuiltIn {
    fn stem(&self) -> &'static str {
        self.name.trim_end_matches(".yaml")
    }
}

/// A config with everything in it, and where each value comes from.
#[derive(Clone, Debug)]
pub struct Resolved<T> {
    /// The config.
    pub value: T,
    tree: Node,
    documents: Vec<Document>,
}

/// Reads `source` and the configs it is based on, then does what `sets` say, each `a.b=value`.
/// `built_in` are the configs that need no file.
///
/// # Errors
/// When a file cannot be read or is no config, and when a key or value is none that `T` has: with
/// the file, the line and the key.
pub fn resolve<T: DeserializeOwned + Serialize + Default>(
    source: Source<'_>,
    sets: &[String],
    built_in: &[BuiltIn],
) -> Result<Resolved<T>, ConfigError> {
    let defaults = Resolved::<T>::all_default()?.tree;
    let chain = read_chain(source, built_in)?;
    let mut merged = defaults.clone();
    learn_choices::<T>(&mut merged);
    for document in chain.iter().rev() {
        merged.merge(document.tree.clone());
        learn_choices::<T>(&mut merged);
    }
    for argument in sets {
        Set::parse(argument)?.apply(&mut merged)?;
        learn_choices::<T>(&mut merged);
    }
    let value =
        typed::<T>(&merged).map_err(|misfit| locate(&misfit, &merged, &chain, &defaults))?;
    Ok(Resolved { documents: chain, ..Resolved::new(value, &merged)? })
}

impl<T: Serialize + Default> Resolved<T> {
    fn all_default() -> Result<Self, ConfigError> {
        Self::new(T::default(), &Node::null(&Origin::Default))
    }
}

impl<T: Serialize> Resolved<T> {
    /// `said` is what the value was made from.
    fn new(value: T, said: &Node) -> Result<Self, ConfigError> {
        let defaults = |reason| ConfigError::Defaults { reason };
        let written = to_value(&value).map_err(defaults)?;
        let mut tree = Node::new(written, &Origin::Default)
            .map_err(|bad| defaults(format!("{}: a key that is no word", bad.path)))?;
        tree.take_origins(said);
        Ok(Self { value, tree, documents: Vec::new() })
    }
}

impl<T: Serialize> Resolved<T> {
    /// The same with a changed value, such as a path that no longer depends on where it was said.
    /// Every value keeps its origin.
    ///
    /// # Errors
    /// When the changed value cannot be written as YAML.
    pub fn changed(mut self, change: impl FnOnce(&mut T)) -> Result<Self, ConfigError> {
        change(&mut self.value);
        Ok(Self { documents: self.documents, ..Self::new(self.value, &self.tree)? })
    }
}

impl<T> Resolved<T> {
    /// Who said what is at `key`, such as `optimizer.lr`; of a key that is not there, who said the
    /// map it would be in.
    pub fn origin(&self, key: &str) -> &Origin {
        self.tree.origin_at(&key.parse::<KeyPath>().unwrap_or_default())
    }

    /// The same for errors: `mine.yaml:7`, `--set optimizer.lr=0`, `default`.
    pub fn place(&self, key: &str) -> String {
        let origin = self.origin(key);
        let document = self.documents.iter().find(|document| document.origin == *origin);
        let line = document.zip(key.parse().ok()).and_then(|(file, path)| file.line_of(&path));
        match (origin, line) {
            (Origin::CommandLine(argument), _) => format!("--set {argument}"),
            (origin, Some(line)) => format!("{origin}:{line}"),
            (origin, None) => origin.to_string(),
        }
    }

    /// The folder that a relative path at `key` starts from: that of the file which says it; empty,
    /// which is the current folder, where no file does.
    pub fn folder_of(&self, key: &str) -> &Path {
        self.origin(key).folder()
    }

    /// All keys and values as YAML, with the origin of each as a remark.
    pub fn annotated_yaml(&self) -> String {
        show::annotated(&self.tree)
    }
}

/// Asks the struct which maps are choices. What it does not take yet teaches nothing: that is said
/// in the end.
fn learn_choices<T: DeserializeOwned + Serialize>(tree: &mut Node) {
    if let Ok(value) = typed::<T>(tree)
        && let Ok(tagged) = serde_yaml::to_value(&value)
    {
        tree.mark_choices(&tagged);
    }
}

/// Says where the misfit was said.
fn locate(misfit: &Misfit, merged: &Node, chain: &[Document], known: &Node) -> ConfigError {
    let reason = misfit.explained(known);
    let origin = merged.origin_at(&misfit.path);
    match origin {
        Origin::Default | Origin::Decided(_) => ConfigError::Defaults { reason },
        Origin::CommandLine(argument) => {
            ConfigError::CommandLine { argument: argument.to_string(), reason }
        }
        Origin::File(_) | Origin::Text(_) => {
            match chain.iter().find(|document| document.origin == *origin) {
                Some(document) => document.error_at(&misfit.path, reason),
                None => ConfigError::Content { place: origin.to_string(), line: None, reason },
            }
        }
    }
}
