//! The boxes and the class in a text of Penn-Fudan's `Annotation/` (PASCAL annotation, version 1.00).
//!
//! Of each object two lines are read:
//!
//! ```text
//! Original label for object 1 "PASpersonWalking" : "PennFudanPed"
//! Bounding box for object 1 "PASpersonWalking" (Xmin, Ymin) - (Xmax, Ymax) : (160, 182) - (302, 431)
//! ```
//!
//! Pixels are counted from 1 and the last one is inside: this box is `159 181 302 431` by its edges.

use crate::dataset::{Finding, FindingKind, ObjectBox, Place};
use std::collections::BTreeMap;
use std::path::Path;

const LABEL_LINE: &str = "Original label for object ";
const BOX_LINE: &str = "Bounding box for object ";

/// What a text says.
#[derive(Debug, Default)]
pub struct StatedBoxes {
    /// By number of the object, which is its value in the mask.
    pub boxes: BTreeMap<u32, StatedBox>,
    /// What the first object is called.
    pub label: Option<String>,
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatedBox {
    pub bbox: ObjectBox,
    /// Line of the text, counted from 1.
    pub line: u64,
}

impl StatedBoxes {
    /// Reads a text; a line that cannot be understood is a finding, and so is a file that cannot be
    /// read.
    pub fn read(path: &Path) -> Self {
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(error) => {
                let mut stated = Self::default();
                let kind = FindingKind::MalformedAnnotation;
                let detail = format!("cannot read the file: {error}");
                stated.findings.push(Finding { kind, place: Place::file(path), detail });
                stated
            }
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Self {
        let mut stated = Self::default();
        for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            if let Err((kind, detail)) = stated.take(bytes, line) {
                stated.findings.push(Finding { kind, place: Place::line(path, line), detail });
            }
        }
        stated
    }

    fn take(&mut self, bytes: &[u8], line: u64) -> Result<(), (FindingKind, String)> {
        let malformed = |detail: &str| (FindingKind::MalformedAnnotation, detail.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("found no UTF-8 text"))?;
        if let Some(rest) = text.strip_prefix(LABEL_LINE) {
            let label = quoted_last(rest).ok_or_else(|| malformed("found no label in quotes"))?;
            self.label.get_or_insert_with(|| label.into());
        }
        if let Some(rest) = text.strip_prefix(BOX_LINE) {
            let (number, bbox) = numbered_box(rest).ok_or_else(|| {
                malformed("found no box, expected \"(Xmin, Ymin) - (Xmax, Ymax)\" in numbers")
            })?;
            if self.boxes.contains_key(&number) {
                let detail = format!("found a second box for object {number}; the first counts");
                return Err((FindingKind::DuplicateId, detail));
            }
            self.boxes.insert(number, StatedBox { bbox, line });
        }
        Ok(())
    }
}

/// The last text between quotes.
fn quoted_last(text: &str) -> Option<&str> {
    let label = text.trim_end().strip_suffix('"')?;
    let label = label.rsplit_once('"')?.1.trim();
    (!label.is_empty()).then_some(label)
}

fn numbered_box(text: &str) -> Option<(u32, ObjectBox)> {
    let number = text.split_whitespace().next()?.parse().ok()?;
    let corners = text.rsplit_once(':')?.1;
    let numbers = corners.split(|separator: char| "(), ".contains(separator) || separator == '\r');
    let numbers = numbers.filter(|part| !part.is_empty() && *part != "-");
    let numbers = numbers.map(|part| part.parse().ok()).collect::<Option<Vec<f64>>>()?;
    let [x_first, y_first, x_last, y_last] = numbers.try_into().ok()?;
    Some((number, ObjectBox::from_corners(x_first - 1.0, y_first - 1.0, x_last, y_last)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# Compatible with PASCAL Annotation Version 1.00\r\n\
        Original label for object 1 \"PASpersonWalking\" : \"PennFudanPed\"\r\n\
        Bounding box for object 1 \"x\" (Xmin, Ymin) - (Xmax, Ymax) : (160, 182) - (302, 431)\r\n\
        Bounding box for object 2 \"x\" (Xmin, Ymin) - (Xmax, Ymax) : (-3, 1.5) - (2,4)\n";

    fn parse(text: &str) -> StatedBoxes {
        StatedBoxes::parse(Path::new("a.txt"), text.as_bytes())
    }

    #[test]
    fn boxes_are_counted_from_one_and_include_their_last_pixel() {
        let stated = parse(TEXT);
        assert_eq!(stated.findings, []);
        assert_eq!(stated.label.as_deref(), Some("PennFudanPed"));
        let bbox = ObjectBox { x: 159.0, y: 181.0, width: 143.0, height: 250.0 };
        assert_eq!(stated.boxes[&1], StatedBox { bbox, line: 3 });
        let bbox = ObjectBox { x: -4.0, y: 0.5, width: 6.0, height: 3.5 };
        assert_eq!(stated.boxes[&2], StatedBox { bbox, line: 4 });
    }

    #[test]
    fn lines_that_cannot_be_understood_are_named() {
        let stated = parse(
            "Bounding box for object 1 : (1, 2) - (3)\n\
             Bounding box for object x : (1, 2) - (3, 4)\n\
             Original label for object 1 : nothing\n\
             Bounding box for object 1 : (1, 2) - (3, 4)\n\
             Bounding box for object 1 : (5, 6) - (7, 8)\n",
        );
        let found: Vec<_> =
            stated.findings.iter().map(|it| (it.kind, it.place.line.unwrap())).collect();
        let malformed = FindingKind::MalformedAnnotation;
        let expected =
            [(malformed, 1), (malformed, 2), (malformed, 3), (FindingKind::DuplicateId, 5)];
        assert_eq!(found, expected);
        assert_eq!(stated.boxes[&1].bbox.bottom(), 4.0);
    }

    #[test]
    fn a_file_that_is_not_there_is_a_finding() {
        let stated = StatedBoxes::read(Path::new("gone.txt"));
        assert_eq!(stated.findings[0].place, Place::file("gone.txt"));
    }

    proptest! {
        #[test]
        fn damage_gives_findings_at_most(
            cut in 0..TEXT.len(),
            noise in proptest::collection::vec((0..TEXT.len(), any::<u8>()), 0..6),
        ) {
            let mut bytes = TEXT.as_bytes().to_vec();
            for (at, byte) in noise {
                bytes[at] = byte;
            }
            let stated = StatedBoxes::parse(Path::new("a.txt"), &bytes[..cut]);
            let lines = bytes.split(|&byte| byte == b'\n').count();
            prop_assert!(stated.boxes.len() + stated.findings.len() <= lines);
        }
    }
}
