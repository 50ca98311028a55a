//! The defects that are known in the shared sets, and no others of their kind.

use super::*;
use crate::{FindingKind, ObjectBox, read_collection};
use kestrel_core::ImageSize;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name)
}

/// `None`, and a line that says so, where the set is not on this machine.
fn checked(name: &str) -> Option<CheckReport> {
    let folder = folder(name);
    if !folder.exists() {
        eprintln!("skipped: no {} here", folder.display());
        return None;
    }
    let collection = read_collection(&folder).unwrap();
    Some(check(&collection, &CheckOptions::default(), &|_| {}))
}

/// The names of the files in which something was found.
fn files(report: &CheckReport, kind: FindingKind) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    report.of_kind(kind).map(|finding| name(&finding.place.file)).collect()
}

/// Everything that was found, by kind, but for what the rest of a test looks at.
fn others(report: &CheckReport, expected: &[FindingKind]) -> Vec<String> {
    let is_other = |finding: &&Finding| !expected.contains(&finding.kind);
    report.findings.iter().filter(is_other).map(ToString::to_string).collect()
}

/// The numbers are those of pycocotools and torchvision's anchors: 248 objects without an anchor.
#[test]
fn coco_mini() {
    let Some(report) = checked("coco-mini") else { return };
    let grey = files(&report, FindingKind::GreyImage);
    assert_eq!(grey, ["000000000086.jpg", "000000559665.jpg"]);
    let without_objects = files(&report, FindingKind::NoObjects);
    assert_eq!(without_objects, ["000000000250.jpg", "000000000508.jpg"]);
    assert_eq!(report.count(FindingKind::Crowd), 18);
    let split = &report.splits[0];
    assert_eq!((split.images, split.objects, split.classes.len()), (216, 1872, 80));
    assert_eq!(split.sizes, SizeHistogram { small: 821, medium: 648, large: 385 });
    assert_eq!((split.anchors.objects, split.anchors.unmatched), (1854, 248));
    let expected = [
        FindingKind::GreyImage,
        FindingKind::NoObjects,
        FindingKind::Crowd,
        FindingKind::NoAnchor,
        FindingKind::RareClass,
    ];
    assert_eq!(others(&report, &expected), [""; 0]);
}

/// A black tile comes often in one split; none is in both.
#[test]
fn nuclei256() {
    let Some(report) = checked("nuclei256") else { return };
    let counts = |split: &SplitReport| (split.images, split.objects, split.images_without_objects);
    let splits: Vec<_> = report.splits.iter().map(counts).collect();
    assert_eq!(splits, [(1245, 24_912, 30), (199, 4_123, 5)]);
    assert_eq!(report.count(FindingKind::DuplicateImage), 8);
    let expected = [
        FindingKind::GreyImage,
        FindingKind::NoObjects,
        FindingKind::NoAnchor,
        FindingKind::DuplicateImage,
    ];
    assert_eq!(others(&report, &expected), [""; 0]);
}

/// 545 boxes touch the far edge, which is fine.
#[test]
fn bccd() {
    let Some(report) = checked("bccd") else { return };
    let empty = files(&report, FindingKind::EmptyBox);
    assert_eq!(empty, ["BloodImage_00338.xml", "BloodImage_00343.xml"]);
    let objects: usize = report.splits.iter().map(|split| split.objects).sum();
    assert_eq!(objects, 4888);
    assert_eq!(others(&report, &[FindingKind::EmptyBox, FindingKind::NoAnchor]), [""; 0]);
}

/// Two boxes reach past their pedestrian.
#[test]
fn penn_fudan() {
    let Some(report) = checked("penn-fudan") else { return };
    let missed: Vec<_> = report
        .of_kind(FindingKind::BoxMaskMismatch)
        .map(|finding| finding.place.file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(missed, ["PennPed00019", "PennPed00027"]);
    let split = &report.splits[0];
    assert_eq!((split.images, split.objects), (170, 423));
    let expected = [FindingKind::BoxMaskMismatch, FindingKind::NoAnchor];
    assert_eq!(others(&report, &expected), [""; 0]);
}

/// Photographs of a camera, which turns them by EXIF, as if annotated by a tool that does not.
#[test]
fn exif_photographs() {
    let folder = folder("odd-images");
    let photos = [("Portrait_6", 1200), ("Landscape_6", 1800)];
    for (name, seen_width) in photos {
        let path = folder.join(format!("recurser_{name}.jpg"));
        if !path.exists() {
            eprintln!("skipped: no {} here", path.display());
            continue;
        }
        let seen = ImageSize::new(3000 - seen_width, seen_width);
        let stored = ImageSize::new(seen_width, 3000 - seen_width);
        let bbox = ObjectBox { x: 100.0, y: 200.0, width: 300.0, height: 400.0 };
        for (stated, expected) in [(seen, vec![]), (stored, vec![FindingKind::ExifRotation])] {
            let mut data = samples::dataset(stated, &["face"], vec![vec![samples::object(bbox)]]);
            data.images[0].path = path.clone();
            let options = CheckOptions { min_objects_per_class: 0, ..CheckOptions::default() };
            let report = check(&samples::collection(vec![data]), &options, &|_| {});
            assert_eq!(samples::kinds_of(&report.findings), expected, "{name}");
        }
    }
}
