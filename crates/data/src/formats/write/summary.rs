//! What was written, and what the format had no place for.

use std::collections::BTreeMap;
use std::fmt;

/// What came of writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// Images written, with objects or without.
    pub images: usize,
    /// Objects written.
    pub objects: usize,
    /// What was lost, by kind.
    pub lost: Vec<Loss>,
}

/// Things of one kind that were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What.
    pub kind: LossKind,
    /// How many.
    pub count: usize,
}

/// What a format may have no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossKind {
    /// Crowds, left out: as single objects they would teach and count wrongly.
    Crowds,
    /// Objects of classes that are not declared, left out.
    UndeclaredClasses,
    /// Objects whose box holds no number, left out.
    NonFiniteBoxes,
    /// Objects in pictures whose size nobody knows, left out of a format with relative coordinates.
    UnknownSizes,
    /// Shapes of which the box remains.
    Shapes,
    /// Shapes of several polygons that are now one, its parts joined by lines without width.
    JoinedPolygons,
    /// Boxes cut off at the edge of their picture.
    ClippedBoxes,
    /// VOC's marks for difficult objects, which are now like others.
    DifficultMarks,
    /// Classes whose number is another now; their names are the same.
    ClassNumbers,
    /// COCO's groups of classes.
    Supercategories,
    /// Pictures that have another name now.
    PictureNames,
    /// Pictures that are not there to copy or link.
    MissingPictures,
}

impl LossKind {
    /// One of them, several of them, and what became of them, as in `3 crowds left out`.
    fn phrase(self) -> [&'static str; 3] {
        match self {
            Self::Crowds => ["crowd", "crowds", "left out"],
            Self::UndeclaredClasses => ["object", "objects", "of undeclared classes left out"],
            Self::NonFiniteBoxes => ["object", "objects", "without a box of numbers left out"],
            Self::UnknownSizes => ["object", "objects", "in pictures of unknown size left out"],
            Self::Shapes => ["shape", "shapes", "reduced to a box"],
            Self::JoinedPolygons => ["shape", "shapes", "of several polygons joined into one"],
            Self::ClippedBoxes => ["box", "boxes", "cut off at the edge of the picture"],
            Self::DifficultMarks => ["mark", "marks", "for difficult objects left out"],
            Self::ClassNumbers => ["class", "classes", "numbered anew"],
            Self::Supercategories => ["group", "groups", "of classes left out"],
            Self::PictureNames => ["picture", "pictures", "renamed"],
            Self::MissingPictures => ["picture", "pictures", "not there to copy or link"],
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, several, fate] = self.kind.phrase();
        write!(f, "{} {} {fate}", self.count, if self.count == 1 { one } else { several })
    }
}

impl WriteSummary {
    pub(super) fn lose(&mut self, kind: LossKind, count: usize) {
        let mut by_kind: BTreeMap<LossKind, usize> =
            self.lost.iter().map(|loss| (loss.kind, loss.count)).collect();
        *by_kind.entry(kind).or_default() += count;
        let lost = by_kind.into_iter().filter(|&(_, count)| count > 0);
        self.lost = lost.map(|(kind, count)| Loss { kind, count }).collect();
    }

    /// How many of a kind were lost.
    pub fn num_lost(&self, kind: LossKind) -> usize {
        self.lost.iter().find(|loss| loss.kind == kind).map_or(0, |loss| loss.count)
    }
}
