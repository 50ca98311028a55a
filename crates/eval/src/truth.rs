//! The ground truth, checked once.
//!
//! Ids that are used twice make every number ambiguous (pycocotools counts such an object twice in
//! one place and once in another), and a box that holds no number is never found: both are refused.

use crate::error::{EvalError, first_few};
use crate::results::has_mask;
use hotcoco::{Annotation, COCO, Dataset, Image};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Images, classes and objects that results can be scored against.
#[derive(Clone)]
pub struct Truth {
    pub(crate) coco: Arc<COCO>,
}

/// A class of the ground truth.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Class {
    /// Its number in the data set.
    pub category_id: u64,
    /// Its name.
    pub name: String,
}

impl Truth {
    /// Takes the ground truth as COCO writes it. A class without a name gets one.
    ///
    /// Objects on images, or of classes, that the data set does not list are not scored, as in
    /// pycocotools.
    ///
    /// # Errors
    /// When two images, two classes or two objects share an id, or a box is missing or not a
    /// number.
    pub fn new(mut dataset: Dataset) -> Result<Self, EvalError> {
        unique("images", dataset.images.iter().map(|image| image.id))?;
        unique("classes", dataset.categories.iter().map(|category| category.id))?;
        unique("objects", dataset.annotations.iter().map(|object| object.id))?;
        dataset.annotations.iter().try_for_each(check_box)?;
        for category in &mut dataset.categories {
            if category.name.is_empty() {
                category.name = format!("class {}", category.id);
            }
        }
        Ok(Self { coco: Arc::new(COCO::from_dataset(dataset)) })
    }

    /// What was taken.
    pub fn dataset(&self) -> &Dataset {
        &self.coco.dataset
    }

    /// All classes by rising id: the order of every table.
    pub fn classes(&self) -> Vec<Class> {
        let name = |category_id| Class { category_id, name: self.coco.cat_name(category_id) };
        self.coco.get_cat_ids(&[], &[], &[]).into_iter().map(name).collect()
    }

    pub(crate) fn image(&self, id: u64) -> Option<&Image> {
        self.coco.get_img(id)
    }

    /// Whether every object has a shape that can be compared, and there is one at all; why not
    /// otherwise.
    pub(crate) fn check_masks(&self) -> Result<(), String> {
        if self.dataset().annotations.is_empty() {
            return Err("the ground truth has no objects".into());
        }
        self.dataset().annotations.iter().try_for_each(|object| {
            self.check_mask(object).map_err(|reason| format!("object {} {reason}", object.id))
        })
    }

    fn check_mask(&self, object: &Annotation) -> Result<(), String> {
        // Not scored.
        let Some(image) = self.image(object.image_id) else { return Ok(()) };
        let Some(segmentation) = object.segmentation.as_ref().filter(|_| has_mask(object)) else {
            return Err("has no mask".into());
        };
        let Some(runs) = segmentation.rle_ref() else {
            return match image.height.min(image.width) {
                0 => Err(format!("is a polygon on image {}, which states no size", image.id)),
                _ => Ok(()),
            };
        };
        let mask = runs.to_rle().map_err(|error| format!("has a broken mask: {error}"))?;
        match (mask.w, mask.h) == (image.width, image.height) {
            true => Ok(()),
            false => Err(format!(
                "has a mask of {}x{} on an image of {}x{}",
                mask.w, mask.h, image.width, image.height
            )),
        }
    }
}

fn unique(what: &str, ids: impl Iterator<Item = u64>) -> Result<(), EvalError> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<u64> = ids.filter(|&id| !seen.insert(id)).collect();
    if twice.is_empty() {
        return Ok(());
    }
    let ids = first_few(twice);
    Err(EvalError::truth(format!("found {what} that share the ids {ids}, expected an id each")))
}

fn check_box(object: &Annotation) -> Result<(), EvalError> {
    let found = match object.bbox {
        Some(bbox) if bbox.iter().all(|value| value.is_finite()) => return Ok(()),
        Some(bbox) => format!("found the box {bbox:?}"),
        None => "found no box".into(),
    };
    Err(EvalError::truth(format!("object {}: {found}, expected four numbers", object.id)))
}
