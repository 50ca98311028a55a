//! One line of a label file: a class and a box, or a class and a polygon.

use crate::formats::{counted, outline::bounds};
use crate::{FindingKind, ObjectBox, Outline};
use hotcoco::types::id_from_f64;
use kestrel_core::ImageSize;

/// Values of a line with a box.
const BOX_VALUES: usize = 5;
/// Values of the shortest line with a polygon: a class and three points.
const MIN_POLYGON_VALUES: usize = 7;

/// The largest part of a picture's side that is taken for one: what hangs over an edge is for a check
/// to name, but nothing reaches as far as this, and pixels soon do.
const MAX_PART: f64 = 2.0;

/// An object in pixels.
#[derive(Debug)]
pub struct Line {
    pub class: u64,
    pub bbox: ObjectBox,
    pub outline: Option<Outline>,
}

/// The object of a line in a picture of `size`.
///
/// # Errors
/// What is wrong, and in words.
pub fn parse(text: &str, size: ImageSize) -> Result<Line, (FindingKind, String)> {
    let values = text.split_whitespace().map(number).collect::<Result<Vec<f64>, _>>()?;
    let (class, coordinates) = values.split_first().unwrap_or((&f64::NAN, &[]));
    let class = id_from_f64(*class).ok_or_else(|| {
        malformed(format!("the class is {class}, expected a whole number, 0 or more"))
    })?;
    if let Some(found) = coordinates.iter().find(|value| **value > MAX_PART) {
        return Err(malformed(format!(
            "found the coordinate {found:?}, expected parts of the picture's width and height, from 0 \
             to 1; if these are pixels, divide x by {} and y by {}",
            size.width, size.height
        )));
    }
    let (width, height) = (size.width as f64, size.height as f64);
    match coordinates {
        [x, y, w, h] => {
            let (w, h) = (w * width, h * height);
            let bbox =
                ObjectBox { x: x * width - w / 2.0, y: y * height - h / 2.0, width: w, height: h };
            Ok(Line { class, bbox, outline: None })
        }
        polygon if values.len() >= MIN_POLYGON_VALUES && polygon.len() % 2 == 0 => {
            let scaled = polygon.chunks(2).flat_map(|point| [point[0] * width, point[1] * height]);
            let outline = Outline::Polygons(vec![scaled.collect()]);
            Ok(Line { class, bbox: bounds(&outline), outline: Some(outline) })
        }
        _ => Err(malformed(format!(
            "{}, expected {BOX_VALUES} (class, centre x, centre y, width, height) or \
             {MIN_POLYGON_VALUES} or more, an odd number (class and the points of a polygon)",
            counted(values.len(), "value")
        ))),
    }
}

fn number(text: &str) -> Result<f64, (FindingKind, String)> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err((FindingKind::NonFiniteBox, format!("found `{text}`, expected a number"))),
        Err(_) => {
            let start: String = text.chars().take(40).collect();
            Err(malformed(format!("found `{start}`, expected a number")))
        }
    }
}

fn malformed(detail: String) -> (FindingKind, String) {
    (FindingKind::MalformedAnnotation, detail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(100, 200);

    #[test]
    fn boxes_and_polygons_are_in_pixels() {
        let line = parse(" 3.0 0.5 0.25\t1e-1 0.5 ", SIZE).unwrap();
        let bbox = ObjectBox { x: 90.0, y: 0.0, width: 20.0, height: 50.0 };
        assert_eq!((line.class, line.bbox, line.outline), (3, bbox, None));
        let line = parse("0 0 0 0.5 0 0.5 1", SIZE).unwrap();
        assert_eq!(line.bbox, ObjectBox { x: 0.0, y: 0.0, width: 100.0, height: 100.0 });
        let polygon = vec![0.0, 0.0, 100.0, 0.0, 100.0, 100.0];
        assert_eq!(line.outline, Some(Outline::Polygons(vec![polygon])));
    }

    #[test]
    fn what_hangs_over_an_edge_is_no_pixel() {
        let line = parse("0 1.001 0.5 0.5 2.0", SIZE).unwrap();
        assert_eq!(line.bbox, ObjectBox { x: 150.2, y: -50.0, width: 100.0, height: 200.0 });
    }

    #[test]
    fn a_line_of_another_kind_says_why() {
        for (text, word) in [
            ("", "the class is NaN"),
            ("0", "1 value,"),
            ("0 0.5 0.5 0.5 0.5 0.9", "6 values"),
            ("0 50 50 20 20", "divide x by 200 and y by 100"),
            ("0 0.1 0.1 0.5 0.1 0.5 2.1", "the coordinate 2.1"),
            ("-1 0.5 0.5 0.5 0.5", "the class is -1"),
            ("cat 0.5 0.5 0.5 0.5", "`cat`"),
            ("0 0.5 0.5 0.5 NaN", "`NaN`"),
            ("0 0.5 0.5 0.5 1e400", "`1e400`"),
            ("0 0,5 0.5 0.5 1", "`0,5`"),
        ] {
            let (_, detail) = parse(text, SIZE).unwrap_err();
            assert!(detail.contains(word), "{text}: {detail}");
        }
    }
}
