//! `--set a.b=value`.

use super::error::ConfigError;
use super::key_path::KeyPath;
use super::origin::Origin;
use super::tree::Node;
use kestrel_core::{MAX_OPEN_BRACKETS, too_many_brackets};
use serde_yaml::Value;

/// What the whole argument may look like.
const EXAMPLE: &str = "train.lr=0.01";

/// One value from the command line.
#[derive(Debug)]
pub(super) struct Set<'a> {
    argument: &'a str,
    path: KeyPath,
    value: Node,
}

impl<'a> Set<'a> {
    /// The value is YAML: `[16, 22]` is a list, nothing is null.
    pub(super) fn parse(argument: &'a str) -> Result<Self, ConfigError> {
        let refuse = |reason| Self::refusal(argument, reason);
        let (key, value) = argument
            .split_once('=')
            .ok_or_else(|| refuse(format!("expected KEY=VALUE, such as {EXAMPLE}")))?;
        let path =
            key.parse().map_err(|shape| refuse(format!("`{key}` is no key; expected {shape}")))?;
        if too_many_brackets(value).is_some() {
            return Err(refuse(format!("more than {MAX_OPEN_BRACKETS} open brackets")));
        }
        let parsed: Value = serde_yaml::from_str(value)
            .map_err(|error| refuse(format!("the value is no YAML: {error}")))?;
        let value = Node::new(parsed, &Origin::CommandLine(argument.into()))
            .map_err(|bad| refuse(format!("{:?} is a key and no word", bad.key)))?;
        Ok(Self { argument, path, value })
    }

    pub(super) fn apply(self, tree: &mut Node) -> Result<(), ConfigError> {
        let Self { argument, path, value } = self;
        tree.merge_at(&path.0, value)
            .map_err(|reason| Self::refusal(argument, format!("there is no {path}: {reason}")))
    }

    fn refusal(argument: &str, reason: String) -> ConfigError {
        ConfigError::CommandLine { argument: argument.to_owned(), reason }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{Source, TrainConfig, resolve};

    #[test]
    fn what_is_no_pair_is_answered_with_one_that_works() {
        let refusal = Set::parse("train.lr").unwrap_err().to_string();
        assert_eq!(refusal, "--set train.lr: expected KEY=VALUE, such as train.lr=0.01");
        let resolved = resolve::<TrainConfig>(Source::Defaults, &[EXAMPLE.to_owned()], &[]);
        assert_eq!(resolved.unwrap().value.train.lr, 0.01);
    }
}
