//! Data sets written as COCO, Pascal VOC and YOLO, each file whole or not at all, in a layout that
//! [`crate::read_collection`] and the tools of that format read.
//!
//! No format holds all that another does: what is lost is counted in the summary.

mod classes;
mod coco;
mod error;
mod pictures;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod real_data_tests;
mod summary;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod voc;
mod yolo;

use crate::{Collection, DecodeLimits, ImageRecord, ObjectBox, probe};
use kestrel_core::{ImageSize, write_whole};
use pictures::{Naming, Pictures};
use std::fs;
use std::path::Path;

pub use coco::write_coco;
pub use error::WriteError;
pub use summary::{Loss, LossKind, WriteSummary};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFormat {
    /// `annotations/instances_train.json` and the pictures in `train/`.
    Coco,
    /// `Annotations/`, `JPEGImages/`, `ImageSets/Main/train.txt` and the classes in `labels.txt`.
    Voc,
    /// `images/train/`, `labels/train/` and `data.yaml`.
    Yolo,
}

/// What becomes of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFiles {
    /// They are copied.
    Copy,
    /// Links lead to them: symbolic ones where the system has them for all users, else hard ones.
    Link,
    /// They stay where they are, and what is written names the way to them. Not for YOLO, whose
    /// labels are looked for beside the pictures.
    Leave,
}

/// Writes all splits into `folder`, which is made where it is missing.
///
/// # Errors
/// When the folder has files in it already, a file cannot be written, or YOLO's pictures are to
/// stay.
pub fn write_collection(
    collection: &Collection,
    format: WriteFormat,
    folder: &Path,
    images: ImageFiles,
) -> Result<WriteSummary, WriteError> {
    if (format, images) == (WriteFormat::Yolo, ImageFiles::Leave) {
        return Err(WriteError::LabelsApart { path: folder.into() });
    }
    make_empty(folder)?;
    let mut summary = WriteSummary::default();
    let naming = match format {
        WriteFormat::Coco => Naming::Nested,
        WriteFormat::Voc | WriteFormat::Yolo => Naming::Flat,
    };
    let mut pictures = Pictures::new(images, naming);
    match format {
        WriteFormat::Coco => coco::write(collection, folder, &mut pictures, &mut summary)?,
        WriteFormat::Voc => voc::write(collection, folder, &mut pictures, &mut summary)?,
        WriteFormat::Yolo => yolo::write(collection, folder, &mut pictures, &mut summary)?,
    }
    Ok(summary)
}

fn make_empty(folder: &Path) -> Result<(), WriteError> {
    make(folder)?;
    let mut entries = fs::read_dir(folder).map_err(|source| WriteError::io(folder, source))?;
    match entries.next() {
        Some(_) => Err(WriteError::NotEmpty { path: folder.into() }),
        None => Ok(()),
    }
}

fn make(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(|source| WriteError::io(folder, source))
}

fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    write_whole(path, text.as_bytes()).map_err(|source| WriteError::io(path, source))
}

/// One a line.
fn lines(names: &[String]) -> String {
    names.iter().map(|name| format!("{name}\n")).collect()
}

/// The size the annotations state, or else that of the picture.
fn size_of(record: &ImageRecord) -> Option<ImageSize> {
    record.stated_size.or_else(|| probe(&record.path, &DecodeLimits::default()).ok())
}

/// As far as rounding to whole pixels moves a side.
const ROUNDING_PX: f64 = 0.5;

/// The part of a box that lies in its picture, and whether that is noticeably less. Tools of VOC and
/// YOLO take coordinates outside for mistakes, and VOC's 0 would say that pixels count from there.
fn clipped(bbox: ObjectBox, size: Option<ImageSize>) -> (ObjectBox, bool) {
    let (right, bottom) =
        size.map_or((f64::MAX, f64::MAX), |size| (size.width as f64, size.height as f64));
    let corners = [
        bbox.x.clamp(0.0, right),
        bbox.y.clamp(0.0, bottom),
        bbox.right().clamp(0.0, right),
        bbox.bottom().clamp(0.0, bottom),
    ];
    let before = [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
    let moved = |(before, after): (&f64, &f64)| (before - after).abs() > ROUNDING_PX;
    let is_cut = before.iter().zip(&corners).any(moved);
    if corners == before {
        return (bbox, false);
    }
    let [x1, y1, x2, y2] = corners;
    (ObjectBox::from_corners(x1, y1, x2, y2), is_cut)
}
