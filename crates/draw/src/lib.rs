//! Boxes, masks, names and scores on pictures.
//!
//! [`draw_detections`] paints what a detector answered. [`draw_annotations`] beneath it paints any
//! outlined, named things: ground truth without scores, tracks with numbers. [`contact_sheet`] puts
//! many such pictures on one. [`Chart`] is what plotters draws on where a chart has to be a picture. Everything is clipped to the picture, and the same input gives the
//! same bytes on every run.

mod annotation;
mod canvas;
mod chart;
mod color;
mod contour;
mod font;
mod sheet;
mod style;
mod tag;

pub use annotation::{Annotation, draw_annotations, draw_detections, draw_target};
pub use chart::{Chart, ChartBackend};
pub use color::Color;
pub use sheet::{Tile, contact_sheet, shrunk};
pub use style::{Boxes, ColorBy, DrawStyle, Labels};
