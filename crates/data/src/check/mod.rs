//! The data doctor: what is wrong with a data set, before an hour of training is spent on it, and
//! what of that can be put right.
//!
//! [`check`] reads every picture once and asks of every record what would break training
//! ([`Severity::Error`](crate::Severity)), what would make it worse, and what is worth knowing;
//! [`repair`] makes a data set in which nothing of the first kind is left. Both ask the same
//! questions, so that what one finds the other can mend:
//!
//! * [`mod@pictures`]: there, whole, of the stated size, turned by EXIF, grey;
//! * [`boxes`], [`masks`], [`parts`], [`anchors`]: the objects of one image;
//! * [`classes`], [`ids`]: the lists of a split;
//! * [`leakage`]: pictures that are in two splits.
//!
//! The result does not depend on the number of threads.

mod anchors;
mod annotated;
mod boxes;
mod classes;
mod ids;
mod leakage;
mod masks;
mod parts;
mod pictures;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod real_data_tests;
mod repair;
mod report;
#[cfg(test)]
mod samples;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod turn;

use crate::{CategoryId, Collection, DecodeLimits, Finding, Format, Object, Place, Split};
use annotated::AnnotatedImage;
use masks::OneBased;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;

pub use anchors::{AnchorFit, AnchorGrid};
pub use classes::ClassRow;
pub use pictures::{PictureFacts, PictureState};
pub use repair::{Change, ChangeKind, Repaired, repair};
pub use report::{CheckReport, SizeHistogram, SplitReport};

/// What to look at, and what to call too little.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckOptions {
    /// Whether to decode the pictures. If not, only their headers are read: damage within a picture
    /// and equal pictures are not found.
    pub decode_pictures: bool,
    /// How large a picture may be.
    pub limits: DecodeLimits,
    /// Fewer objects make a class rare in the first split, the one that is trained on; in the others
    /// only classes without any are named.
    pub min_objects_per_class: usize,
    /// The anchors objects are compared with.
    pub anchors: AnchorGrid,
}

impl Default for CheckOptions {
    /// Everything; 10 objects; torchvision's anchors.
    fn default() -> Self {
        Self {
            decode_pictures: true,
            limits: DecodeLimits::default(),
            min_objects_per_class: 10,
            anchors: AnchorGrid::default(),
        }
    }
}

/// Looks for everything in [`FindingKind`](crate::FindingKind); what the reader of the files found
/// is passed on. At most one picture a thread is in memory.
///
/// `progress` is told how many pictures are done, counted over all splits. It is called from several
/// threads, so that a smaller number may come after a larger one.
pub fn check(
    collection: &Collection,
    options: &CheckOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> CheckReport {
    let done = AtomicUsize::new(0);
    let read = |split: &Split| pictures::read_all(&split.dataset.images, options, &done, progress);
    judge(collection, collection.splits.iter().map(read).collect(), options)
}

/// [`check`] when the pictures have been read: a list for each split, an entry for each image.
fn judge(
    collection: &Collection,
    pictures: Vec<Vec<PictureState>>,
    options: &CheckOptions,
) -> CheckReport {
    let root = Place::file(&collection.root);
    // Whole pictures are shown to a classifier, which has no anchors.
    let anchors = (collection.format != Format::ClassFolders).then_some(&options.anchors);
    let mut findings = leakage::findings(collection, &pictures);
    findings.extend(classes::between_splits(collection));
    let mut splits = Vec::new();
    for (index, (split, pictures)) in collection.splits.iter().zip(pictures).enumerate() {
        let objects = judge_objects(split, &pictures, anchors);
        let classes = classes::table(&split.dataset);
        let min_objects = if index == 0 { options.min_objects_per_class } else { 1 };
        findings.extend(split.findings.iter().cloned());
        findings.extend(classes::rare(&classes, min_objects, &split.name, &root));
        findings.extend(ids::findings(&split.dataset, &root));
        findings.extend(objects.one_based.finding(&split.name, root.clone()));
        findings.extend(objects.findings);
        splits.push(split_report(split, classes, objects.anchors, pictures));
    }
    CheckReport::new(splits, findings)
}

/// What was found in the images of a split, one by one.
#[derive(Default)]
struct ObjectFindings {
    findings: Vec<Finding>,
    anchors: AnchorFit,
    one_based: OneBased,
}

fn judge_objects(
    split: &Split,
    pictures: &[PictureState],
    anchors: Option<&AnchorGrid>,
) -> ObjectFindings {
    let categories = split.dataset.categories.iter();
    let declared: BTreeSet<CategoryId> = categories.map(|category| category.id).collect();
    let images = split.dataset.images.par_iter().zip(pictures);
    let judged = images.map(|(record, picture)| {
        let image = AnnotatedImage::new(record, picture);
        let check_anchors = |grid| anchors::check(&image, grid);
        let (anchors, mut findings) = anchors.map(check_anchors).unwrap_or_default();
        findings.extend(pictures::findings(record, picture));
        findings.extend(boxes::findings(&image));
        findings.extend(masks::findings(&image));
        findings.extend(classes::unknown(&image, &declared));
        findings.extend(classes::crowds(&image));
        ObjectFindings { findings, anchors, one_based: OneBased::of(&image) }
    });
    let mut all = ObjectFindings::default();
    for image in judged.collect::<Vec<_>>() {
        all.findings.extend(image.findings);
        all.anchors = all.anchors.and(image.anchors);
        all.one_based += image.one_based;
    }
    all
}

fn split_report(
    split: &Split,
    classes: Vec<ClassRow>,
    anchors: AnchorFit,
    pictures: Vec<PictureState>,
) -> SplitReport {
    let images = &split.dataset.images;
    let objects = || images.iter().flat_map(|image| &image.objects);
    let is_crowd = |object: &&Object| object.crowd;
    SplitReport {
        name: split.name.clone(),
        images: images.len(),
        images_without_objects: images.iter().filter(|image| image.objects.is_empty()).count(),
        objects: objects().count(),
        crowds: objects().filter(is_crowd).count(),
        classes,
        sizes: SizeHistogram::of(objects()),
        anchors,
        pictures,
    }
}
