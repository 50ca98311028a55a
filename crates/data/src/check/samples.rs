//! Records to check, made by hand.

use super::annotated::AnnotatedImage;
use super::pictures::{PictureFacts, PictureState};
use super::turn::Turn;
use crate::{
    Category, CategoryId, Collection, Dataset, Finding, FindingKind, Format, ImageRecord, Object,
    ObjectBox, Outline, Place, Split,
};
use kestrel_core::ImageSize;

pub fn object(bbox: ObjectBox) -> Object {
    Object {
        id: 1,
        category: CategoryId(1),
        bbox,
        outline: None,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::file("instances.json"),
    }
}

pub fn image(size: ImageSize, objects: Vec<Object>) -> ImageRecord {
    ImageRecord {
        id: 1,
        name: "a.png".into(),
        path: "images/a.png".into(),
        stated_size: Some(size),
        objects,
        place: Place::file("instances.json"),
    }
}

/// Images `1, 2, ...` with objects `1, 2, ...` of classes `1, 2, ...`, all of them right.
pub fn dataset(size: ImageSize, categories: &[&str], objects: Vec<Vec<Object>>) -> Dataset {
    let categories = (1..).zip(categories).map(|(id, name)| category(id, name)).collect();
    let mut next_id = 1..;
    let mut record = |(id, objects): (u64, Vec<Object>)| {
        let number = |object| Object { id: next_id.next().unwrap_or_default(), ..object };
        let objects = objects.into_iter().map(number).collect();
        let (name, path) = (format!("{id}.png"), format!("images/{id}.png").into());
        ImageRecord { id, name, path, ..image(size, objects) }
    };
    Dataset { categories, images: (1..).zip(objects).map(&mut record).collect() }
}

pub fn category(id: u64, name: &str) -> Category {
    Category { id: CategoryId(id), name: name.into(), supercategory: None }
}

pub fn collection(datasets: Vec<Dataset>) -> Collection {
    let names = ["train", "val", "test"].map(str::to_owned);
    let split = |(name, dataset)| Split { name, dataset, findings: Vec::new() };
    Collection {
        format: Format::Coco,
        root: "set".into(),
        splits: names.into_iter().zip(datasets).map(split).collect(),
    }
}

/// A readable picture without orientation.
pub fn picture(size: ImageSize) -> PictureFacts {
    PictureFacts {
        stored_size: size,
        seen_size: size,
        is_grey: false,
        sha256: None,
        turn: Turn::NONE,
    }
}

/// For every image of a data set a picture of the stated size.
pub fn pictures(dataset: &Dataset) -> Vec<PictureState> {
    let stated = dataset.images.iter().filter_map(|image| image.stated_size);
    stated.map(|size| PictureState::Readable(picture(size))).collect()
}

pub fn rectangle(bounds: ObjectBox) -> Outline {
    let (left, top, right, bottom) = (bounds.x, bounds.y, bounds.right(), bounds.bottom());
    Outline::Polygons(vec![vec![left, top, right, top, right, bottom, left, bottom]])
}

pub fn kinds_of(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

/// What `check` finds in an image whose picture is of `size`.
pub fn kinds_in(
    record: &ImageRecord,
    size: ImageSize,
    check: impl Fn(&AnnotatedImage) -> Vec<Finding>,
) -> Vec<FindingKind> {
    kinds_of(&check(&AnnotatedImage::of_size(record, Some(size))))
}
