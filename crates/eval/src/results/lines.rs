//! Kestrel's own results: a JSON object a line, a line an image.

use super::known::Known;
use crate::{EvalError, Truth};
use hotcoco::{Annotation, Segmentation};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

#[derive(Deserialize)]
struct Line {
    image: String,
    width: u32,
    height: u32,
    detections: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    /// `x1 y1 x2 y2` in pixels.
    #[serde(rename = "box")]
    corners: [f64; 4],
    score: f64,
    category: String,
    mask: Option<MaskCode>,
}

#[derive(Deserialize)]
struct MaskCode {
    /// Height, then width, in pixels.
    size: [u32; 2],
    counts: String,
}

pub(super) fn read(
    mut reader: impl BufRead,
    path: &Path,
    truth: &Truth,
) -> Result<Vec<Annotation>, EvalError> {
    let mut resolver = Resolver::new(path, truth);
    let mut bytes = Vec::new();
    for number in 1u64.. {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes);
        if read.map_err(|source| EvalError::io(path, source))? == 0 {
            break;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line: Line = serde_json::from_slice(&bytes)
            .map_err(|error| EvalError::results(path, format!("line {number}: {error}")))?;
        resolver.take(line, number)?;
    }
    resolver.finish()
}

/// Turns lines into annotations in the numbers of the ground truth.
struct Resolver<'a> {
    path: &'a Path,
    truth: &'a Truth,
    known: Known,
    /// The line that spoke of an image.
    line_of_image: BTreeMap<u64, u64>,
    annotations: Vec<Annotation>,
}

impl<'a> Resolver<'a> {
    fn new(path: &'a Path, truth: &'a Truth) -> Self {
        let (known, line_of_image) = (Known::new(truth), BTreeMap::new());
        Self { path, truth, known, line_of_image, annotations: Vec::new() }
    }

    fn take(&mut self, line: Line, number: u64) -> Result<(), EvalError> {
        let path = self.path;
        let fail = |reason: String| EvalError::results(path, format!("line {number}: {reason}"));
        let Some(image_id) = self.known.image(&line.image).map_err(fail)? else { return Ok(()) };
        self.check_size(image_id, &line).map_err(fail)?;
        if let Some(earlier) = self.line_of_image.insert(image_id, number) {
            return Err(fail(format!("{} is the image of line {earlier}", line.image)));
        }
        line.detections.into_iter().try_for_each(|object| self.push(image_id, object).map_err(fail))
    }

    /// A picture of another size is another picture, or one that was turned.
    fn check_size(&self, image_id: u64, line: &Line) -> Result<(), String> {
        let stated = self.truth.image(image_id).map_or((0, 0), |image| (image.width, image.height));
        let found = (line.width, line.height);
        if stated == found || stated == (0, 0) {
            return Ok(());
        }
        let (Line { image, .. }, (width, height)) = (line, stated);
        Err(format!("{image} is {}x{}, in the ground truth {width}x{height}", found.0, found.1))
    }

    fn push(&mut self, image_id: u64, object: Object) -> Result<(), String> {
        let Some(category_id) = self.known.category(&object.category)? else { return Ok(()) };
        let [x1, y1, x2, y2] = object.corners;
        let mask =
            |mask: MaskCode| Segmentation::CompressedRle { size: mask.size, counts: mask.counts };
        self.annotations.push(Annotation {
            image_id,
            category_id,
            bbox: Some([x1, y1, x2 - x1, y2 - y1]),
            score: Some(object.score),
            segmentation: object.mask.map(mask),
            ..Annotation::default()
        });
        Ok(())
    }

    fn finish(self) -> Result<Vec<Annotation>, EvalError> {
        self.known.finish()?;
        Ok(self.annotations)
    }
}
