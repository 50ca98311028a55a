//! Damaged JSON for the tests of readers: cut, with bytes changed, with values of wrong types.

use super::FormatError;
use crate::dataset::Split;
use kestrel_core::ImageSize;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use serde_json::Value;

/// One of `texts`, damaged in one way.
pub fn any_damage(texts: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = || select(texts.to_vec());
    prop_oneof![
        1 => (text(), any::<Index>()).prop_map(|(text, end)| text.as_bytes()[..end.index(text.len())].to_vec()),
        1 => (text(), vec((any::<Index>(), any::<u8>()), 1..4)).prop_map(|(text, noise)| {
            let mut bytes = text.as_bytes().to_vec();
            for (at, byte) in noise {
                bytes[at.index(text.len())] = byte;
            }
            bytes
        }),
        4 => (text(), vec((any::<Index>(), any_text()), 1..4)).prop_map(|(text, changes)| {
            changes.into_iter().fold(text.to_owned(), |text, (at, new)| replaced(&text, at, &new)).into_bytes()
        }),
    ]
}

/// A piece of JSON, or nearly.
fn any_text() -> impl Strategy<Value = String> {
    let odd = select(vec![
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"text\"",
        "-1",
        "0",
        "-0.0",
        "1e300",
        "-1e308",
        "1e999",
        "NaN",
        "18446744073709551615",
        "1e-320",
        "[null]",
        "{\"a\": true, \"b\": true}",
        "[[1, 2], [3, 4], [5]]",
        "[1e308, -1e308, 1e308]",
        "{\"0\": 5}",
        "\"\\ud800\"",
    ]);
    let deep = (1usize..200_000).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    prop_oneof![20 => odd.prop_map(str::to_owned), 1 => deep, 2 => any::<f64>().prop_map(|it| it.to_string())]
}

/// `text` with the value after one of its colons or brackets replaced.
fn replaced(text: &str, at: Index, new: &str) -> String {
    let starts: Vec<usize> =
        text.match_indices([':', '[', ',']).map(|(start, _)| start + 1).collect();
    if starts.is_empty() {
        return new.into();
    }
    let (before, after) = text.split_at(starts[at.index(starts.len())]);
    let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
    let length = match values.next() {
        Some(Ok(_)) => values.byte_offset(),
        _ => 0,
    };
    format!("{before}{new}{}", &after[length..])
}

/// Whether an error names a file, and whatever was read can be used.
pub fn survives(read: Result<Vec<Split>, FormatError>) -> Result<(), TestCaseError> {
    match read {
        Err(error @ FormatError::Content { .. }) => {
            prop_assert!(error.to_string().contains(".json"), "{error}");
        }
        Err(error) => prop_assert!(matches!(error, FormatError::Unknown { .. }), "{error}"),
        Ok(splits) => {
            for split in &splits {
                for image in &split.dataset.images {
                    let target = split.dataset.target(image, ImageSize::new(20, 30), true);
                    prop_assert!(target.is_ok(), "{target:?}");
                }
                prop_assert!(split.findings.iter().all(|finding| !finding.detail.is_empty()));
            }
        }
    }
    Ok(())
}
