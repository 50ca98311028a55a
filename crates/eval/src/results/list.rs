//! COCO's results list: one array of objects, read one by one.

use super::known::Known;
use crate::{EvalError, Truth};
use hotcoco::types::id_from_f64;
use hotcoco::{Annotation, Segmentation};
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// One detection. `bbox` or `segmentation` may be missing, not both; other fields are passed over.
#[derive(Deserialize)]
struct Row {
    image_id: Id,
    category_id: Id,
    bbox: Option<[f64; 4]>,
    score: f64,
    segmentation: Option<Segmentation>,
    /// What `kestrel detect` adds, which had no data set to take numbers from: where they are there,
    /// names decide.
    file_name: Option<String>,
    category_name: Option<String>,
}

/// A whole number, also when written `1.0`, as numpy and pandas do.
struct Id(u64);

pub(super) fn read(
    reader: impl Read,
    path: &Path,
    truth: &Truth,
) -> Result<Vec<Annotation>, EvalError> {
    let mut known = Known::new(truth);
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let rows = Rows(&mut known).deserialize(&mut deserializer);
    let rows = rows.and_then(|rows| deserializer.end().map(|()| rows));
    let rows = rows.map_err(|error| EvalError::results(path, error.to_string()))?;
    known.finish()?;
    Ok(rows)
}

impl Row {
    /// In the numbers of the ground truth; none where it does not know a name.
    fn resolved(self, known: &mut Known) -> Result<Option<Annotation>, String> {
        let image_id = match &self.file_name {
            Some(name) => known.image(name)?,
            None => Some(self.image_id.0),
        };
        let category_id = match &self.category_name {
            Some(name) => known.category(name)?,
            None => Some(self.category_id.0),
        };
        Ok(image_id.zip(category_id).map(|(image_id, category_id)| Annotation {
            image_id,
            category_id,
            bbox: self.bbox,
            score: Some(self.score),
            segmentation: self.segmentation,
            ..Annotation::default()
        }))
    }
}

/// Reads the list; nothing but the numbers of a row stays in memory.
struct Rows<'a>(&'a mut Known);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = Vec<Annotation>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = Vec<Annotation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        for index in 0usize.. {
            let at_index =
                |error: &dyn fmt::Display| A::Error::custom(format!("result {index}: {error}"));
            let Some(row) = list.next_element::<Row>().map_err(|error| at_index(&error))? else {
                break;
            };
            rows.extend(row.resolved(self.0).map_err(|error| at_index(&error))?);
        }
        Ok(rows)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number that is not negative")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Id, E> {
                let id = id_from_f64(value).map(Id);
                id.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(value), &self))
            }
        }

        deserializer.deserialize_any(Number)
    }
}
