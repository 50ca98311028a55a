//! Results of a detector: read from a file, and checked against the ground truth.
//!
//! Two formats are told apart by their first character: COCO's results list
//! (<https://cocodataset.org/#format-results>), and Kestrel's own lines, which name images and
//! classes where COCO numbers them. The order of the list is kept: it decides between equal scores.

mod checked;
mod known;
mod lines;
mod list;
mod made;
mod names;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use crate::{EvalError, Truth};
use hotcoco::{Annotation, Segmentation};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

pub use made::{found, results_json};

pub(crate) use checked::{Detections, Geometry};

/// Reads a COCO results list, or the lines of `kestrel detect --format json`.
///
/// The lines name files, and so do the records of `kestrel detect --format coco` (`file_name`): the image
/// meant is the one of the ground truth that shares the file name and the most folder names before it.
/// Where a record names its class (`category_name`), that name counts, not the number. An empty file holds
/// no results.
///
/// # Errors
/// When the file cannot be read or is of neither format, with the line or the place in the list;
/// and for names, when an image or a class is not in the ground truth, or is there twice.
pub fn read_results(path: &Path, truth: &Truth) -> Result<Vec<Annotation>, EvalError> {
    let file = File::open(path).map_err(|source| EvalError::io(path, source))?;
    let mut reader = BufReader::new(file);
    let (blank, first) =
        leading_blank(&mut reader).map_err(|source| EvalError::io(path, source))?;
    // Given back, so that line numbers in errors are those of the file.
    let reader = Cursor::new(blank).chain(reader);
    match first {
        None => Ok(Vec::new()),
        Some(b'[') => list::read(reader, path, truth),
        Some(b'{') => lines::read(reader, path, truth),
        Some(other) => {
            let reason = format!("found a file that begins with \"{}\"", other.escape_ascii());
            Err(EvalError::results(path, reason))
        }
    }
}

/// The white space a file begins with, and the byte after it, which is not taken.
fn leading_blank(reader: &mut impl BufRead) -> io::Result<(Vec<u8>, Option<u8>)> {
    let mut blank = Vec::new();
    loop {
        let Some(&next) = reader.fill_buf()?.first() else { return Ok((blank, None)) };
        if !next.is_ascii_whitespace() {
            return Ok((blank, Some(next)));
        }
        blank.push(next);
        reader.consume(1);
    }
}

/// Whether an annotation has a shape beyond its box. An empty list of polygons is none.
pub(crate) fn has_mask(annotation: &Annotation) -> bool {
    match &annotation.segmentation {
        None => false,
        Some(Segmentation::Polygon(polygons)) => !polygons.is_empty(),
        Some(_) => true,
    }
}
