//! An image record with what is known of its picture: what the checks of its objects look at.

use super::{
    masks::{self, Shape},
    pictures::{self, PictureState},
};
use crate::{Finding, FindingKind, ImageRecord, Object};
use kestrel_core::ImageSize;

/// One image, its objects and their shapes.
pub(super) struct AnnotatedImage<'a> {
    pub(super) record: &'a ImageRecord,
    /// Size of the image the objects were annotated in; `None` where nobody knows it.
    pub(super) size: Option<ImageSize>,
    /// The shape of each object, drawn once for all checks.
    pub(super) shapes: Vec<Shape>,
}

impl<'a> AnnotatedImage<'a> {
    pub(super) fn new(record: &'a ImageRecord, picture: &PictureState) -> Self {
        Self::of_size(record, pictures::annotated_size(record, picture))
    }

    pub(super) fn of_size(record: &'a ImageRecord, size: Option<ImageSize>) -> Self {
        let shape = |object: &Object| masks::shape(object.outline.as_ref(), size);
        Self { record, size, shapes: record.objects.iter().map(shape).collect() }
    }

    /// The objects and their shapes.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&'a Object, &Shape)> {
        self.record.objects.iter().zip(&self.shapes)
    }

    /// A finding about one object; the place alone does not say which picture it is in.
    pub(super) fn finding(&self, kind: FindingKind, object: &Object, detail: String) -> Finding {
        let detail = format!("{detail}, in \"{}\"", self.record.name);
        Finding::new(kind, object.place.clone(), detail)
    }
}
