//! Where a value stands in a config: `rpn.nms_thresh`, `augment[2].rotate`.

use std::fmt;
use std::str::FromStr;

/// More steps than any config has; keeps what walks along them from going too deep.
const MAX_STEPS: usize = 32;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an entry of a list, counted from 0.
    Index(usize),
}

/// The steps from the top to a value; none for the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(pub(super) Vec<Step>);

impl KeyPath {
    /// One step further.
    pub(super) fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// One key further.
    pub(super) fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.to_owned()))
    }

    /// The last step, where it is a key.
    pub(super) fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if place == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for KeyPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "keys joined by dots, such as `a.b` or `a.b[2]`";
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (key, indices) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            if key.is_empty() || key.contains(char::is_whitespace) {
                return Err(SHAPE);
            }
            steps.push(Step::Key(key.to_owned()));
            for index in indices.split_inclusive(']') {
                let digits = index.strip_prefix('[').and_then(|index| index.strip_suffix(']'));
                steps
                    .push(Step::Index(digits.and_then(|digits| digits.parse().ok()).ok_or(SHAPE)?));
            }
            if steps.len() > MAX_STEPS {
                return Err("at most 32 keys");
            }
        }
        Ok(Self(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_what_it_says() {
        for text in ["a", "a.b_c", "a[0]", "a.b[2][10].c"] {
            assert_eq!(text.parse::<KeyPath>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_paths() {
        let deep = vec!["a"; 100_000].join(".");
        for text in ["", ".", "a.", "a..b", "a b", "[1]", "a[x]", "a[1", "a[1]b", "a[-1]", &deep] {
            assert!(text.parse::<KeyPath>().is_err(), "{text:.20}");
        }
    }
}
