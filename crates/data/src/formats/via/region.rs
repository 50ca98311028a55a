//! `shape_attributes` become a region.

use super::super::marked::{Ellipse, Region};
use super::super::marking_json::{kind, kind_at};
use crate::dataset::{FindingKind, ObjectBox};
use serde_json::{Map, Value};

type Problem = (FindingKind, String);

/// The region that a shape's attributes describe. An open polyline is closed.
pub fn of(shape: &Map<String, Value>) -> Result<Region, Problem> {
    let number = |key| number(shape, key);
    match shape.get("name").and_then(Value::as_str) {
        Some("polygon" | "polyline") => {
            let points = points(numbers(shape, "all_points_x")?, &numbers(shape, "all_points_y")?)?;
            Region::polygon(points).map_err(invalid)
        }
        Some("rect") => Ok(Region::Rectangle(ObjectBox {
            x: number("x")?,
            y: number("y")?,
            width: number("width")?,
            height: number("height")?,
        })),
        Some("circle") => ellipse(shape, "r", "r"),
        Some("ellipse") => ellipse(shape, "rx", "ry"),
        Some(other) => Err(malformed(format!(
            "found the shape \"{other}\", expected polygon, polyline, rect, circle or ellipse"
        ))),
        None => Err(malformed(format!(
            "found {} as the shape's \"name\", expected a text",
            kind_at(shape, "name")
        ))),
    }
}

fn ellipse(shape: &Map<String, Value>, x_radius: &str, y_radius: &str) -> Result<Region, Problem> {
    // Only ellipses of version 2.0.2 and later are turned.
    let turn_radians = if shape.contains_key("theta") { number(shape, "theta")? } else { 0.0 };
    let ellipse = Ellipse {
        x: number(shape, "cx")?,
        y: number(shape, "cy")?,
        x_radius: number(shape, x_radius)?,
        y_radius: number(shape, y_radius)?,
        turn_radians,
    };
    Region::ellipse(ellipse).map_err(invalid)
}

fn points(xs: Vec<f64>, ys: &[f64]) -> Result<Vec<f64>, Problem> {
    if xs.len() != ys.len() {
        let detail = format!("found {} x and {} y, expected as many", xs.len(), ys.len());
        return Err(malformed(detail));
    }
    Ok(xs.into_iter().zip(ys).flat_map(|(x, &y)| [x, y]).collect())
}

fn number(shape: &Map<String, Value>, key: &str) -> Result<f64, Problem> {
    let number = shape.get(key).and_then(Value::as_f64);
    number.ok_or_else(|| {
        malformed(format!("found {} as \"{key}\", expected a number", kind_at(shape, key)))
    })
}

fn numbers(shape: &Map<String, Value>, key: &str) -> Result<Vec<f64>, Problem> {
    let list = shape.get(key).and_then(Value::as_array).ok_or_else(|| {
        malformed(format!("found {} as \"{key}\", expected a list", kind_at(shape, key)))
    })?;
    let number = |value: &Value| {
        let found = || malformed(format!("found {} in \"{key}\", expected numbers", kind(value)));
        value.as_f64().ok_or_else(found)
    };
    list.iter().map(number).collect()
}

fn malformed(detail: String) -> Problem {
    (FindingKind::MalformedAnnotation, detail)
}

fn invalid(found: String) -> Problem {
    (FindingKind::InvalidMask, format!("found {found}"))
}
