//! On which line of a YAML text a key stands.
//!
//! The parser tells a position only with an error. So the way to the key is gone with visitors, and
//! the one that arrives fails.

use super::key_path::{KeyPath, Step};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The line, counted from 1, of the key (or entry of a list) that `path` leads to; `None` where it
/// leads nowhere. Of a key that occurs more than once, `occurrence` says which one, from 0.
pub(super) fn line_of(text: &str, path: &KeyPath, occurrence: usize) -> Option<usize> {
    let seek = Seek { way: &path.0, occurrence };
    let arrived = seek.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    arrived.location().map(|location| location.line())
}

/// Goes the rest of the way.
#[derive(Clone, Copy)]
struct Seek<'a> {
    way: &'a [Step],
    occurrence: usize,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the way to go on")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.way.split_first() else {
            return Err(A::Error::custom("arrived"));
        };
        let mut left = self.occurrence;
        let key = |left| Key { wanted, is_last: rest.is_empty() && left == 0 };
        while let Some(is_wanted) = map.next_key_seed(key(left))? {
            if is_wanted && !rest.is_empty() {
                map.next_value_seed(Self { way: rest, ..self })?;
            } else {
                left -= usize::from(is_wanted);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((&Step::Index(wanted), rest)) = self.way.split_first() else {
            return Err(A::Error::custom("arrived"));
        };
        for _ in 0..wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        // What is neither a map nor a list is an error of type here, and so an arrival.
        list.next_element_seed(Self { way: rest, ..self })?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Tells whether a key is the wanted one, and fails there if the way ends with it.
struct Key<'a> {
    wanted: &'a str,
    is_last: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match (key == self.wanted, self.is_last) {
            (true, true) => Err(E::custom("arrived")),
            (is_wanted, _) => Ok(is_wanted),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "\
a: 1
# a remark
b:
  c: 2
  d:
    - 1
    - x: 2
  e: {x: 1,
      y: 2}
f: |
  text
g: 3
a: 4
";

    #[test]
    fn every_key_and_entry_is_found_on_its_line() {
        for (path, line) in [
            ("a", 1),
            ("b", 3),
            ("b.c", 4),
            ("b.d", 5),
            ("b.d[0]", 6),
            ("b.d[1]", 7),
            ("b.d[1].x", 7),
            ("b.e.x", 8),
            ("b.e.y", 9),
            ("f", 10),
            ("g", 12),
        ] {
            assert_eq!(line_of(TEXT, &path.parse().unwrap(), 0), Some(line), "{path}");
        }
        assert_eq!(line_of(TEXT, &"a".parse().unwrap(), 1), Some(13));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for path in ["c", "b.d[2]", "b.x"] {
            assert_eq!(line_of(TEXT, &path.parse().unwrap(), 0), None, "{path}");
        }
    }
}
