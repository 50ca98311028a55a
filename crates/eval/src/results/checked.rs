//! Results that can be scored: known images and classes, numbers that are numbers, whole masks.

use super::has_mask;
use crate::error::first_few;
use crate::options::MaskChoice;
use crate::{EvalError, Truth};
use hotcoco::{Annotation, COCO, Image, IouType, Segmentation};
use kestrel_core::{ImageSize, Mask, MaskError};
use std::collections::BTreeSet;

/// By what a detection and an object are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Geometry {
    Boxes,
    Masks,
}

/// A checked list of results.
pub(crate) struct Detections {
    list: Vec<Annotation>,
    /// Why masks cannot be scored.
    pub(crate) masks: Result<(), String>,
}

impl Geometry {
    pub(crate) fn iou_type(self) -> IouType {
        match self {
            Self::Boxes => IouType::Bbox,
            Self::Masks => IouType::Segm,
        }
    }
}

impl Detections {
    /// Whether masks are scored is settled here: `masks` is an error where `choice` wants them and
    /// they are missing.
    pub(crate) fn new(
        mut list: Vec<Annotation>,
        truth: &Truth,
        choice: MaskChoice,
    ) -> Result<Self, EvalError> {
        check_ids(&list, truth)?;
        for (index, detection) in list.iter_mut().enumerate() {
            check(detection, truth).map_err(|reason| EvalError::detection(index, reason))?;
        }
        same_parts(&list)?;
        let masks = match choice {
            MaskChoice::Never => Err("masks were not asked for".into()),
            MaskChoice::Always if list.is_empty() => truth.check_masks(),
            _ => truth.check_masks().and_then(|()| check_masks(&list)),
        };
        match (choice, masks) {
            (MaskChoice::Always, Err(reason)) => {
                Err(EvalError::Option { option: "masks", found: reason, expected: "masks" })
            }
            (_, masks) => Ok(Self { list, masks }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The results as hotcoco wants them. Areas are those of what is compared, as torchvision and
    /// detectron2 have it: pycocotools takes the box's area for a mask too, unless the list has no
    /// boxes.
    pub(crate) fn coco(&self, truth: &Truth, geometry: Geometry) -> Result<COCO, EvalError> {
        self.coco_of(self.list.iter(), truth, geometry)
    }

    /// [`Detections::coco`] without the detections of these ids, counted from 1.
    pub(crate) fn coco_without(
        &self,
        ids: &BTreeSet<u64>,
        truth: &Truth,
        geometry: Geometry,
    ) -> Result<COCO, EvalError> {
        let kept = (1..).zip(&self.list).filter(|(id, _)| !ids.contains(id));
        self.coco_of(kept.map(|(_, detection)| detection), truth, geometry)
    }

    fn coco_of<'a>(
        &self,
        list: impl Iterator<Item = &'a Annotation>,
        truth: &Truth,
        geometry: Geometry,
    ) -> Result<COCO, EvalError> {
        let only_what_is_compared = |detection: &Annotation| {
            let mut detection = detection.clone();
            match geometry {
                Geometry::Boxes if detection.bbox.is_some() => detection.segmentation = None,
                Geometry::Boxes => {}
                Geometry::Masks => detection.bbox = None,
            }
            detection
        };
        Ok(truth.coco.load_res_anns(list.map(only_what_is_compared).collect())?)
    }
}

fn check_ids(list: &[Annotation], truth: &Truth) -> Result<(), EvalError> {
    let unknown_images: BTreeSet<u64> = list
        .iter()
        .map(|detection| detection.image_id)
        .filter(|&id| truth.image(id).is_none())
        .collect();
    if !unknown_images.is_empty() {
        let count = unknown_images.len();
        return Err(EvalError::UnknownImages { count, first: first_few(unknown_images) });
    }
    let unknown: BTreeSet<u64> = list
        .iter()
        .map(|detection| detection.category_id)
        .filter(|&id| truth.coco.get_cat(id).is_none())
        .collect();
    if !unknown.is_empty() {
        let known = truth.classes().into_iter();
        return Err(EvalError::UnknownCategories {
            count: unknown.len(),
            first: first_few(unknown),
            known: first_few(known.map(|class| format!("{} ({})", class.category_id, class.name))),
        });
    }
    Ok(())
}

/// Checks one detection and writes its mask in the one form hotcoco derives boxes and areas from.
fn check(detection: &mut Annotation, truth: &Truth) -> Result<(), String> {
    match detection.score {
        Some(score) if score.is_finite() => {}
        Some(score) => return Err(format!("found the score {score}, expected a number")),
        None => return Err("found no score, expected a number".into()),
    }
    match detection.bbox {
        Some(bbox) if !bbox.iter().all(|value| value.is_finite()) => {
            return Err(format!("found the box {bbox:?}, expected four numbers"));
        }
        None if !has_mask(detection) => {
            return Err("found neither a box nor a mask, expected one of them".into());
        }
        _ => {}
    }
    let Some(image) = truth.image(detection.image_id).filter(|_| has_mask(detection)) else {
        detection.segmentation = None;
        return Ok(());
    };
    if let Some(segmentation) = detection.segmentation.take() {
        detection.segmentation = Some(compressed(segmentation, image)?);
    }
    Ok(())
}

fn compressed(segmentation: Segmentation, image: &Image) -> Result<Segmentation, String> {
    let in_truth = ImageSize::new(image.height as usize, image.width as usize);
    let text = |error: MaskError| error.to_string();
    let (mask, code) = match segmentation {
        Segmentation::CompressedRle { size, counts } => {
            (Mask::from_coco_string(image_size(size), &counts).map_err(text)?, Some(counts))
        }
        Segmentation::UncompressedRle { size, counts } => {
            (Mask::from_counts(image_size(size), counts).map_err(text)?, None)
        }
        Segmentation::Polygon(polygons) => {
            (Mask::from_polygons(in_truth, &polygons).map_err(text)?, None)
        }
        _ => return Err("found a mask of an unknown kind, expected run lengths or polygons".into()),
    };
    let size = mask.size();
    if size != in_truth && in_truth.area() > 0 {
        return Err(format!("found a mask of {size}, expected the image's {in_truth}"));
    }
    let counts = code.unwrap_or_else(|| mask.to_coco_string());
    Ok(Segmentation::CompressedRle { size: [size.height as u32, size.width as u32], counts })
}

fn image_size([height, width]: [u32; 2]) -> ImageSize {
    ImageSize::new(height as usize, width as usize)
}

/// hotcoco, as pycocotools, judges the whole list by its first entry.
fn same_parts(list: &[Annotation]) -> Result<(), EvalError> {
    let Some(first) = list.first() else { return Ok(()) };
    match list.iter().position(|detection| detection.bbox.is_some() != first.bbox.is_some()) {
        None => Ok(()),
        Some(index) => {
            let reason = "found a list where some have a box and some have not, expected one kind";
            Err(EvalError::detection(index, reason))
        }
    }
}

fn check_masks(list: &[Annotation]) -> Result<(), String> {
    match (list.len(), list.iter().filter(|detection| !has_mask(detection)).count()) {
        (0, _) => Err("there are no detections".into()),
        (_, 0) => Ok(()),
        (all, without) => Err(format!("{without} of the {all} detections have no mask")),
    }
}
