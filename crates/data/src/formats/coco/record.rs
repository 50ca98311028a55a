//! One record of a COCO file: an image, an annotation or a category.

use super::document::without_place;
use super::segmentation::Segmentation;
use crate::formats::outline::bounds;
use crate::{Category, CategoryId, FindingKind, Object, ObjectBox, Place};
use hotcoco::types::{id_from_f64, placeholder_cat_name};
use kestrel_core::ImageSize;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::path::Path;

/// How much of a wrong value a finding repeats.
const MAX_QUOTED_CHARS: usize = 60;

/// What is wrong with a record or a part of it.
#[derive(Debug)]
pub struct Problem {
    pub kind: FindingKind,
    pub detail: String,
}

/// A record of `images`, its picture not yet looked for.
pub struct Image {
    pub id: u64,
    pub name: String,
    pub stated_size: Option<ImageSize>,
    /// Why a size that is there could not be read.
    pub lacking: Option<Problem>,
}

/// A record of `annotations`.
pub struct Annotation {
    pub image_id: u64,
    pub object: Object,
    /// What could not be read and is missing in the object.
    pub lacking: Vec<Problem>,
}

/// An annotation that gives no object.
pub struct Rejected {
    pub id: Option<u64>,
    pub problem: Problem,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ImageFields<'t> {
    #[serde(borrow)]
    id: Option<&'t RawValue>,
    #[serde(borrow)]
    file_name: Option<&'t RawValue>,
    #[serde(borrow)]
    height: Option<&'t RawValue>,
    #[serde(borrow)]
    width: Option<&'t RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct AnnotationFields<'t> {
    #[serde(borrow)]
    id: Option<&'t RawValue>,
    #[serde(borrow)]
    image_id: Option<&'t RawValue>,
    #[serde(borrow)]
    category_id: Option<&'t RawValue>,
    #[serde(borrow)]
    bbox: Option<&'t RawValue>,
    #[serde(borrow)]
    segmentation: Option<&'t RawValue>,
    #[serde(borrow)]
    area: Option<&'t RawValue>,
    #[serde(borrow)]
    iscrowd: Option<&'t RawValue>,
    #[serde(borrow)]
    difficult: Option<&'t RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct CategoryFields<'t> {
    #[serde(borrow)]
    id: Option<&'t RawValue>,
    #[serde(borrow)]
    name: Option<&'t RawValue>,
    #[serde(borrow)]
    supercategory: Option<&'t RawValue>,
}

pub fn image(raw: &RawValue) -> Result<Image, Problem> {
    let fields: ImageFields = fields(raw)?;
    let id = whole("id", fields.id)?;
    let name = text("file_name", fields.file_name)?.replace('\\', "/");
    let (stated_size, lacking) = match size(&fields) {
        Ok(stated_size) => (stated_size, None),
        Err(problem) => (None, Some(problem)),
    };
    Ok(Image { id, name, stated_size, lacking })
}

pub fn category(raw: &RawValue) -> Result<Category, Problem> {
    let fields: CategoryFields = fields(raw)?;
    let id = whole("id", fields.id)?;
    let name = match fields.name {
        Some(name) => text("name", Some(name))?,
        None => placeholder_cat_name(id),
    };
    let supercategory = fields.supercategory.map(|raw| text("supercategory", Some(raw)));
    Ok(Category { id: CategoryId(id), name, supercategory: supercategory.transpose()? })
}

/// The object that a record of `annotations` in `file` describes.
pub fn annotation(raw: &RawValue, file: &Path) -> Result<Annotation, Rejected> {
    let fields: AnnotationFields = fields(raw).map_err(|problem| Rejected { id: None, problem })?;
    let id = whole("id", fields.id).map_err(|problem| Rejected { id: None, problem })?;
    understood(&fields, id, file).map_err(|problem| Rejected { id: Some(id), problem })
}

fn understood(fields: &AnnotationFields, id: u64, file: &Path) -> Result<Annotation, Problem> {
    let image_id = whole("image_id", fields.image_id)?;
    let category = CategoryId(whole("category_id", fields.category_id)?);
    let crowd = flag("iscrowd", fields.iscrowd)?;
    let difficult = flag("difficult", fields.difficult)?;
    let stated_box = fields.bbox.map(bbox).transpose()?;
    let mut lacking = Vec::new();
    let outline = keep(fields.segmentation.map(outline).transpose(), &mut lacking).flatten();
    let area = keep(fields.area.map(|raw| number("area", raw)).transpose(), &mut lacking);
    let around = || outline.as_ref().map(bounds);
    let Some(bbox) = stated_box.or_else(around) else {
        return Err(lacking.into_iter().next().unwrap_or_else(|| missing("bbox", "a box")));
    };
    let place = Place::annotation(file, id);
    let object = Object { id, category, bbox, outline, area, crowd, difficult, place };
    Ok(Annotation { image_id, object, lacking })
}

/// The value, or nothing and a word on why.
fn keep<T>(read: Result<Option<T>, Problem>, lacking: &mut Vec<Problem>) -> Option<T> {
    read.unwrap_or_else(|problem| {
        lacking.push(problem);
        None
    })
}

fn fields<'t, T: Deserialize<'t>>(raw: &'t RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let found = quoted(raw);
        malformed(format!("{found} is no record: {}", without_place(&error)))
    })
}

/// Both sides, or neither where the file does not state them: COCO tools write 0 for that.
fn size(fields: &ImageFields) -> Result<Option<ImageSize>, Problem> {
    let side = |field, raw: Option<&RawValue>| match raw {
        Some(raw) => match whole(field, Some(raw))? {
            // Products of two sides are taken everywhere.
            side if side <= u64::from(u32::MAX) => Ok(side as usize),
            _ => Err(wrong(field, raw, "a number of pixels below 2^32")),
        },
        None => Ok(0),
    };
    let size = ImageSize::new(side("height", fields.height)?, side("width", fields.width)?);
    Ok((size.height > 0 && size.width > 0).then_some(size))
}

fn bbox(raw: &RawValue) -> Result<ObjectBox, Problem> {
    let [x, y, width, height] = serde_json::from_str(raw.get())
        .map_err(|_| wrong("bbox", raw, "four numbers: x, y, width, height"))?;
    Ok(ObjectBox { x, y, width, height })
}

fn outline(raw: &RawValue) -> Result<Option<crate::Outline>, Problem> {
    let expected = "a list of polygons, or an object with `size` and `counts`";
    let segmentation = Segmentation::parse(raw.get())
        .map_err(|error| wrong("segmentation", raw, &format!("{expected} ({error})")))?;
    segmentation.outline().map_err(|reason| Problem {
        kind: FindingKind::InvalidMask,
        detail: format!("`segmentation` cannot be drawn: {reason}"),
    })
}

fn whole(field: &str, raw: Option<&RawValue>) -> Result<u64, Problem> {
    let expected = "a whole number, 0 or more";
    let raw = raw.ok_or_else(|| missing(field, expected))?;
    let exact = serde_json::from_str(raw.get()).ok();
    let spelt_as_float = || id_from_f64(serde_json::from_str(raw.get()).ok()?);
    exact.or_else(spelt_as_float).ok_or_else(|| wrong(field, raw, expected))
}

fn number(field: &str, raw: &RawValue) -> Result<f64, Problem> {
    serde_json::from_str(raw.get()).map_err(|_| wrong(field, raw, "a number"))
}

fn text(field: &str, raw: Option<&RawValue>) -> Result<String, Problem> {
    let raw = raw.ok_or_else(|| missing(field, "a text"))?;
    serde_json::from_str(raw.get()).map_err(|_| wrong(field, raw, "a text"))
}

/// `0`, `1`, `false`, `true` or `1.0`; absent is no.
fn flag(field: &str, raw: Option<&RawValue>) -> Result<bool, Problem> {
    let Some(raw) = raw else { return Ok(false) };
    match serde_json::from_str(raw.get()) {
        Ok(Value::Bool(flag)) => Ok(flag),
        Ok(Value::Number(number)) => Ok(number.as_f64() != Some(0.0)),
        _ => Err(wrong(field, raw, "0 or 1")),
    }
}

fn wrong(field: &str, raw: &RawValue, expected: &str) -> Problem {
    malformed(format!("`{field}` is {}, expected {expected}", quoted(raw)))
}

fn missing(field: &str, expected: &str) -> Problem {
    malformed(format!("`{field}` is missing, expected {expected}"))
}

fn malformed(detail: String) -> Problem {
    Problem { kind: FindingKind::MalformedAnnotation, detail }
}

/// The beginning of a value, on one line.
fn quoted(raw: &RawValue) -> String {
    let mut start: String = raw.get().split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = start.char_indices().nth(MAX_QUOTED_CHARS) {
        start.truncate(end);
        start.push_str(" ...");
    }
    start
}
