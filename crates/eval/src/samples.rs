//! Small ground truths and results for tests.

use crate::Truth;
use hotcoco::{Annotation, Category, Dataset, Image, Segmentation};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Images of 100 x 100 pixels with these ids.
pub(crate) fn images(ids: &[u64]) -> Vec<Image> {
    let image = |&id: &u64| Image {
        id,
        file_name: format!("{id}.png"),
        height: 100,
        width: 100,
        ..Image::default()
    };
    ids.iter().map(image).collect()
}

/// Classes of these ids, called `a`, `b`, ...
pub(crate) fn categories(ids: &[u64]) -> Vec<Category> {
    let name = |letter: u8| char::from(letter).to_string();
    let category =
        |(id, letter): (&u64, u8)| Category { id: *id, name: name(letter), ..Category::default() };
    ids.iter().zip(b'a'..).map(category).collect()
}

/// An object without a mask.
pub(crate) fn object(id: u64, image_id: u64, category_id: u64, bbox: [f64; 4]) -> Annotation {
    let area = Some(bbox[2] * bbox[3]);
    Annotation { id, image_id, category_id, bbox: Some(bbox), area, ..Annotation::default() }
}

/// A detection without a mask.
pub(crate) fn found(image_id: u64, category_id: u64, bbox: [f64; 4], score: f64) -> Annotation {
    let (bbox, score) = (Some(bbox), Some(score));
    Annotation { image_id, category_id, bbox, score, ..Annotation::default() }
}

/// The annotation with its box as its mask.
pub(crate) fn with_mask(mut annotation: Annotation) -> Annotation {
    let [x, y, width, height] = annotation.bbox.unwrap();
    let polygon = vec![x, y, x + width, y, x + width, y + height, x, y + height];
    annotation.segmentation = Some(Segmentation::Polygon(vec![polygon]));
    annotation
}

pub(crate) fn dataset(
    images: Vec<Image>,
    categories: Vec<Category>,
    annotations: Vec<Annotation>,
) -> Dataset {
    Dataset { images, categories, annotations, ..Dataset::default() }
}

pub(crate) fn truth(
    images: Vec<Image>,
    categories: Vec<Category>,
    objects: Vec<Annotation>,
) -> Truth {
    Truth::new(dataset(images, categories, objects)).unwrap()
}

/// The fixture of this name: ground truth and results.
pub(crate) fn fixture(name: &str) -> (Dataset, Vec<Annotation>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/eval").join(name);
    let read = |path: PathBuf| std::fs::read(path).unwrap();
    let dataset: Dataset = serde_json::from_slice(&read(folder.join("truth.json"))).unwrap();
    let truth = Truth::new(dataset.clone()).unwrap();
    (dataset, crate::read_results(&folder.join("results.json"), &truth).unwrap())
}

/// A value as the JSON a user sees.
pub(crate) fn as_json(value: &impl serde::Serialize) -> Value {
    json!(value)
}
