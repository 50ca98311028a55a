//! Results for the tests of this folder: an image with two objects, names that need care, and an
//! image with none.

use super::ImageResult;
use kestrel_core::{BBox, Categories, Detection, Detections, ImageSize, Label, Mask};
use std::path::Path;

/// Calls `check` with the two results.
#[allow(clippy::unwrap_used)]
pub(super) fn with_results<T>(check: impl FnOnce(&[ImageResult<'_>; 2]) -> T) -> T {
    let categories = Categories::new(["background", "cat, big", "\"dog\""]);
    let size = ImageSize::new(4, 8);
    let mask = Mask::from_counts(size, vec![4, 2, 2, 2, 22]).unwrap();
    let cat = Detection {
        bbox: BBox::new(1.0, 0.5, 3.0, 2.0),
        label: Label(1),
        score: 0.9,
        mask: Some(mask),
    };
    let dog =
        Detection { bbox: BBox::new(0.0, 0.0, 8.0, 4.0), label: Label(2), score: 0.25, mask: None };
    let found = Detections { image_size: size, objects: vec![cat, dog] };
    let empty = Detections { image_size: ImageSize::new(2, 3), objects: vec![] };
    check(&[
        ImageResult {
            path: Path::new("bilder/Käfer 1.jpg"),
            image_id: 7,
            detections: &found,
            categories: &categories,
        },
        ImageResult {
            path: Path::new("empty.png"),
            image_id: 8,
            detections: &empty,
            categories: &categories,
        },
    ])
}

/// What `write` writes.
#[allow(clippy::unwrap_used)]
pub(super) fn text(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
