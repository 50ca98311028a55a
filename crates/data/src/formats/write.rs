//! Data sets written as COCO, Pascal VOC and YOLO, each file whole or not at all.

mod coco;
mod error;

pub use coco::write_coco;
pub use error::WriteError;
