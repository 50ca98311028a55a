//! What becomes of the objects when a picture is moved.
//!
//! An object with a mask gets the bounds of its moved mask as its box, so that both agree to the
//! pixel; torchvision moves the two apart from each other. An object without a mask gets the bounds
//! of its moved box.

use super::error::{AugmentError, Check};
use kestrel_core::{BBox, ImageSize, Label, Mask, Target};
use serde::{Deserialize, Serialize};

/// When an object that is partly lost is still one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeepRule {
    /// Share of the object's area that must be left, of its mask or else of its box; 0 to 1. The
    /// default is 0.1.
    pub min_area_ratio: f64,
    /// Length that both sides of its box must have, in pixels of the new picture; the default is 1.
    pub min_side_px: f32,
}

impl Default for KeepRule {
    fn default() -> Self {
        Self { min_area_ratio: 0.1, min_side_px: 1.0 }
    }
}

impl KeepRule {
    /// Keeps whatever has an area.
    pub(super) const ANY: Self = Self { min_area_ratio: 0.0, min_side_px: 0.0 };

    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.range("keep.min_area_ratio", self.min_area_ratio, 0.0..=1.0)?;
        check.range("keep.min_side_px", f64::from(self.min_side_px), 0.0..=1e6)
    }

    /// Written so that NaN is dropped.
    pub(super) fn keeps(&self, bbox: &BBox, area_ratio: f64) -> bool {
        let has_area = bbox.width() > 0.0 && bbox.height() > 0.0;
        has_area && bbox.sides_at_least(self.min_side_px) && area_ratio >= self.min_area_ratio
    }
}

/// A picture's pixels going to new places.
pub(super) trait Movement {
    /// Size of the new picture.
    fn size(&self) -> ImageSize;

    /// Bounds of the moved box, which may lie outside.
    fn bbox(&self, bbox: &BBox) -> BBox;

    /// The pixels of the new picture that show the object.
    fn mask(&self, mask: &Mask) -> Mask;

    /// Area of something in the new picture over that in the old one, if nothing is cut off.
    fn area_ratio(&self) -> f64;
}

/// The objects of a picture as they come.
pub(super) struct Objects {
    boxes: Vec<BBox>,
    labels: Vec<Label>,
    masks: Option<Vec<Mask>>,
}

/// One object of a [`Target`].
#[derive(Clone, Copy)]
pub(super) struct ObjectView<'a> {
    pub bbox: BBox,
    pub label: Label,
    pub mask: Option<&'a Mask>,
}

/// All objects of a target.
pub(super) fn objects(target: &Target) -> impl Iterator<Item = ObjectView<'_>> {
    let both = target.boxes().iter().zip(target.labels()).enumerate();
    both.map(|(place, (&bbox, &label))| {
        let mask = target.masks().map(|masks| &masks[place]);
        ObjectView { bbox, label, mask }
    })
}

impl Objects {
    /// None yet; masks will be kept where `with_masks`.
    pub fn new(with_masks: bool) -> Self {
        Self { boxes: Vec::new(), labels: Vec::new(), masks: with_masks.then(Vec::new) }
    }

    /// Adds one; where masks are kept, it must have one.
    pub fn push(&mut self, bbox: BBox, label: Label, mask: Option<Mask>) {
        if let Some(masks) = &mut self.masks {
            let Some(mask) = mask else { return };
            masks.push(mask);
        }
        self.boxes.push(bbox);
        self.labels.push(label);
    }

    pub fn into_target(self, size: ImageSize) -> Target {
        Target::new(size, self.boxes, self.labels, self.masks)
            .unwrap_or_else(|error| unreachable!("objects come checked from a target: {error}"))
    }
}

/// The target of the moved picture, without the objects that `keep` gives up.
pub(super) fn moved(target: &Target, movement: &impl Movement, keep: &KeepRule) -> Target {
    let mut kept = Objects::new(target.masks().is_some());
    for ObjectView { bbox, label, mask } in objects(target) {
        match mask {
            Some(mask) => {
                let whole_px = mask.area() as f64 * movement.area_ratio();
                push_mask(&mut kept, label, movement.mask(mask), whole_px, keep);
            }
            None => {
                let whole = movement.bbox(&bbox);
                let inside = whole.clip(movement.size());
                if keep.keeps(&inside, f64::from(inside.area()) / f64::from(whole.area())) {
                    kept.push(inside, label, None);
                }
            }
        }
    }
    kept.into_target(movement.size())
}

/// Adds what is left of an object, if `keep` finds it enough; all of it would be `whole_px` pixels.
pub(super) fn push_mask(
    kept: &mut Objects,
    label: Label,
    mask: Mask,
    whole_px: f64,
    keep: &KeepRule,
) {
    let Some(bbox) = mask.bounds() else { return };
    if keep.keeps(&bbox, mask.area() as f64 / whole_px) {
        kept.push(bbox, label, Some(mask));
    }
}
