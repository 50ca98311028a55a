//! A data set in COCO's own types, for evaluation and for writing.

use crate::formats::outline::area;
use crate::{Category, Dataset, DecodeLimits, ImageRecord, Object, Outline, probe};
use hotcoco::Segmentation;
use kestrel_core::ImageSize;
use rayon::prelude::*;

/// The key that says an object is VOC's `difficult`.
const DIFFICULT: &str = "difficult";

impl Dataset {
    /// The data set as COCO's records, every number as it is here. An area that is not stated is that
    /// of the mask, else that of the box. A size that is not stated is that of the picture where
    /// polygons could not be drawn without it, as in VIA's files, which have none; else 0.
    pub fn to_coco(&self) -> hotcoco::Dataset {
        let sizes: Vec<Option<ImageSize>> = self.images.par_iter().map(size).collect();
        let images = || self.images.iter().zip(sizes.iter().copied());
        let annotations = images().flat_map(|(record, size)| {
            record.objects.iter().map(move |object| annotation(record.id, size, object))
        });
        hotcoco::Dataset {
            images: images().map(|(record, size)| image(record, size)).collect(),
            annotations: annotations.collect(),
            categories: self.categories.iter().map(category).collect(),
            ..Default::default()
        }
    }
}

/// The size as stated, else, where an object is drawn in it, that of the picture. The record itself
/// keeps what is stated, since a check compares that with the picture.
fn size(record: &ImageRecord) -> Option<ImageSize> {
    let is_polygon = |object: &Object| matches!(object.outline, Some(Outline::Polygons(_)));
    if record.stated_size.is_some() || !record.objects.iter().any(is_polygon) {
        return record.stated_size;
    }
    probe(&record.path, &DecodeLimits::default()).ok()
}

fn image(record: &ImageRecord, size: Option<ImageSize>) -> hotcoco::Image {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    hotcoco::Image {
        id: record.id,
        file_name: record.name.clone(),
        height: size.map_or(0, |size| side(size.height)),
        width: size.map_or(0, |size| side(size.width)),
        ..Default::default()
    }
}

fn annotation(image_id: u64, size: Option<ImageSize>, object: &Object) -> hotcoco::Annotation {
    let mut annotation = hotcoco::Annotation {
        id: object.id,
        image_id,
        category_id: object.category.0,
        bbox: Some([object.bbox.x, object.bbox.y, object.bbox.width, object.bbox.height]),
        area: Some(area(object, size)),
        segmentation: object.outline.as_ref().map(segmentation),
        iscrowd: object.crowd,
        ..Default::default()
    };
    if object.difficult {
        annotation.extra.insert(DIFFICULT, 1.into());
    }
    annotation
}

fn segmentation(outline: &Outline) -> Segmentation {
    match outline {
        Outline::Polygons(polygons) => Segmentation::Polygon(polygons.clone()),
        Outline::Mask(mask) => Segmentation::CompressedRle {
            // `coco_size` of the mask's own constructors bounds both sides.
            size: [mask.size().height as u32, mask.size().width as u32],
            counts: mask.to_coco_string(),
        },
    }
}

fn category(category: &Category) -> hotcoco::Category {
    hotcoco::Category {
        id: category.id.0,
        name: category.name.clone(),
        supercategory: category.supercategory.clone(),
        ..Default::default()
    }
}
