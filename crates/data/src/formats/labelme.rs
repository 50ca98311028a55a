//! LabelMe: one JSON an image, as the labelme program writes it.
//!
//! Source: K. Wada, labelme (2016 on), the files of its versions 3 to 5. Read are polygons, rectangles
//! and circles (the middle and a point on the rim); what becomes of each is told in
//! [`super::marked`]. Shapes of one class with the same `group_id` are parts of one object. Lines,
//! points and AI masks are findings.
//!
//! Only pictures with a file are in the set: labelme writes none for a picture that nobody looked
//! at, so one without a file says nothing about what it shows.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::FormatError;
use super::counted;
use super::locate::stem;
use super::marked::{self, Ellipse, MarkedImage, MarkedObject, MarkedSplit, Region};
use super::marking_json::{kind, kind_at, locate, read_bytes, read_map, text, with_slashes};
use super::split_folders::{SplitFolder, WHOLE, files, name, split_folders};
use crate::dataset::{Finding, FindingKind, ObjectBox, Place, Split};
use crate::inputs::PICTURE_EXTENSIONS;
use kestrel_core::ImageSize;
use rayon::prelude::*;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

const EXPECTED: &str = "a LabelMe file: a map with \"shapes\" and \"imagePath\"";
const SHAPES: &str = "shapes";
/// Keys of COCO's files: no need to read on.
const FOREIGN_KEYS: [&str; 3] = ["images", "annotations", "categories"];
/// Where the files of a set may lie, beside pictures in another folder.
const FILE_FOLDERS: [&str; 4] = ["", "annotations", "labels", "json"];
const PICTURE_FOLDERS: [&str; 2] = ["images", "../images"];

/// Whether `root` is a LabelMe file, or it or a split in it holds one. A name does not tell, so the
/// keys of each JSON file are looked at until one does.
pub(super) fn recognises(root: &Path) -> bool {
    if root.is_file() { is_labelme(root) } else { !split_folders(root, is_set).is_empty() }
}

/// Reads all LabelMe files. One that is no JSON is a finding.
///
/// # Errors
/// When there is none, or none that can be read.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    if root.is_file() {
        return Ok(marked::splits(vec![read_split(WHOLE, &[root.into()])?]));
    }
    let folders = split_folders(root, is_set);
    if folders.is_empty() {
        return Err(FormatError::Unknown { path: root.into(), found: "no LabelMe json".into() });
    }
    let split = |folder: &SplitFolder| read_split(&folder.name, &json_files(&folder.path));
    Ok(marked::splits(folders.iter().map(split).collect::<Result<Vec<_>, _>>()?))
}

fn is_set(folder: &Path) -> bool {
    json_files(folder).iter().any(|path| is_labelme(path))
}

/// The JSON files of the first folder that has any.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let in_folder = |name| files(&folder.join(name), &["json"]).unwrap_or_default();
    FILE_FOLDERS.into_iter().map(in_folder).find(|files| !files.is_empty()).unwrap_or_default()
}

fn is_labelme(path: &Path) -> bool {
    let Ok(bytes) = read_bytes(path) else { return false };
    let mut has_shapes = false;
    // The visitor stops where it knows enough, which serde takes for an error.
    let _ = serde_json::Deserializer::from_slice(&bytes).deserialize_map(Keys(&mut has_shapes));
    has_shapes
}

struct Keys<'a>(&'a mut bool);

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            *self.0 = key == SHAPES;
            if *self.0 || FOREIGN_KEYS.contains(&key.as_str()) {
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

fn read_split(name: &str, files: &[PathBuf]) -> Result<MarkedSplit, FormatError> {
    let read: Vec<_> = files.par_iter().map(|path| read_image(path)).collect();
    let mut split = MarkedSplit { name: name.into(), images: Vec::new(), findings: Vec::new() };
    let mut first_error = None;
    for image in read {
        match image {
            Ok((image, findings)) => {
                split.images.push(image);
                split.findings.extend(findings);
            }
            Err(error) => {
                split.findings.push(unreadable(&error));
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if split.images.is_empty() => Err(error),
        _ => Ok(split),
    }
}

fn unreadable(error: &FormatError) -> Finding {
    let (place, detail) = match error {
        FormatError::Content { path, line, found, expected } => (
            Place { file: path.clone(), line: *line, annotation: None },
            format!("found {found}, expected {expected}"),
        ),
        FormatError::Io { path, source } => (Place::file(path), format!("cannot read: {source}")),
        FormatError::Unknown { path, found } => (Place::file(path), found.clone()),
    };
    Finding { kind: FindingKind::MalformedAnnotation, place, detail }
}

fn read_image(path: &Path) -> Result<(MarkedImage, Vec<Finding>), FormatError> {
    let map = read_map(path, EXPECTED)?;
    let Some(Value::Array(shapes)) = map.get(SHAPES) else {
        return Err(FormatError::Content {
            path: path.into(),
            line: None,
            found: format!("{} as \"{SHAPES}\"", kind_at(&map, SHAPES)),
            expected: EXPECTED.into(),
        });
    };
    let (objects, findings) = objects(path, shapes);
    let picture = picture(path, text(&map, "imagePath"));
    let name = picture_name(path, &picture);
    let stated_size = stated_size(&map);
    let place = Place::file(path);
    Ok((MarkedImage { name, path: picture, stated_size, place, objects }, findings))
}

/// The picture that the file names; where that is not there, since people rename and move, one
/// called like the file.
fn picture(file: &Path, stated: Option<&str>) -> PathBuf {
    let stated = stated.map(|name| locate(file, &with_slashes(name), &PICTURE_FOLDERS));
    if let Some(path) = stated.as_ref().filter(|path| path.is_file()) {
        return path.clone();
    }
    let stem = stem(file);
    let alike = PICTURE_EXTENSIONS.iter().map(|extension| format!("{stem}.{extension}"));
    let mut alike = alike.map(|name| locate(file, &name, &PICTURE_FOLDERS));
    let found = alike.find(|path| path.is_file());
    found.or(stated).unwrap_or_else(|| file.with_extension("jpg"))
}

/// The picture as seen from the folder of the file, or its bare name where it lies elsewhere.
fn picture_name(file: &Path, picture: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    match picture.strip_prefix(folder) {
        Ok(within) => with_slashes(&within.to_string_lossy()),
        Err(_) => name(picture),
    }
}

fn stated_size(map: &Map<String, Value>) -> Option<ImageSize> {
    let side = |key| map.get(key).and_then(Value::as_u64).and_then(|side| u32::try_from(side).ok());
    let (height, width) = (side("imageHeight")?, side("imageWidth")?);
    Some(ImageSize::new(height as usize, width as usize))
}

/// Objects in the order of their first shape, and shapes that are none.
fn objects(file: &Path, shapes: &[Value]) -> (Vec<MarkedObject>, Vec<Finding>) {
    let (mut objects, mut findings) = (Vec::<MarkedObject>::new(), Vec::new());
    let mut groups: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (number, shape) in (1..).zip(shapes) {
        let place = Place::annotation(file, number);
        let Shape { class, group, region } = match Shape::of(shape) {
            Ok(shape) => shape,
            Err((kind, detail)) => {
                findings.push(Finding { kind, place, detail });
                continue;
            }
        };
        let key = group.map(|group| (class.clone(), group));
        match key.as_ref().and_then(|key| groups.get(key)) {
            Some(&object) => objects[object].regions.push(region),
            None => {
                groups.extend(key.map(|key| (key, objects.len())));
                objects.push(MarkedObject { class, regions: vec![region], place });
            }
        }
    }
    (objects, findings)
}

struct Shape {
    class: String,
    /// What the shapes of one object share, as text.
    group: Option<String>,
    region: Region,
}

impl Shape {
    fn of(shape: &Value) -> Result<Self, (FindingKind, String)> {
        let malformed = |detail| (FindingKind::MalformedAnnotation, detail);
        let map = shape.as_object().ok_or_else(|| {
            malformed(format!("found {} as a shape, expected a map", kind(shape)))
        })?;
        let class = text(map, "label").ok_or_else(|| {
            let found = kind_at(map, "label");
            (
                FindingKind::UnknownClass,
                format!("found {found} as \"label\", expected a class name"),
            )
        })?;
        let points = points(map).map_err(malformed)?;
        // Files older than version 3.3 have polygons alone, and do not say so.
        let region = match text(map, "shape_type").unwrap_or("polygon") {
            "polygon" => Region::polygon(points.concat()),
            "rectangle" => rectangle(&points),
            "circle" => circle(&points),
            other => {
                let detail =
                    format!("found the shape \"{other}\", expected polygon, rectangle or circle");
                return Err(malformed(detail));
            }
        };
        let region =
            region.map_err(|found| (FindingKind::InvalidMask, format!("found {found}")))?;
        let group = map.get("group_id").filter(|group| !group.is_null()).map(Value::to_string);
        Ok(Self { class: class.into(), group, region })
    }
}

fn points(shape: &Map<String, Value>) -> Result<Vec<[f64; 2]>, String> {
    let list = shape.get("points").and_then(Value::as_array).ok_or_else(|| {
        format!("found {} as \"points\", expected a list", kind_at(shape, "points"))
    })?;
    let point = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([x, y]) => Some([x.as_f64()?, y.as_f64()?]),
        _ => None,
    };
    let expected = || "found a point that is none, expected two numbers each".to_owned();
    list.iter().map(point).collect::<Option<_>>().ok_or_else(expected)
}

/// Two opposite corners, or since version 5.5 all four; the box around them.
fn rectangle(points: &[[f64; 2]]) -> Result<Region, String> {
    if !matches!(points.len(), 2 | 4) {
        let found = counted(points.len(), "point");
        return Err(format!("a rectangle of {found}, expected two corners"));
    }
    let range = |axis: usize| {
        let values = points.iter().map(|point| point[axis]);
        values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)))
    };
    let ((x1, x2), (y1, y2)) = (range(0), range(1));
    Ok(Region::Rectangle(ObjectBox::from_corners(x1, y1, x2, y2)))
}

fn circle(points: &[[f64; 2]]) -> Result<Region, String> {
    let &[[x, y], [rim_x, rim_y]] = points else {
        let found = counted(points.len(), "point");
        return Err(format!("a circle of {found}, expected the middle and one on the rim"));
    };
    let radius = (rim_x - x).hypot(rim_y - y);
    Region::ellipse(Ellipse { x, y, x_radius: radius, y_radius: radius, turn_radians: 0.0 })
}
