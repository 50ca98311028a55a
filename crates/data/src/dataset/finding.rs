//! What may be wrong with a data set, and where.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong, or worth knowing. As JSON: `kind`, `severity`, `place`, `detail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Where it is.
    pub place: Place,
    /// What was found and what was expected, in a sentence without a full stop.
    pub detail: String,
}

/// Where something stands in the files of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The annotation file, or the picture; the data set itself where no file is to blame.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// The line in it, counted from 1, where the format has lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The id of the annotation, where the format has ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<u64>,
}

/// How much a finding matters; as JSON `note`, `warning`, `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Training works, results may suffer.
    Warning,
    /// Would break training or make its result wrong.
    Error,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A file of annotations, or a record in one, that cannot be understood.
    MalformedAnnotation,
    /// An annotated picture that is not there.
    MissingImage,
    /// A picture that cannot be decoded.
    UnreadableImage,
    /// A picture that ends before it should.
    TruncatedImage,
    /// A picture whose size is not the one the annotations state.
    SizeMismatch,
    /// A picture turned by its EXIF orientation, annotated as the file stores it.
    ExifRotation,
    /// A picture turned or mirrored by its EXIF orientation where the stated size does not tell
    /// whether the objects were turned with it.
    ExifUnclear,
    /// An object of a class that is not declared.
    UnknownClass,
    /// A class id or name that two splits use differently.
    ClassMismatch,
    /// An id that two images, objects or classes share.
    DuplicateId,
    /// A name that two images or classes of a split share.
    DuplicateName,
    /// A box that holds something that is not a number.
    NonFiniteBox,
    /// A box without width or height.
    EmptyBox,
    /// A box narrower or lower than a pixel.
    SubPixelBox,
    /// A box that does not lie inside its picture.
    OutOfFrame,
    /// Two objects of one class with the same box.
    DuplicateBox,
    /// A shape that cannot be drawn.
    InvalidMask,
    /// A shape without pixels.
    EmptyMask,
    /// A shape of many separate parts, as one that marks several objects has.
    ManyParts,
    /// A box that is not the one around its shape.
    BoxMaskMismatch,
    /// Most boxes of a split count their left and top edges from 1.
    OneBasedBoxes,
    /// A picture that is in two splits, or twice in one.
    DuplicateImage,
    /// A file name that two splits use for different pictures.
    SharedName,
    /// An object that no anchor of the detector matches well.
    NoAnchor,
    /// A class with few objects, or none.
    RareClass,
    /// A picture without objects.
    NoObjects,
    /// A picture that is stored in grey.
    GreyImage,
    /// A region with uncounted objects.
    Crowd,
}

impl Finding {
    /// A finding; `detail` is a sentence without a full stop.
    pub fn new(kind: FindingKind, place: Place, detail: impl Into<String>) -> Self {
        Self { kind, place, detail: detail.into() }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

impl FindingKind {
    /// All kinds, in the order a summary lists them.
    pub const ALL: [Self; 28] = [
        Self::MalformedAnnotation,
        Self::MissingImage,
        Self::UnreadableImage,
        Self::TruncatedImage,
        Self::SizeMismatch,
        Self::ExifRotation,
        Self::ExifUnclear,
        Self::UnknownClass,
        Self::ClassMismatch,
        Self::DuplicateId,
        Self::DuplicateName,
        Self::NonFiniteBox,
        Self::EmptyBox,
        Self::SubPixelBox,
        Self::OutOfFrame,
        Self::DuplicateBox,
        Self::InvalidMask,
        Self::EmptyMask,
        Self::ManyParts,
        Self::BoxMaskMismatch,
        Self::OneBasedBoxes,
        Self::DuplicateImage,
        Self::SharedName,
        Self::NoAnchor,
        Self::RareClass,
        Self::NoObjects,
        Self::GreyImage,
        Self::Crowd,
    ];

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::MalformedAnnotation
            | Self::MissingImage
            | Self::UnreadableImage
            | Self::TruncatedImage
            | Self::SizeMismatch
            | Self::ExifRotation
            | Self::UnknownClass
            | Self::ClassMismatch
            | Self::DuplicateId
            | Self::NonFiniteBox
            | Self::EmptyBox
            | Self::InvalidMask
            | Self::EmptyMask => Severity::Error,
            Self::ExifUnclear
            | Self::DuplicateName
            | Self::SubPixelBox
            | Self::OutOfFrame
            | Self::DuplicateBox
            | Self::ManyParts
            | Self::BoxMaskMismatch
            | Self::OneBasedBoxes
            | Self::DuplicateImage
            | Self::NoAnchor
            | Self::RareClass => Severity::Warning,
            Self::SharedName | Self::NoObjects | Self::GreyImage | Self::Crowd => Severity::Note,
        }
    }

    /// A short name, the same in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedAnnotation => "malformed annotation",
            Self::MissingImage => "missing image",
            Self::UnreadableImage => "unreadable image",
            Self::TruncatedImage => "truncated image",
            Self::SizeMismatch => "size mismatch",
            Self::ExifRotation => "EXIF rotation",
            Self::ExifUnclear => "EXIF orientation unclear",
            Self::UnknownClass => "unknown class",
            Self::ClassMismatch => "class mismatch",
            Self::DuplicateId => "duplicate id",
            Self::DuplicateName => "duplicate name",
            Self::NonFiniteBox => "box not a number",
            Self::EmptyBox => "box of zero size",
            Self::SubPixelBox => "box below a pixel",
            Self::OutOfFrame => "box out of frame",
            Self::DuplicateBox => "duplicate box",
            Self::InvalidMask => "invalid mask",
            Self::EmptyMask => "empty mask",
            Self::ManyParts => "many parts",
            Self::BoxMaskMismatch => "box against mask",
            Self::OneBasedBoxes => "boxes counted from 1",
            Self::DuplicateImage => "duplicate image",
            Self::SharedName => "shared name",
            Self::NoAnchor => "no anchor",
            Self::RareClass => "rare class",
            Self::NoObjects => "no objects",
            Self::GreyImage => "grey image",
            Self::Crowd => "crowd",
        }
    }
}

impl Place {
    /// A whole file.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), line: None, annotation: None }
    }

    /// A line of a file, counted from 1.
    pub fn line(file: impl Into<PathBuf>, line: u64) -> Self {
        Self { file: file.into(), line: Some(line), annotation: None }
    }

    /// An annotation of a file, by its id.
    pub fn annotation(file: impl Into<PathBuf>, annotation: u64) -> Self {
        Self { file: file.into(), line: None, annotation: Some(annotation) }
    }
}

impl Severity {
    /// A short name, the same in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Finding", 4)?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("severity", &self.severity())?;
        fields.serialize_field("place", &self.place)?;
        fields.serialize_field("detail", &self.detail)?;
        fields.end()
    }
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A path that is not UTF-8 must not keep a report from being written.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl fmt::Display for Place {
    /// `labels/a.txt:3`, `instances.json, annotation 17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match self.annotation {
            Some(annotation) => write!(f, ", annotation {annotation}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.kind.name(), self.detail)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_kinds_are_listed_once_in_order_with_names_of_their_own() {
        assert!(FindingKind::ALL.is_sorted_by(|a, b| a < b));
        assert_eq!(FindingKind::Crowd as usize + 1, FindingKind::ALL.len(), "none left out");
        let names: BTreeSet<_> = FindingKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), FindingKind::ALL.len());
    }

    #[test]
    fn a_finding_as_json_has_its_severity_and_only_what_is_known_of_its_place() {
        let place = Place::annotation("instances.json", 17);
        let finding = Finding::new(FindingKind::EmptyBox, place, "0 x 5 pixels");
        let expected = r#"{"kind":"box of zero size","severity":"error","place":{"file":"instances.json","annotation":17},"detail":"0 x 5 pixels"}"#;
        assert_eq!(serde_json::to_string(&finding).unwrap(), expected);
    }
}
