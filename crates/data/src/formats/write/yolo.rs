//! YOLO, as Ultralytics reads it.
//!
//! A file of labels holds boxes or polygons, never both: Ultralytics takes a box on a line beside
//! polygons for two points of one. So a data set is written as polygons when every object of it has
//! some, and as boxes else.

use super::classes::{Classes, held};
use super::pictures::Pictures;
use super::{LossKind, WriteError, WriteSummary, clipped, make, size_of, write_text};
use crate::formats::locate::stem;
use crate::formats::outline::bounds;
use crate::{Collection, Object, ObjectBox, Outline, split_file_names};
use data_yaml::DataYaml;
use kestrel_core::ImageSize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

mod data_yaml;

/// How far the box around a polygon may be from the box stated for it to be written instead, in
/// pixels: what a conversion may move boxes by.
const MAX_MOVE_PX: f64 = 0.5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Boxes,
    Polygons,
}

pub fn write(
    collection: &Collection,
    folder: &Path,
    pictures: &mut Pictures,
    summary: &mut WriteSummary,
) -> Result<(), WriteError> {
    let classes = Classes::of(collection, 0, summary);
    let shape = shape_of(collection);
    let mut folders = BTreeMap::new();
    for (split, name) in collection.splits.iter().zip(split_file_names(&collection.splits)) {
        let index_of = classes.index_of(&split.dataset);
        let (images, labels) =
            (folder.join("images").join(&name), folder.join("labels").join(&name));
        make(&images)?;
        make(&labels)?;
        for record in &split.dataset.images {
            let picture = pictures.place(record, &images, summary)?;
            let objects = held(record, &index_of, summary);
            let text = match size_of(record) {
                Some(size) => lines(&objects, size, shape, summary),
                None => {
                    summary.lose(LossKind::UnknownSizes, objects.len());
                    String::new()
                }
            };
            write_text(&labels.join(format!("{}.txt", stem(Path::new(&picture)))), &text)?;
            summary.images += 1;
            summary.objects += text.lines().count();
        }
        folders.insert(split.name.clone(), format!("images/{name}"));
    }
    let yaml = DataYaml { folders, names: &classes.names };
    write_text(&folder.join("data.yaml"), &yaml.to_string())
}

fn shape_of(collection: &Collection) -> Shape {
    let images = collection.splits.iter().flat_map(|split| &split.dataset.images);
    let mut objects =
        images.flat_map(|image| &image.objects).filter(|object| !object.crowd).peekable();
    let has_polygons = |object: &Object| matches!(object.outline, Some(Outline::Polygons(_)));
    match objects.peek().is_some() && objects.all(has_polygons) {
        true => Shape::Polygons,
        false => Shape::Boxes,
    }
}

fn lines(
    objects: &[(usize, &Object)],
    size: ImageSize,
    shape: Shape,
    summary: &mut WriteSummary,
) -> String {
    let mut text = String::new();
    for (class, object) in objects {
        summary.lose(LossKind::DifficultMarks, usize::from(object.difficult));
        let numbers = match (shape, &object.outline) {
            (Shape::Polygons, Some(Outline::Polygons(polygons))) => {
                let polygon = polygon(object, polygons, summary);
                relative(&inside(&polygon, size), size)
            }
            (_, outline) => {
                summary.lose(LossKind::Shapes, usize::from(outline.is_some()));
                let (bbox, is_cut) = clipped(object.bbox, Some(size));
                summary.lose(LossKind::ClippedBoxes, usize::from(is_cut));
                let ObjectBox { x, y, width, height } = bbox;
                relative(&[x + width / 2.0, y + height / 2.0, width, height], size)
            }
        };
        text.push_str(&format!("{class}{numbers}\n"));
    }
    text
}

/// One polygon for the object: its own, its own joined, or the corners of its box where that is
/// another than the one around them.
fn polygon(object: &Object, polygons: &[Vec<f64>], summary: &mut WriteSummary) -> Vec<f64> {
    let is_drawn = |polygon: &Vec<f64>| polygon.len() >= 6 && polygon.len().is_multiple_of(2);
    if !polygons.iter().all(is_drawn) || !is_around(&object.bbox, polygons) {
        summary.lose(LossKind::Shapes, 1);
        let (bbox, right, bottom) = (object.bbox, object.bbox.right(), object.bbox.bottom());
        return vec![bbox.x, bbox.y, right, bbox.y, right, bottom, bbox.x, bottom];
    }
    summary.lose(LossKind::JoinedPolygons, usize::from(polygons.len() > 1));
    joined(polygons)
}

fn is_around(bbox: &ObjectBox, polygons: &[Vec<f64>]) -> bool {
    let around = bounds(&Outline::Polygons(polygons.to_vec()));
    let sides = |bbox: &ObjectBox| [bbox.x, bbox.y, bbox.right(), bbox.bottom()];
    sides(bbox).iter().zip(sides(&around)).all(|(a, b)| (a - b).abs() <= MAX_MOVE_PX)
}

/// One closed line around all parts, from the first point of the first to each and back, so that the
/// lines between them enclose nothing.
fn joined(polygons: &[Vec<f64>]) -> Vec<f64> {
    let Some((first, others)) = polygons.split_first() else { return Vec::new() };
    let mut line = first.clone();
    for other in others {
        line.extend(&first[..2]);
        line.extend(other);
        line.extend(&other[..2]);
    }
    line
}

/// Points moved to the picture where they lie outside: readers refuse shares beyond 0 to 1.
fn inside(points: &[f64], size: ImageSize) -> Vec<f64> {
    let sides = [size.width as f64, size.height as f64];
    points.iter().zip(sides.iter().cycle()).map(|(value, side)| value.clamp(0.0, *side)).collect()
}

/// Coordinates as shares of the picture's sides, x before y. Eight digits are a ten thousandth of a
/// pixel in the largest picture.
fn relative(coordinates: &[f64], size: ImageSize) -> String {
    let sides = [size.width as f64, size.height as f64];
    let shares = coordinates.iter().zip(sides.iter().cycle()).map(|(value, side)| value / side);
    let mut text = String::new();
    for share in shares {
        // Writing to a string cannot fail.
        let _ = write!(text, " {share:.8}");
    }
    text
}
