//! What keeps AP from being higher: TIDE (Bolya and others, ECCV 2020,
//! <https://arxiv.org/abs/2008.08115>).
//!
//! A detection that is no hit at IoU 0.5 gets one cause, an object not found is a miss, and each
//! kind is weighed by how much AP at IoU 0.5 would rise were just this kind mended. Kinds overlap:
//! the gains do not sum to what is missing.
//!
//! Counts are those of the authors' tool, `tidecv` 1.0.1, and gains agree to 0.0002, what its
//! recalls `x / 100` differ from COCO's, where no scores are equal. Differences: a class with
//! detections but without objects has no AP here and 0 there; at most 100 detections count for each
//! class of an image here, for the whole image there; what lies on a crowd is no error here; and a
//! loss is shown as it is, there as 0.

use crate::EvalError;
use crate::engine::Engine;
use crate::matches::Matches;
use serde::Serialize;
use std::fmt;

/// IoU from which a detection of the right class is a hit.
pub(crate) const HIT_IOU: f64 = 0.5;
/// IoU up to which a detection lies on background.
const BACKGROUND_IOU: f64 = 0.1;

/// The error split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tide {
    /// AP at IoU 0.5, mean over the classes with objects.
    pub ap: f64,
    /// One of each kind, in the order of [`TideKind`].
    pub errors: Vec<TideError>,
}

/// How many errors of a kind there are, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TideError {
    /// The kind.
    pub kind: TideKind,
    /// How much AP at IoU 0.5 would rise without them; may be slightly negative.
    pub delta_ap: f64,
    /// Their number.
    pub count: u64,
}

/// A kind of error. IoU is that with the best object of the right class, or of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TideKind {
    /// Right place, wrong class.
    #[serde(rename = "Cls")]
    Class,
    /// Right class, IoU between 0.1 and 0.5.
    #[serde(rename = "Loc")]
    Location,
    /// Wrong class, IoU between 0.1 and 0.5.
    Both,
    /// A second detection of an object.
    #[serde(rename = "Dupe")]
    Duplicate,
    /// Nothing is there.
    #[serde(rename = "Bkg")]
    Background,
    /// An object that no detection would find even with its class or place mended.
    Miss,
    /// Every detection that is no hit: what perfect precision would give.
    #[serde(rename = "FP")]
    FalsePositive,
    /// Every object not found: what perfect recall would give.
    #[serde(rename = "FN")]
    FalseNegative,
}

impl TideKind {
    /// The paper's order, then the two sums.
    pub const ALL: [Self; 8] = [
        Self::Class,
        Self::Location,
        Self::Both,
        Self::Duplicate,
        Self::Background,
        Self::Miss,
        Self::FalsePositive,
        Self::FalseNegative,
    ];

    /// The paper's short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "Cls",
            Self::Location => "Loc",
            Self::Both => "Both",
            Self::Duplicate => "Dupe",
            Self::Background => "Bkg",
            Self::Miss => "Miss",
            Self::FalsePositive => "FP",
            Self::FalseNegative => "FN",
        }
    }

    /// What it is, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Class => "wrong class",
            Self::Location => "poor location",
            Self::Both => "wrong class and poor location",
            Self::Duplicate => "second detection of an object",
            Self::Background => "nothing there",
            Self::Miss => "object not found",
            Self::FalsePositive => "all false positives",
            Self::FalseNegative => "all objects not found",
        }
    }
}

impl fmt::Display for TideKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Tide {
    /// None where there are no objects. `matches` are those at IoU 0.5.
    pub(crate) fn of(engine: &Engine, matches: &Matches) -> Result<Option<Self>, EvalError> {
        let pooled = matches.pooled();
        if pooled.num_objects == 0 {
            return Ok(None);
        }
        let hits = pooled.detections.iter().filter(|detection| detection.hit).count();
        let split = engine.hotcoco().tide_errors(HIT_IOU, BACKGROUND_IOU)?;
        let count = |kind: TideKind| match kind {
            TideKind::FalsePositive => (pooled.detections.len() - hits) as u64,
            TideKind::FalseNegative => (pooled.num_objects - hits) as u64,
            _ => split.counts.get(kind.name()).copied().unwrap_or(0),
        };
        let error = |kind: TideKind| TideError {
            kind,
            delta_ap: split.delta_ap.get(kind.name()).copied().unwrap_or(0.0),
            count: count(kind),
        };
        Ok(Some(Self { ap: split.ap_base, errors: TideKind::ALL.map(error).to_vec() }))
    }
}
