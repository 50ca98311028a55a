//! COCO json, with the keys that detection tools read and no others.
//!
//! Difference from what `hotcoco` writes: `iscrowd` is 0 or 1 as COCO has it, and what is not known
//! is left out instead of `null`, which some readers stumble over.

use super::classes::has_finite_box;
use super::pictures::Pictures;
use super::{LossKind, WriteError, WriteSummary, make, size_of};
use crate::{Collection, Dataset, split_file_names};
use hotcoco::{Extra, Segmentation};
use kestrel_core::write_whole;
use serde::Serialize;
use std::io;
use std::path::Path;

/// Writes the data set as one COCO json. Names of images and all numbers stay as they are.
///
/// # Errors
/// When the file cannot be written.
pub fn write_coco(dataset: &Dataset, path: &Path) -> Result<(), WriteError> {
    let coco = dataset.to_coco();
    let json = serde_json::to_vec(&Document::from(&coco)).map_err(io::Error::from);
    json.and_then(|json| write_whole(path, &json)).map_err(|source| WriteError::io(path, source))
}

pub fn write(
    collection: &Collection,
    folder: &Path,
    pictures: &mut Pictures,
    summary: &mut WriteSummary,
) -> Result<(), WriteError> {
    let annotations = folder.join("annotations");
    make(&annotations)?;
    for (split, name) in collection.splits.iter().zip(split_file_names(&collection.splits)) {
        let mut dataset = pictures.named_from(&annotations, &split.dataset).into_owned();
        for record in &mut dataset.images {
            if !pictures.stay() {
                record.name = pictures.place(record, &folder.join(&name), summary)?;
            }
            record.stated_size = size_of(record);
            let num_objects = record.objects.len();
            record.objects.retain(has_finite_box);
            summary.lose(LossKind::NonFiniteBoxes, num_objects - record.objects.len());
        }
        write_coco(&dataset, &annotations.join(format!("instances_{name}.json")))?;
        summary.images += dataset.images.len();
        summary.objects += dataset.num_objects();
    }
    Ok(())
}

#[derive(Serialize)]
struct Document<'d> {
    info: Info,
    licenses: [(); 0],
    images: Vec<Image<'d>>,
    annotations: Vec<Annotation<'d>>,
    categories: Vec<Category<'d>>,
}

#[derive(Serialize)]
struct Info {
    description: &'static str,
}

#[derive(Serialize)]
struct Image<'d> {
    id: u64,
    file_name: &'d str,
    #[serde(skip_serializing_if = "is_unknown")]
    height: u32,
    #[serde(skip_serializing_if = "is_unknown")]
    width: u32,
}

#[derive(Serialize)]
struct Annotation<'d> {
    id: u64,
    image_id: u64,
    category_id: u64,
    bbox: Option<[f64; 4]>,
    area: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<&'d Segmentation>,
    iscrowd: u8,
    #[serde(flatten)]
    extra: &'d Extra,
}

#[derive(Serialize)]
struct Category<'d> {
    id: u64,
    name: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    supercategory: Option<&'d str>,
}

fn is_unknown(side: &u32) -> bool {
    *side == 0
}

impl<'d> From<&'d hotcoco::Dataset> for Document<'d> {
    fn from(coco: &'d hotcoco::Dataset) -> Self {
        Self {
            info: Info { description: "written by Kestrel" },
            licenses: [],
            images: coco.images.iter().map(Image::from).collect(),
            annotations: coco.annotations.iter().map(Annotation::from).collect(),
            categories: coco.categories.iter().map(Category::from).collect(),
        }
    }
}

impl<'d> From<&'d hotcoco::Image> for Image<'d> {
    fn from(image: &'d hotcoco::Image) -> Self {
        let hotcoco::Image { id, height, width, .. } = *image;
        Self { id, file_name: &image.file_name, height, width }
    }
}

impl<'d> From<&'d hotcoco::Annotation> for Annotation<'d> {
    fn from(annotation: &'d hotcoco::Annotation) -> Self {
        Self {
            id: annotation.id,
            image_id: annotation.image_id,
            category_id: annotation.category_id,
            bbox: annotation.bbox,
            area: annotation.area,
            segmentation: annotation.segmentation.as_ref(),
            iscrowd: annotation.iscrowd.into(),
            extra: &annotation.extra,
        }
    }
}

impl<'d> From<&'d hotcoco::Category> for Category<'d> {
    fn from(category: &'d hotcoco::Category) -> Self {
        let supercategory = category.supercategory.as_deref();
        Self { id: category.id, name: &category.name, supercategory }
    }
}
