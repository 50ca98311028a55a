//! A COCO results list, as `loadRes` of pycocotools takes it: <https://cocodataset.org/#format-results>.
//!
//! `category_id` is the label. `file_name` and `category_name` are additions that COCO's tools ignore: they
//! tell what a number means, and `kestrel eval` goes by them. An image without detections has no record.

use super::ImageResult;
use super::json::CocoMask;
use kestrel_core::{BBox, Detection, Label};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

#[derive(Serialize)]
struct Record<'a> {
    image_id: i64,
    category_id: Label,
    bbox: [f32; 4],
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<CocoMask>,
    file_name: Cow<'a, str>,
    category_name: &'a str,
}

impl<'a> Record<'a> {
    fn new(result: &ImageResult<'a>, detection: &Detection) -> Self {
        let BBox { x1, y1, .. } = detection.bbox;
        Self {
            image_id: result.image_id,
            category_id: detection.label,
            bbox: [x1, y1, detection.bbox.width(), detection.bbox.height()],
            score: detection.score,
            segmentation: detection.mask.as_ref().map(CocoMask::from),
            file_name: result.path.to_string_lossy(),
            category_name: result.categories.name(detection.label),
        }
    }
}

/// The list while it is written, one record a line.
#[derive(Default)]
pub(super) struct List {
    has_records: bool,
}

impl List {
    pub fn write_image(&mut self, out: &mut dyn Write, result: &ImageResult<'_>) -> io::Result<()> {
        for detection in &result.detections.objects {
            out.write_all(if self.has_records { b",\n" } else { b"[\n" })?;
            self.has_records = true;
            serde_json::to_writer(&mut *out, &Record::new(result, detection))?;
        }
        Ok(())
    }

    pub fn write_end(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.has_records { b"\n]\n" } else { b"[]\n" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn one_list_of_records() {
        let list = samples::with_results(|results| {
            let mut list = List::default();
            samples::text(|out| {
                results.iter().try_for_each(|result| list.write_image(out, result))?;
                list.write_end(out)
            })
        });
        let expected = concat!(
            "[\n",
            r#"{"image_id":7,"category_id":1,"bbox":[1.0,0.5,2.0,1.5],"score":0.9,"#,
            r#""segmentation":{"size":[4,8],"counts":"4220d0"},"file_name":"bilder/Käfer 1.jpg","#,
            r#""category_name":"cat, big"}"#,
            ",\n",
            r#"{"image_id":7,"category_id":2,"bbox":[0.0,0.0,8.0,4.0],"score":0.25,"#,
            r#""file_name":"bilder/Käfer 1.jpg","category_name":"\"dog\""}"#,
            "\n]\n",
        );
        assert_eq!(list, expected);
    }

    #[test]
    fn no_detections_are_an_empty_list() {
        assert_eq!(samples::text(|out| List::default().write_end(out)), "[]\n");
    }
}
