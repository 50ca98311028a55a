//! The outermost object of a COCO file: its lists are found, their records not yet understood.

use crate::formats::FormatError;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The lists of a COCO file; each record is still text, so that a bad one spoils no other.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub struct Document<'t> {
    #[serde(borrow, default)]
    pub images: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    pub annotations: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    pub categories: Vec<&'t RawValue>,
}

/// What the beginning of a json file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// An object with images or annotations.
    Coco,
    /// Sound json of another kind.
    Other,
    /// Not to be read, or no json.
    Broken,
}

impl<'t> Document<'t> {
    /// # Errors
    /// When the text is no json, with the line, or its lists are none.
    pub fn parse(text: &'t str, file: &Path) -> Result<Self, FormatError> {
        serde_json::from_str(text).map_err(|error| FormatError::Content {
            path: file.into(),
            line: Some(error.line() as u64),
            found: without_place(&error),
            expected: "COCO json, an object with the lists `images`, `annotations` and \
                       `categories`"
                .into(),
        })
    }
}

/// The parser's words without the place in its text, which is not the place in the file.
pub fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Reads as little of a json file as tells its kind.
pub fn look(file: &Path) -> Content {
    let Ok(file) = File::open(file) else { return Content::Broken };
    let mut reader = BufReader::new(file);
    if reader.fill_buf().is_ok_and(|start| start.starts_with(b"\xef\xbb\xbf")) {
        reader.consume(3);
    }
    let mut keys = Keys { is_coco: false };
    let sound = keys.look_at(reader).is_ok();
    match (keys.is_coco, sound) {
        (true, _) => Content::Coco,
        (false, true) => Content::Other,
        (false, false) => Content::Broken,
    }
}

/// Looks at the keys of an object until one tells the format.
struct Keys {
    is_coco: bool,
}

impl Keys {
    fn look_at(&mut self, reader: impl Read) -> serde_json::Result<()> {
        serde_json::Deserializer::from_reader(reader).deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("json")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "images" || key == "annotations" {
                self.is_coco = true;
                return Err(A::Error::custom("seen enough"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
