//! What formats without numbers of their own have in common.

use crate::dataset::{Dataset, ObjectBox};
use kestrel_core::Mask;

/// Numbers images and objects from 1, in their order.
pub(super) fn number_from_one(dataset: &mut Dataset) {
    for (id, image) in (1..).zip(&mut dataset.images) {
        image.id = id;
    }
    let objects = dataset.images.iter_mut().flat_map(|image| &mut image.objects);
    for (id, object) in (1..).zip(objects) {
        object.id = id;
    }
}

/// The tightest box around a mask's pixels; `None` where there are none.
pub(super) fn box_around(mask: &Mask) -> Option<ObjectBox> {
    let [x1, y1, x2, y2] = <[f32; 4]>::from(mask.bounds()?).map(f64::from);
    Some(ObjectBox::from_corners(x1, y1, x2, y2))
}
