//! JSON lines: one object for each frame, also for one without objects.

use super::{SeenFrame, SeenObject};
use crate::output::json::CocoMask;
use kestrel_core::{BBox, Categories, Label};
use kestrel_video::TrackId;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Frame<'a> {
    frame: usize,
    /// In seconds of the source.
    time: f64,
    width: usize,
    height: usize,
    detections: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<TrackId>,
    #[serde(rename = "box")]
    bbox: BBox,
    score: f32,
    label: Label,
    category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<CocoMask>,
}

/// Writes the line of one frame.
pub(super) fn write_frame(
    out: &mut dyn Write,
    frame: &SeenFrame,
    categories: &Categories,
) -> io::Result<()> {
    let object = |SeenObject { track, detection }: &SeenObject| Object {
        track: *track,
        bbox: detection.bbox,
        score: detection.score,
        label: detection.label,
        category: categories.name(detection.label),
        mask: detection.mask.as_ref().map(CocoMask::from),
    };
    let line = Frame {
        frame: frame.index,
        time: frame.secs,
        width: frame.size.width,
        height: frame.size.height,
        detections: frame.objects.iter().map(object).collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}
