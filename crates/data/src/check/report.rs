//! What a check found, as data: counts, tables and the findings.

use super::{AnchorFit, ClassRow, PictureState};
use crate::{Finding, FindingKind, Object, ObjectBox, Outline, Severity};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Everything that [`check`](super::check) found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckReport {
    /// The splits in the order of the collection.
    pub splits: Vec<SplitReport>,
    /// How many findings there are of each kind, kinds without any left out.
    pub counts: BTreeMap<FindingKind, usize>,
    /// All findings: the worst first, then by kind and place.
    pub findings: Vec<Finding>,
}

/// The numbers of one split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitReport {
    /// Its name.
    pub name: String,
    /// Number of images.
    pub images: usize,
    /// Images without any object.
    pub images_without_objects: usize,
    /// Number of objects, crowds included.
    pub objects: usize,
    /// Regions with uncounted objects.
    pub crowds: usize,
    /// The declared classes.
    pub classes: Vec<ClassRow>,
    /// How large its objects are.
    pub sizes: SizeHistogram,
    /// How well the anchors fit its objects.
    pub anchors: AnchorFit,
    /// What became of the picture of each image.
    #[serde(skip)]
    pub pictures: Vec<PictureState>,
}

/// Objects by COCO's three areas, in pixels of the original image; crowds and objects without a
/// proper area left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SizeHistogram {
    /// Below 32 x 32.
    pub small: usize,
    /// From there, below 96 x 96.
    pub medium: usize,
    /// From there.
    pub large: usize,
}

impl CheckReport {
    pub(super) fn new(splits: Vec<SplitReport>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut counts = BTreeMap::new();
        for finding in &findings {
            *counts.entry(finding.kind).or_default() += 1;
        }
        Self { splits, counts, findings }
    }

    /// The severity of the worst finding; `None` where nothing was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.first().map(Finding::severity)
    }

    /// Number of findings of a kind.
    pub fn count(&self, kind: FindingKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// The findings of a kind, by place.
    pub fn of_kind(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }
}

fn order(finding: &Finding) -> impl Ord {
    (Reverse(finding.severity()), finding.kind, &finding.place, &finding.detail)
}

impl SizeHistogram {
    const SMALL_BELOW: f64 = 32.0 * 32.0;
    const MEDIUM_BELOW: f64 = 96.0 * 96.0;

    pub(super) fn of<'a>(objects: impl Iterator<Item = &'a Object>) -> Self {
        let mut sizes = Self::default();
        for object in objects.filter(|object| !object.crowd) {
            let area = area(object);
            match area {
                _ if !(area.is_finite() && area > 0.0) => {}
                _ if area < Self::SMALL_BELOW => sizes.small += 1,
                _ if area < Self::MEDIUM_BELOW => sizes.medium += 1,
                _ => sizes.large += 1,
            }
        }
        sizes
    }
}

/// As stated, else that of the mask, else that of the box.
fn area(object: &Object) -> f64 {
    let ObjectBox { width, height, .. } = object.bbox;
    match (object.area, &object.outline) {
        (Some(area), _) => area,
        (None, Some(Outline::Mask(mask))) => mask.area() as f64,
        (None, _) if width < 0.0 || height < 0.0 => 0.0,
        (None, _) => width * height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::check::samples::{kinds_of, object};

    #[test]
    fn findings_come_worst_first_and_then_by_kind_and_place() {
        let at = |kind, file| Finding::new(kind, Place::file(file), "");
        let report = CheckReport::new(
            Vec::new(),
            vec![
                at(FindingKind::Crowd, "a"),
                at(FindingKind::EmptyBox, "b"),
                at(FindingKind::OutOfFrame, "a"),
                at(FindingKind::EmptyBox, "a"),
                at(FindingKind::MissingImage, "z"),
            ],
        );
        let [missing, empty, out] =
            [FindingKind::MissingImage, FindingKind::EmptyBox, FindingKind::OutOfFrame];
        assert_eq!(kinds_of(&report.findings), [missing, empty, empty, out, FindingKind::Crowd]);
        assert_eq!(report.findings[1].place, Place::file("a"));
        assert_eq!((report.worst(), report.count(empty)), (Some(Severity::Error), 2));
        assert_eq!(report.of_kind(out).count(), 1);
    }

    #[test]
    fn nothing_found_is_no_severity() {
        let report = CheckReport::new(Vec::new(), Vec::new());
        assert_eq!((report.worst(), report.count(FindingKind::Crowd)), (None, 0));
    }

    #[test]
    fn sizes_are_those_of_coco() {
        let of_area = |area| Object { area: Some(area), ..object(ObjectBox::default()) };
        let square = |side| object(ObjectBox { x: 0.0, y: 0.0, width: side, height: side });
        let crowd = Object { crowd: true, ..of_area(5.0) };
        let objects = [
            of_area(1023.9),
            of_area(1024.0),
            of_area(9216.0),
            of_area(f64::NAN),
            square(31.0),
            square(100.0),
            square(-100.0),
            crowd,
        ];
        let sizes = SizeHistogram::of(objects.iter());
        assert_eq!(sizes, SizeHistogram { small: 2, medium: 1, large: 2 });
    }
}
