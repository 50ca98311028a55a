//! Comma-separated values: a header, then one line an object. `mask_area` is in pixels, and empty where
//! there is no mask; so is `track` where objects are not followed.

use super::{SeenFrame, SeenObject};
use crate::output::csv::quoted;
use kestrel_core::{BBox, Categories, Mask};
use std::io::{self, Write};

/// Writes the names of the columns.
pub(super) fn write_header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "frame,time,track,label,category,score,x1,y1,x2,y2,mask_area")
}

/// Writes the lines of one frame.
pub(super) fn write_frame(
    out: &mut dyn Write,
    frame: &SeenFrame,
    categories: &Categories,
) -> io::Result<()> {
    for SeenObject { track, detection } in &frame.objects {
        let track = track.map(|track| track.0.to_string()).unwrap_or_default();
        let (label, score) = (detection.label.0, detection.score);
        let category = quoted(categories.name(detection.label));
        let BBox { x1, y1, x2, y2 } = detection.bbox;
        let mask_area = detection.mask.as_ref().map(Mask::area).map(|area| area.to_string());
        write!(out, "{},{},{track},{label},{category},", frame.index, frame.secs)?;
        writeln!(out, "{score},{x1},{y1},{x2},{y2},{}", mask_area.unwrap_or_default())?;
    }
    Ok(())
}
