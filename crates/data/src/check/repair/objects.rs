//! Mending the objects of one image, all of them in pixels as seen.

use super::{ChangeKind, Mender};
use crate::check::boxes;
use crate::check::masks::{self, Shape};
use crate::{CategoryId, Object, ObjectBox};
use kestrel_core::ImageSize;
use std::collections::BTreeMap;

/// What becomes of a box.
enum Mended {
    Kept,
    FromOutline(ObjectBox),
    Clipped(ObjectBox),
    Dropped(&'static str),
}

impl Mender {
    /// The object as it should be; `None` where that cannot be told.
    pub(super) fn object(&mut self, mut object: Object, size: ImageSize) -> Option<Object> {
        let place = object.place.clone();
        if !self.declared.contains(&object.category) {
            let detail = format!("no class has the id {}", object.category.0);
            self.change(ChangeKind::ObjectDropped, place, detail);
            return None;
        }
        let shape = masks::shape(object.outline.as_ref(), Some(size));
        if let Some(reason) = useless(&shape) {
            object.outline = None;
            self.change(ChangeKind::OutlineDropped, place.clone(), reason);
        }
        let before = object.bbox;
        let (kind, bbox) = match self.mended(&before, &shape, size) {
            Mended::Kept => return Some(object),
            Mended::Dropped(reason) => {
                self.change(ChangeKind::ObjectDropped, place, reason);
                return None;
            }
            Mended::FromOutline(bbox) => (ChangeKind::BoxFromOutline, bbox),
            Mended::Clipped(bbox) => (ChangeKind::BoxClipped, bbox),
        };
        self.change(kind, place, format!("from {before:?} to {bbox:?}"));
        object.area = object.area.map(|_| area(&bbox, &shape));
        object.bbox = bbox;
        Some(object)
    }

    fn mended(&self, bbox: &ObjectBox, shape: &Shape, size: ImageSize) -> Mended {
        let is_box = boxes::is_finite(bbox) && !boxes::is_empty(bbox);
        if let Shape::Drawn(drawn) = shape {
            let counts_from_one = self.boxes_count_from_one && drawn.counts_from_one(bbox);
            if !is_box || counts_from_one || drawn.is_missed_by(bbox, Some(size)) {
                return Mended::FromOutline(drawn.bounds);
            }
        }
        if !is_box {
            return Mended::Dropped("its box has no area, and there is no shape to tell it by");
        }
        match boxes::overhang_px(bbox, size).map(|_| boxes::clipped(bbox, size)) {
            None => Mended::Kept,
            Some(None) => Mended::Dropped("its box lies outside the picture"),
            Some(Some(inside)) => Mended::Clipped(inside),
        }
    }

    /// Leaves out objects that are the same as an earlier one in everything but their id.
    pub(super) fn without_repeats(&mut self, objects: Vec<Object>) -> Vec<Object> {
        let mut kept: Vec<Object> = Vec::with_capacity(objects.len());
        let mut by_box: BTreeMap<(CategoryId, [u64; 4]), Vec<usize>> = BTreeMap::new();
        for object in objects {
            let ObjectBox { x, y, width, height } = object.bbox;
            let key = (object.category, [x, y, width, height].map(f64::to_bits));
            let equals = by_box.entry(key).or_default();
            let is_repeat = |&index: &usize| is_repeat(&object, &kept[index]);
            if let Some(&first) = equals.iter().find(|index| is_repeat(index)) {
                let detail = format!("the same as {}", kept[first].place);
                self.change(ChangeKind::ObjectDropped, object.place, detail);
            } else {
                equals.push(kept.len());
                kept.push(object);
            }
        }
        kept
    }
}

fn useless(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Invalid(reason) => Some(reason.clone()),
        Shape::Empty => Some("the shape has no pixel in the image".to_owned()),
        Shape::Absent | Shape::Drawn(_) => None,
    }
}

fn area(bbox: &ObjectBox, shape: &Shape) -> f64 {
    match shape {
        Shape::Drawn(drawn) => drawn.area as f64,
        _ => bbox.width * bbox.height,
    }
}

/// Of two objects with the same class and box.
fn is_repeat(object: &Object, earlier: &Object) -> bool {
    !object.crowd
        && !earlier.crowd
        && object.difficult == earlier.difficult
        && object.outline == earlier.outline
}
