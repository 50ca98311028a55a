//! A data set in COCO's own types, for evaluation and for writing.

use crate::formats::outline::area;
use crate::{Category, Dataset, ImageRecord, Object, Outline};
use hotcoco::Segmentation;

/// The key that says an object is VOC's `difficult`.
const DIFFICULT: &str = "difficult";

impl Dataset {
    /// The data set as COCO's records, every number as it is here. An area that is not stated is that
    /// of the mask, else that of the box. A size that is not stated is 0.
    pub fn to_coco(&self) -> hotcoco::Dataset {
        let objects =
            self.images.iter().flat_map(|image| image.objects.iter().map(move |o| (image, o)));
        hotcoco::Dataset {
            images: self.images.iter().map(image).collect(),
            annotations: objects.map(|(image, object)| annotation(image, object)).collect(),
            categories: self.categories.iter().map(category).collect(),
            ..Default::default()
        }
    }
}

fn image(record: &ImageRecord) -> hotcoco::Image {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    hotcoco::Image {
        id: record.id,
        file_name: record.name.clone(),
        height: record.stated_size.map_or(0, |size| side(size.height)),
        width: record.stated_size.map_or(0, |size| side(size.width)),
        ..Default::default()
    }
}

fn annotation(record: &ImageRecord, object: &Object) -> hotcoco::Annotation {
    let mut annotation = hotcoco::Annotation {
        id: object.id,
        image_id: record.id,
        category_id: object.category.0,
        bbox: Some([object.bbox.x, object.bbox.y, object.bbox.width, object.bbox.height]),
        area: Some(area(object, record.stated_size)),
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
