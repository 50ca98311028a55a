//! Numbers about a shape that COCO files state and others leave out.

use crate::{Object, ObjectBox, Outline};
use kestrel_core::ImageSize;

/// The box around a shape, in pixels; without any extent for one without pixels.
pub(super) fn bounds(outline: &Outline) -> ObjectBox {
    match outline {
        Outline::Polygons(polygons) => {
            let [(left, right), (top, bottom)] = [0, 1].map(|first| extent(polygons, first));
            if left > right || top > bottom {
                return ObjectBox::default();
            }
            ObjectBox::from_corners(left, top, right, bottom)
        }
        Outline::Mask(mask) => mask.bounds().map_or_else(ObjectBox::default, |bounds| {
            let [x1, y1, x2, y2] = <[f32; 4]>::from(bounds).map(f64::from);
            ObjectBox::from_corners(x1, y1, x2, y2)
        }),
    }
}

/// Smallest and largest x (`first` 0) or y (`first` 1).
fn extent(polygons: &[Vec<f64>], first: usize) -> (f64, f64) {
    let along = polygons.iter().flat_map(|polygon| polygon.iter().skip(first).step_by(2));
    along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
        (low.min(value), high.max(value))
    })
}

/// The area as stated, else that of the shape drawn in an image of `size`, else that of the box; in
/// pixels.
pub(super) fn area(object: &Object, size: Option<ImageSize>) -> f64 {
    let drawn = || match (object.outline.as_ref()?, size) {
        (Outline::Mask(mask), _) => Some(mask.area() as f64),
        (polygons, Some(size)) => Some(polygons.to_mask(size).ok()?.area() as f64),
        (Outline::Polygons(_), None) => None,
    };
    object.area.or_else(drawn).unwrap_or(object.bbox.width * object.bbox.height)
}
