//! Which images stay together.

use super::SplitError;
use regex::Regex;

/// What images are grouped by.
pub struct Grouping(Option<Regex>);

/// Images of one key are one group.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key<'a> {
    /// What the pattern captures.
    Captured(&'a str),
    /// The name of an image that the pattern does not match: never that of a group.
    Name(&'a str),
}

impl Grouping {
    pub fn new(pattern: Option<&str>) -> Result<Self, SplitError> {
        let Some(pattern) = pattern else { return Ok(Self(None)) };
        match Regex::new(pattern) {
            Ok(regex) => Ok(Self(Some(regex))),
            Err(source) => {
                Err(SplitError::Pattern { pattern: pattern.into(), source: Box::new(source) })
            }
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }

    pub fn key<'a>(&self, name: &'a str) -> Key<'a> {
        let captures = self.0.as_ref().and_then(|pattern| pattern.captures(name));
        // A group that takes no part in the match says nothing; the whole match always does.
        let text = captures.and_then(|it| it.iter().skip(1).flatten().next().or(it.get(0)));
        text.map_or(Key::Name(name), |text| Key::Captured(text.as_str()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key<'a>(pattern: &str, name: &'a str) -> Key<'a> {
        Grouping::new(Some(pattern)).unwrap().key(name)
    }

    #[test]
    fn a_key_is_what_is_captured_else_what_matches() {
        assert_eq!(key(r"^(.*)_tile\d+", "a_b_tile12.png"), Key::Captured("a_b"));
        assert_eq!(key(r"^\w+-", "day-1.png"), Key::Captured("day-"));
        assert_eq!(key(r"x(a)|y(b)", "yb.png"), Key::Captured("b"));
        assert_eq!(key(r"^(.*)_tile", "other.png"), Key::Name("other.png"));
        assert_eq!(Grouping(None).key("a.png"), Key::Name("a.png"));
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let error = Grouping::new(Some("(")).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("the pattern \"(\""), "{error}");
    }
}
