//! A data set in which nothing is left that would break training.
//!
//! What can be told from the rest is put right, and what cannot is left out; nothing is guessed. A
//! class that two splits use differently is not mended, since either may be right.

mod ids;
mod objects;

use super::annotated::AnnotatedImage;
use super::masks::OneBased;
use super::pictures::{PictureFacts, PictureState};
use crate::{CategoryId, Dataset, ImageRecord, Object, Place};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;

/// A mended data set, and what was done to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    /// The data set. Every image has the size of its picture.
    pub dataset: Dataset,
    /// Everything that is not as it was, in the order of the images; ids last.
    pub changes: Vec<Change>,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// To what; `None` for the list of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Why, or from what to what, in a sentence without a full stop.
    pub detail: String,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// An image whose picture cannot be read, or is turned nobody knows how, was left out.
    ImageDropped,
    /// The size was set to the picture's.
    SizeCorrected,
    /// Boxes and shapes were turned as EXIF turns the picture.
    ObjectsTurned,
    /// An object of an undeclared class, without a proper box, or annotated twice was left out.
    ObjectDropped,
    /// A shape that cannot be drawn or has no pixel was left out; the object keeps its box.
    OutlineDropped,
    /// Box and area were made those of the shape.
    BoxFromOutline,
    /// The box was cut at the edge of the picture, and its area with it where there is no shape.
    BoxClipped,
    /// An image, object or class got an id of its own.
    IdChanged,
    /// A class that was declared twice was left out once.
    ClassDropped,
}

impl ChangeKind {
    /// A short name, the same in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageDropped => "image dropped",
            Self::SizeCorrected => "size corrected",
            Self::ObjectsTurned => "objects turned",
            Self::ObjectDropped => "object dropped",
            Self::OutlineDropped => "outline dropped",
            Self::BoxFromOutline => "box from outline",
            Self::BoxClipped => "box clipped",
            Self::IdChanged => "id changed",
            Self::ClassDropped => "class dropped",
        }
    }
}

impl Serialize for ChangeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Mends a data set whose pictures a [`check`](super::check) has read
/// ([`SplitReport::pictures`](super::SplitReport)), so that another check finds no error in it.
///
/// * Images whose picture is missing, unreadable or truncated are left out, and stated sizes made
///   those of the pictures. An image without a stated size gets one.
/// * Where EXIF turns a picture and its objects are annotated as the file stores it, boxes and shapes
///   are turned into what a person sees.
/// * Objects of undeclared classes are left out, and all but the first of objects that are the same in
///   every way. Crowds that are the same stay.
/// * Shapes that cannot be drawn or have no pixel are left out.
/// * A box that is no box, misses its shape by more than 2 pixels, or counts from 1 in a split where
///   most do, becomes the one around the shape; where there is no shape to tell, an object without a
///   proper box is left out. Boxes that reach out of the picture are clipped.
/// * The second of two equal ids becomes one that is not used; objects of a doubled class id stay with
///   the first class.
///
/// # Panics
/// When there is not one picture for each image.
pub fn repair(dataset: &Dataset, pictures: &[PictureState]) -> Repaired {
    assert_eq!(dataset.images.len(), pictures.len(), "a picture for each image");
    let images = || dataset.images.iter().zip(pictures);
    let mut one_based = OneBased::default();
    images().for_each(|(record, picture)| {
        one_based += OneBased::of(&AnnotatedImage::new(record, picture));
    });
    let mut mender = Mender {
        declared: dataset.categories.iter().map(|category| category.id).collect(),
        boxes_count_from_one: one_based.is_systematic(),
        changes: Vec::new(),
    };
    let images = images().filter_map(|(record, picture)| mender.image(record, picture)).collect();
    let mut changes = mender.changes;
    let mut dataset = Dataset { categories: dataset.categories.clone(), images };
    ids::make_unique(&mut dataset, &mut changes);
    Repaired { dataset, changes }
}

/// What is known of the whole data set while its images are mended.
struct Mender {
    declared: BTreeSet<CategoryId>,
    boxes_count_from_one: bool,
    changes: Vec<Change>,
}

impl Mender {
    fn image(&mut self, record: &ImageRecord, picture: &PictureState) -> Option<ImageRecord> {
        let PictureState::Readable(facts) = picture else {
            self.change(ChangeKind::ImageDropped, at(record), "the picture cannot be read");
            return None;
        };
        let objects = match record.stated_size {
            Some(stated) if facts.is_size_before_turn(stated) => self.turned(record, facts)?,
            Some(stated) if stated != facts.seen_size => {
                let detail = format!("from {stated} to {}", facts.seen_size);
                self.change(ChangeKind::SizeCorrected, at(record), detail);
                record.objects.clone()
            }
            _ => record.objects.clone(),
        };
        let mended = objects.into_iter().filter_map(|object| self.object(object, facts.seen_size));
        let mended: Vec<Object> = mended.collect();
        let objects = self.without_repeats(mended);
        Some(ImageRecord { stated_size: Some(facts.seen_size), objects, ..record.clone() })
    }

    /// The objects as a person sees them; `None` where it is not known how the picture is turned.
    fn turned(&mut self, record: &ImageRecord, facts: &PictureFacts) -> Option<Vec<Object>> {
        let stored = facts.stored_size;
        let Some(turn) = facts.known_turn() else {
            let detail = "EXIF turns the picture, and how could not be learnt";
            self.change(ChangeKind::ImageDropped, at(record), detail);
            return None;
        };
        let detail = format!("from {stored} to {}", facts.seen_size);
        self.change(ChangeKind::ObjectsTurned, at(record), detail);
        let turned = record.objects.iter().map(|object| {
            let bbox = turn.bbox(object.bbox, stored);
            let outline = object.outline.as_ref().map(|outline| turn.outline(outline, stored));
            if outline == Some(None) {
                let detail = format!("the mask is not one of the {stored} picture");
                self.change(ChangeKind::OutlineDropped, object.place.clone(), detail);
            }
            Object { bbox, outline: outline.flatten(), ..object.clone() }
        });
        Some(turned.collect())
    }

    fn change(&mut self, kind: ChangeKind, place: Place, detail: impl Into<String>) {
        self.changes.push(Change { kind, place: Some(place), detail: detail.into() });
    }
}

fn at(record: &ImageRecord) -> Place {
    Place::file(&record.path)
}
