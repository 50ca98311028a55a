//! What may be wrong with a data set, and where.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong, or worth knowing.
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
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The annotation file, or the picture.
    pub file: PathBuf,
    /// The line in it, counted from 1, where the format has lines.
    pub line: Option<u64>,
    /// The id of the annotation, where the format has ids.
    pub annotation: Option<u64>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// An object of a class that is not declared.
    UnknownClass,
    /// An id that two images, objects or classes share.
    DuplicateId,
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
    /// A box that is not the one around its shape.
    BoxMaskMismatch,
    /// A picture that is in two splits, or twice in one.
    DuplicateImage,
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

impl FindingKind {
    /// All kinds, in the order a summary lists them.
    pub const ALL: [Self; 22] = [
        Self::MalformedAnnotation,
        Self::MissingImage,
        Self::UnreadableImage,
        Self::TruncatedImage,
        Self::SizeMismatch,
        Self::ExifRotation,
        Self::UnknownClass,
        Self::DuplicateId,
        Self::NonFiniteBox,
        Self::EmptyBox,
        Self::SubPixelBox,
        Self::OutOfFrame,
        Self::DuplicateBox,
        Self::InvalidMask,
        Self::EmptyMask,
        Self::BoxMaskMismatch,
        Self::DuplicateImage,
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
            | Self::DuplicateId
            | Self::NonFiniteBox
            | Self::EmptyBox
            | Self::InvalidMask
            | Self::EmptyMask => Severity::Error,
            Self::SubPixelBox
            | Self::OutOfFrame
            | Self::DuplicateBox
            | Self::BoxMaskMismatch
            | Self::DuplicateImage
            | Self::NoAnchor
            | Self::RareClass => Severity::Warning,
            Self::NoObjects | Self::GreyImage | Self::Crowd => Severity::Note,
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
            Self::UnknownClass => "unknown class",
            Self::DuplicateId => "duplicate id",
            Self::NonFiniteBox => "box not a number",
            Self::EmptyBox => "box of zero size",
            Self::SubPixelBox => "box below a pixel",
            Self::OutOfFrame => "box out of frame",
            Self::DuplicateBox => "duplicate box",
            Self::InvalidMask => "invalid mask",
            Self::EmptyMask => "empty mask",
            Self::BoxMaskMismatch => "box against mask",
            Self::DuplicateImage => "duplicate image",
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
