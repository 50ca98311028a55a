//! COCO's results list: one array of objects, read one by one.

use crate::EvalError;
use hotcoco::types::id_from_f64;
use hotcoco::{Annotation, Segmentation};
use serde::de::{Error, SeqAccess, Visitor};
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
}

/// A whole number, also when written `1.0`, as numpy and pandas do.
struct Id(u64);

struct Rows(Vec<Annotation>);

pub(super) fn read(reader: impl Read, path: &Path) -> Result<Vec<Annotation>, EvalError> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let rows = Rows::deserialize(&mut deserializer);
    let rows = rows.and_then(|rows| deserializer.end().map(|()| rows));
    rows.map(|Rows(rows)| rows).map_err(|error| EvalError::results(path, error.to_string()))
}

impl From<Row> for Annotation {
    fn from(row: Row) -> Self {
        Self {
            image_id: row.image_id.0,
            category_id: row.category_id.0,
            bbox: row.bbox,
            score: Some(row.score),
            segmentation: row.segmentation,
            ..Self::default()
        }
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of results")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
                let mut rows = Vec::new();
                loop {
                    let index = rows.len();
                    let at_index = |error| A::Error::custom(format!("result {index}: {error}"));
                    match list.next_element::<Row>().map_err(at_index)? {
                        Some(row) => rows.push(row.into()),
                        None => return Ok(Rows(rows)),
                    }
                }
            }
        }

        deserializer.deserialize_seq(List)
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
