//! The words the other crates share: sizes, boxes, overlap, suppression, masks, labels,
//! ground truth and detections; and [`WholeFile`], by which the others write files. Nothing here knows of
//! tensors or reads a file.
//!
//! Boxes are `x1 y1 x2 y2` in continuous pixels with the origin at the top left, and a box's
//! area is `(x2 - x1) * (y2 - y1)`: there is no "+ 1" anywhere.

mod boxes;
mod brackets;
mod category;
mod coco;
mod detections;
mod image;
mod imagenet;
mod mask;
mod nms;
mod size;
mod suggest;
mod target;
mod whole_file;

pub use boxes::BBox;
pub use brackets::{MAX_OPEN_BRACKETS, too_many_brackets};
pub use category::{Categories, Label};
pub use coco::COCO_CATEGORIES;
pub use detections::{Detection, Detections};
pub use image::{ImageError, RgbImage};
pub use imagenet::IMAGENET_CLASSES;
pub use mask::{Mask, MaskError, RunWriter};
pub use nms::{batched_nms, nms};
pub use size::ImageSize;
pub use suggest::{closest, with_suggestion};
pub use target::{Target, TargetError};
pub use whole_file::{WholeFile, folder_of, write_whole};
