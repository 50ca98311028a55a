//! COCO with videos, as CocoVID has it: `videos`, `images` with `video_id` and `frame_id` (from 0),
//! `annotations` with `instance_id` (the track) and, since they were found, `score`.
//!
//! Annotations are written as they come; of a frame only its time is kept until the end.

use super::{SeenFrame, SeenObject};
use crate::output::json::CocoMask;
use kestrel_core::{Categories, ImageSize};
use serde_json::{Value, json};
use std::io::{self, Write};

/// The only video of a file.
const VIDEO_ID: u64 = 1;

/// What is kept until the end.
pub(super) struct Videos {
    name: String,
    size: ImageSize,
    frame_secs: Vec<f64>,
    num_annotations: usize,
}

/// Writes what is known before the first frame.
pub(super) fn write_start(out: &mut dyn Write, categories: &Categories) -> io::Result<()> {
    let named = categories.names().iter().enumerate().skip(1);
    let categories: Vec<Value> = named.map(|(id, name)| json!({"id": id, "name": name})).collect();
    write!(out, "{{\"categories\":{},\n\"annotations\":[", Value::from(categories))
}

impl Videos {
    pub fn new(name: &str) -> Self {
        let size = ImageSize::new(0, 0);
        Self { name: name.to_owned(), size, frame_secs: Vec::new(), num_annotations: 0 }
    }

    /// Writes the annotations of one frame.
    pub fn write_frame(&mut self, out: &mut dyn Write, frame: &SeenFrame) -> io::Result<()> {
        self.size = frame.size;
        self.frame_secs.push(frame.secs);
        let image_id = self.frame_secs.len();
        for object in &frame.objects {
            let separator = if self.num_annotations == 0 { "\n" } else { ",\n" };
            self.num_annotations += 1;
            let annotation = annotation(self.num_annotations, image_id, object);
            write!(out, "{separator}{annotation}")?;
        }
        Ok(())
    }

    /// Writes the frames and the video.
    pub fn write_end(&self, out: &mut dyn Write) -> io::Result<()> {
        let ImageSize { height, width } = self.size;
        write!(out, "\n],\n\"images\":[")?;
        for (frame_id, secs) in self.frame_secs.iter().enumerate() {
            let image = json!({
                "id": frame_id + 1,
                "video_id": VIDEO_ID,
                "frame_id": frame_id,
                "file_name": format!("{}#{frame_id}", self.name),
                "width": width,
                "height": height,
                "time": secs,
            });
            let separator = if frame_id == 0 { "\n" } else { ",\n" };
            write!(out, "{separator}{image}")?;
        }
        let length = self.frame_secs.len();
        let video = json!({
            "id": VIDEO_ID, "name": self.name, "width": width, "height": height, "length": length,
        });
        writeln!(out, "\n],\n\"videos\":[{video}]}}")
    }
}

fn annotation(id: usize, image_id: usize, SeenObject { track, detection }: &SeenObject) -> Value {
    let bbox = &detection.bbox;
    let area = detection.mask.as_ref().map_or(f64::from(bbox.area()), |mask| mask.area() as f64);
    let mut record = json!({
        "id": id,
        "image_id": image_id,
        "video_id": VIDEO_ID,
        "category_id": detection.label.0,
        "bbox": [bbox.x1, bbox.y1, bbox.width(), bbox.height()],
        "area": area,
        "iscrowd": 0,
        "score": detection.score,
    });
    if let Some(track) = track {
        record["instance_id"] = json!(track.0);
    }
    if let Some(mask) = &detection.mask {
        record["segmentation"] = json!(CocoMask::from(mask));
    }
    record
}
