//! A record becomes a picture and what a detector should answer on it.

use super::{Dataset, ImageRecord, Object};
use crate::{DecodeError, DecodeLimits, decode};
use kestrel_core::{BBox, ImageSize, Mask, RgbImage, Target, TargetError};

/// A picture and its ground truth, both in pixels of the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Id of the image in its data set.
    pub image_id: u64,
    /// The picture.
    pub image: RgbImage,
    /// What a detector should answer.
    pub target: Target,
}

/// A record no sample can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The picture.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The objects contradict each other: a bug of ours.
    #[error("image {image_id}: {source}")]
    Target {
        /// Id of the image.
        image_id: u64,
        /// What is wrong.
        source: TargetError,
    },
}

impl Dataset {
    /// Reads image number `index` (its place in [`Dataset::images`]) and its ground truth.
    ///
    /// Left out are crowds, objects of undeclared classes, objects whose box has no area inside the
    /// picture, and, where `with_masks`, objects whose shape is missing, cannot be drawn or has no
    /// pixel; `kestrel data check` names each of them. An image without objects is a sample too.
    ///
    /// # Errors
    /// When the picture cannot be decoded.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn sample(
        &self,
        index: usize,
        with_masks: bool,
        limits: &DecodeLimits,
    ) -> Result<Sample, SampleError> {
        let record = &self.images[index];
        let image = decode(&record.path, limits)?;
        let target = self.target(record, image.size(), with_masks)?;
        Ok(Sample { image_id: record.id, image, target })
    }

    /// The ground truth of a record whose picture is of `size`; what is left out, and why, as for
    /// [`Dataset::sample`].
    ///
    /// # Errors
    /// When the objects contradict each other.
    pub fn target(
        &self,
        record: &ImageRecord,
        size: ImageSize,
        with_masks: bool,
    ) -> Result<Target, SampleError> {
        let labels = self.labels();
        let mut found_boxes = Vec::new();
        let mut found_labels = Vec::new();
        let mut found_masks = Vec::new();
        for object in record.objects.iter().filter(|object| !object.crowd) {
            let Some(&label) = labels.get(&object.category) else { continue };
            let Some(bbox) = box_inside(object, size) else { continue };
            if with_masks {
                let Some(mask) = drawn(object, size) else { continue };
                found_masks.push(mask);
            }
            found_boxes.push(bbox);
            found_labels.push(label);
        }
        let masks = with_masks.then_some(found_masks);
        Target::new(size, found_boxes, found_labels, masks)
            .map_err(|source| SampleError::Target { image_id: record.id, source })
    }
}

fn box_inside(object: &Object, size: ImageSize) -> Option<BBox> {
    let bbox = object.bbox;
    let corners = [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
    if !corners.iter().all(|value| value.is_finite()) {
        return None;
    }
    let inside = BBox::from(corners.map(|value| value as f32)).clip(size);
    (inside.width() > 0.0 && inside.height() > 0.0).then_some(inside)
}

fn drawn(object: &Object, size: ImageSize) -> Option<Mask> {
    let mask = object.outline.as_ref()?.to_mask(size).ok()?;
    (mask.area() > 0).then_some(mask)
}
