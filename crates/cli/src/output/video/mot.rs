//! MOTChallenge text: `frame,id,left,top,width,height,score,-1,-1,-1`, one line an object. Frames and
//! ids count from 1; boxes are in pixels whose first begins at 0. The format knows no classes and no
//! masks. Objects that are not followed have the id -1, as detections have there.

use super::{SeenFrame, SeenObject};
use kestrel_core::BBox;
use std::io::{self, Write};

/// Writes the lines of one frame.
pub(super) fn write_frame(out: &mut dyn Write, frame: &SeenFrame) -> io::Result<()> {
    for SeenObject { track, detection } in &frame.objects {
        let id = track.map_or_else(|| "-1".to_owned(), |track| track.0.to_string());
        write_object(out, frame.index + 1, &id, &detection.bbox, detection.score)?;
    }
    Ok(())
}

/// Writes one line.
pub(crate) fn write_object(
    out: &mut dyn Write,
    frame: usize,
    id: &str,
    bbox: &BBox,
    score: f32,
) -> io::Result<()> {
    let (left, top, width, height) = (bbox.x1, bbox.y1, bbox.width(), bbox.height());
    writeln!(out, "{frame},{id},{left},{top},{width},{height},{score},-1,-1,-1")
}
