//! Simple copy-paste: objects of another picture laid over this one.
//!
//! Source: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
//! Segmentation" (2021), section 3: both pictures go through what stands before in the list
//! (flip and large scale jitter, in the paper), a random part of the donor's objects is laid over
//! the other picture at the same place, and the objects below lose what is hidden. Differences from
//! torchvision's `SimpleCopyPaste`: the edge is not blended, which the paper found to matter little;
//! a donor of another size is not resized but laid at the top left; an object that is nearly
//! hidden can be dropped.

use super::axis::{Axis, Placement};
use super::error::{AugmentError, Check};
use super::objects::{KeepRule, Movement, ObjectView, Objects, objects, push_mask};
use super::spans::{Span, mask_of, spans};
use super::{Chance, Sample};
use kestrel_core::{BBox, ImageSize, Label, Mask, RgbImage};
use serde::{Deserialize, Serialize};

/// Lays objects of another picture over this one. A donor whose objects have no masks gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyPaste {
    /// Share of the pictures that get objects; 0 to 1. The default is 0.5.
    pub probability: f64,
    /// Chance of each of the donor's objects to be taken; 0 to 1. The default is 0.5.
    pub object_probability: f64,
    /// Which objects that are partly hidden, or pasted beyond the border, are kept.
    pub keep: KeepRule,
}

impl Default for CopyPaste {
    fn default() -> Self {
        Self { probability: 0.5, object_probability: 0.5, keep: KeepRule::default() }
    }
}

impl CopyPaste {
    pub(super) fn validate(&self, check: Check) -> Result<(), AugmentError> {
        check.probability(self.probability)?;
        check.range("object_probability", self.object_probability, 0.0..=1.0)?;
        self.keep.validate(check)
    }

    pub(super) fn apply(
        &self,
        sample: Sample,
        chance: &mut Chance,
        donor: impl FnOnce(&mut Chance) -> Option<Sample>,
    ) -> Sample {
        if !chance.happens(self.probability) {
            return sample;
        }
        let Some(donor) = donor(chance) else { return sample };
        let pasted = self.chosen(&donor, sample.image.size(), chance);
        if pasted.is_empty() {
            return sample;
        }
        self.pasted(sample, &donor.image, pasted)
    }

    /// A random part of the donor's objects, as far as they lie inside `size`.
    fn chosen(&self, donor: &Sample, size: ImageSize, chance: &mut Chance) -> Vec<Pasted> {
        let from = donor.image.size();
        let columns = Axis::same(from.width).window(0, size.width);
        let placement = Placement { columns, rows: Axis::same(from.height).window(0, size.height) };
        let mut chosen = Vec::new();
        for ObjectView { label, mask, .. } in objects(&donor.target) {
            let Some(mask) = mask.filter(|_| chance.happens(self.object_probability)) else {
                continue;
            };
            let inside = placement.mask(mask);
            let Some(bbox) = inside.bounds() else { continue };
            if self.keep.keeps(&bbox, inside.area() as f64 / mask.area() as f64) {
                chosen.push(Pasted { bbox, label, mask: inside });
            }
        }
        chosen
    }

    fn pasted(&self, sample: Sample, donor: &RgbImage, pasted: Vec<Pasted>) -> Sample {
        let size = sample.image.size();
        let mut image = sample.image;
        let mut cover = Cover::new(size);
        for object in &pasted {
            paint(&mut image, donor, &object.mask);
            cover.add(&object.mask);
        }
        let mut kept = Objects::new(sample.target.masks().is_some());
        for object in objects(&sample.target) {
            self.push_visible(&mut kept, object, &cover);
        }
        for Pasted { bbox, label, mask } in pasted {
            kept.push(bbox, label, Some(mask));
        }
        Sample { image, target: kept.into_target(size), ..sample }
    }

    /// Adds what can still be seen of an object; one that nothing hides stays as it is, box and all.
    fn push_visible(&self, kept: &mut Objects, object: ObjectView<'_>, cover: &Cover) {
        let ObjectView { bbox, label, mask } = object;
        match mask {
            Some(mask) => {
                let visible = cover.visible(mask);
                if visible.area() == mask.area() {
                    kept.push(bbox, label, Some(visible));
                } else {
                    push_mask(kept, label, visible, mask.area() as f64, &self.keep);
                }
            }
            None => {
                if cover.visible_ratio(&bbox) >= self.keep.min_area_ratio {
                    kept.push(bbox, label, None);
                }
            }
        }
    }
}

/// An object of the donor in the new picture.
struct Pasted {
    bbox: BBox,
    label: Label,
    mask: Mask,
}

/// Copies the pixels of a mask, which both pictures hold.
fn paint(image: &mut RgbImage, donor: &RgbImage, mask: &Mask) {
    let (width, donor_width) = (image.size().width, donor.size().width);
    let (old, _) = donor.pixels().as_chunks::<3>();
    let (new, _) = image.pixels_mut().as_chunks_mut::<3>();
    for Span { column, top, end } in spans(mask) {
        for y in top..end {
            new[y * width + column] = old[y * donor_width + column];
        }
    }
}

/// Which pixels something was pasted on, column by column.
struct Cover {
    size: ImageSize,
    hidden: Vec<bool>,
}

impl Cover {
    fn new(size: ImageSize) -> Self {
        Self { size, hidden: vec![false; size.area()] }
    }

    fn add(&mut self, mask: &Mask) {
        for Span { column, top, end } in spans(mask) {
            self.hidden[column * self.size.height..][top..end].fill(true);
        }
    }

    /// The pixels of a mask that can be seen.
    fn visible(&self, mask: &Mask) -> Mask {
        let mut seen = Vec::new();
        for Span { column, mut top, end } in spans(mask) {
            let pixels = &self.hidden[column * self.size.height..][top..end];
            for run in pixels.chunk_by(|a, b| a == b) {
                if !run[0] {
                    seen.push(Span { column, top, end: top + run.len() });
                }
                top += run.len();
            }
        }
        mask_of(self.size, seen)
    }

    /// Share of the pixels of a box that can be seen; a pixel the box touches counts whole.
    fn visible_ratio(&self, bbox: &BBox) -> f64 {
        let inside = bbox.clip(self.size);
        let (left, right) = (inside.x1.floor() as usize, inside.x2.ceil() as usize);
        let (top, end) = (inside.y1.floor() as usize, inside.y2.ceil() as usize);
        let columns = (left..right).map(|x| &self.hidden[x * self.size.height..][top..end]);
        let hidden = columns.flatten().filter(|&&hidden| hidden).count();
        let all = (right - left) * (end - top);
        1.0 - hidden as f64 / all.max(1) as f64
    }
}
