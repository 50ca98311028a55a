//! What a detector should answer.

use crate::{BBox, ImageSize, Label, Mask};

/// The ground truth of one image. The three lists have one entry an object, and there may be none:
/// an image without objects is a target like any other.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    boxes: Vec<BBox>,
    labels: Vec<Label>,
    masks: Option<Vec<Mask>>,
}

/// Ground truth a detector cannot be trained on.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// The lists disagree about the number of objects.
    #[error("{boxes} boxes, {labels} labels and {masks:?} masks: expected one of each an object")]
    Lengths {
        /// Number of boxes.
        boxes: usize,
        /// Number of labels.
        labels: usize,
        /// Number of masks, if there are any.
        masks: Option<usize>,
    },
    /// A box without area, or with a coordinate that is not a number.
    #[error("object {object}: the box {bbox:?} has no area; every side must be longer than 0")]
    Degenerate {
        /// Place in the list.
        object: usize,
        /// The box.
        bbox: BBox,
    },
    /// An object labelled as background.
    #[error("object {object}: label 0 is the background; classes start at 1")]
    Background {
        /// Place in the list.
        object: usize,
    },
    /// A mask of another image's size.
    #[error("object {object}: the mask is {found}, the image is {expected}")]
    MaskSize {
        /// Place in the list.
        object: usize,
        /// Size of the mask.
        found: ImageSize,
        /// Size of the image.
        expected: ImageSize,
    },
}

impl Target {
    /// Ground truth in pixels of an image of size `image_size`.
    ///
    /// # Errors
    /// When the lists differ in length, a box has no area, a label is the background's, or a mask
    /// has another size than the image.
    pub fn new(
        image_size: ImageSize,
        boxes: Vec<BBox>,
        labels: Vec<Label>,
        masks: Option<Vec<Mask>>,
    ) -> Result<Self, TargetError> {
        let num_masks = masks.as_ref().map(Vec::len);
        if boxes.len() != labels.len() || num_masks.is_some_and(|count| count != boxes.len()) {
            let (boxes, labels) = (boxes.len(), labels.len());
            return Err(TargetError::Lengths { boxes, labels, masks: num_masks });
        }
        for (object, (&bbox, &label)) in boxes.iter().zip(&labels).enumerate() {
            // Written so that NaN is refused too.
            if !(bbox.width() > 0.0 && bbox.height() > 0.0) {
                return Err(TargetError::Degenerate { object, bbox });
            }
            if label == Label::BACKGROUND {
                return Err(TargetError::Background { object });
            }
        }
        for (object, mask) in masks.iter().flatten().enumerate() {
            if mask.size() != image_size {
                let (found, expected) = (mask.size(), image_size);
                return Err(TargetError::MaskSize { object, found, expected });
            }
        }
        Ok(Self { boxes, labels, masks })
    }

    /// The ground truth of an image without objects.
    pub fn empty() -> Self {
        Self { boxes: Vec::new(), labels: Vec::new(), masks: Some(Vec::new()) }
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Whether the image shows no object.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Boxes in pixels of the original image.
    pub fn boxes(&self) -> &[BBox] {
        &self.boxes
    }

    /// Labels, none of them the background.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Masks in pixels of the original image, where the data set has them.
    pub fn masks(&self) -> Option<&[Mask]> {
        self.masks.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(20, 20);

    #[test]
    fn an_image_without_objects_is_fine() {
        assert!(Target::new(SIZE, vec![], vec![], None).unwrap().is_empty());
    }

    #[test]
    fn the_first_bad_object_is_named() {
        let good = BBox::new(0.0, 0.0, 5.0, 5.0);
        let flat = BBox::new(1.0, 4.0, 9.0, 4.0);
        let nan = BBox::new(f32::NAN, 0.0, 5.0, 5.0);
        for bad in [flat, nan] {
            let error = Target::new(SIZE, vec![good, bad], vec![Label(1); 2], None).unwrap_err();
            assert!(matches!(error, TargetError::Degenerate { object: 1, .. }), "{error}");
        }
        let error = Target::new(SIZE, vec![good], vec![Label(0)], None).unwrap_err();
        assert_eq!(error, TargetError::Background { object: 0 });
        let error = Target::new(SIZE, vec![good], vec![], None).unwrap_err();
        assert_eq!(error, TargetError::Lengths { boxes: 1, labels: 0, masks: None });
        let small = crate::RunWriter::new(ImageSize::new(5, 5)).finish();
        let error = Target::new(SIZE, vec![good], vec![Label(1)], Some(vec![small])).unwrap_err();
        assert!(matches!(error, TargetError::MaskSize { object: 0, .. }), "{error}");
    }
}
