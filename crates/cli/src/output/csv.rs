//! Comma-separated values, quoted as in RFC 4180: a header, then one line a detection. Lines end
//! in a bare line feed, which every reader takes and line tools want.
//!
//! `mask_area` is in pixels, and empty where there is no mask. An image without detections has no
//! line.

use super::ImageResult;
use kestrel_core::{BBox, Mask};
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes the names of the columns.
pub(super) fn write_header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "image,width,height,label,category,score,x1,y1,x2,y2,mask_area")
}

/// Writes the lines of one image.
pub(super) fn write_image(out: &mut dyn Write, result: &ImageResult<'_>) -> io::Result<()> {
    let path = result.path.to_string_lossy();
    let size = result.detections.image_size;
    for detection in &result.detections.objects {
        let (label, score) = (detection.label.0, detection.score);
        let category = quoted(result.categories.name(detection.label));
        let BBox { x1, y1, x2, y2 } = detection.bbox;
        let mask_area = detection.mask.as_ref().map(Mask::area).map(|area| area.to_string());
        write!(out, "{},{},{},{label},{category},", quoted(&path), size.width, size.height)?;
        writeln!(out, "{score},{x1},{y1},{x2},{y2},{}", mask_area.unwrap_or_default())?;
    }
    Ok(())
}

/// A field, in quotes where it must be.
pub(super) fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn one_line_a_detection() {
        let lines = samples::with_results(|results| {
            samples::text(|out| results.iter().try_for_each(|result| write_image(out, result)))
        });
        let expected = concat!(
            "bilder/Käfer 1.jpg,8,4,1,\"cat, big\",0.9,1,0.5,3,2,4\n",
            "bilder/Käfer 1.jpg,8,4,2,\"\"\"dog\"\"\",0.25,0,0,8,4,\n",
        );
        assert_eq!(lines, expected);
        let header = samples::text(|out| write_header(out));
        assert_eq!(header, "image,width,height,label,category,score,x1,y1,x2,y2,mask_area\n");
    }

    #[test]
    fn only_fields_that_need_quotes_have_them() {
        assert_eq!(quoted("a b;c"), "a b;c");
        assert_eq!(quoted("a\nb"), "\"a\nb\"");
    }
}
