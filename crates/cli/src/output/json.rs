//! JSON lines: one object for each image, also for one without detections.

use super::ImageResult;
use kestrel_core::{BBox, Detection, Label, Mask};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// A mask as COCO's tools read it.
#[derive(Serialize)]
pub(super) struct CocoMask {
    /// Height, then width, in pixels.
    size: [usize; 2],
    /// Compressed run lengths.
    counts: String,
}

impl From<&Mask> for CocoMask {
    fn from(mask: &Mask) -> Self {
        let size = mask.size();
        Self { size: [size.height, size.width], counts: mask.to_coco_string() }
    }
}

#[derive(Serialize)]
struct Image<'a> {
    /// Bytes that are no text are replaced by U+FFFD.
    image: Cow<'a, str>,
    width: usize,
    height: usize,
    detections: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(rename = "box")]
    bbox: BBox,
    score: f32,
    label: Label,
    category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<CocoMask>,
}

/// Writes the line of one image.
pub(super) fn write_image(out: &mut dyn Write, result: &ImageResult<'_>) -> io::Result<()> {
    let object = |detection: &Detection| Object {
        bbox: detection.bbox,
        score: detection.score,
        label: detection.label,
        category: result.categories.name(detection.label),
        mask: detection.mask.as_ref().map(CocoMask::from),
    };
    let size = result.detections.image_size;
    let image = Image {
        image: result.path.to_string_lossy(),
        width: size.width,
        height: size.height,
        detections: result.detections.objects.iter().map(object).collect(),
    };
    serde_json::to_writer(&mut *out, &image)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn one_line_an_image() {
        let lines = samples::with_results(|results| {
            samples::text(|out| results.iter().try_for_each(|result| write_image(out, result)))
        });
        let expected = concat!(
            r#"{"image":"bilder/Käfer 1.jpg","width":8,"height":4,"detections":["#,
            r#"{"box":[1.0,0.5,3.0,2.0],"score":0.9,"label":1,"category":"cat, big","#,
            r#""mask":{"size":[4,8],"counts":"4220d0"}},"#,
            r#"{"box":[0.0,0.0,8.0,4.0],"score":0.25,"label":2,"category":"\"dog\""}]}"#,
            "\n",
            r#"{"image":"empty.png","width":3,"height":2,"detections":[]}"#,
            "\n",
        );
        assert_eq!(lines, expected);
    }
}
