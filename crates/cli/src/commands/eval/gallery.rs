//! The images a detector did worst on, each with its ground truth and what was found side by side.

use anyhow::Result;
use kestrel_core::{BBox, ImageSize, Mask, RgbImage};
use kestrel_data::{DecodeLimits, Split, decode, jpeg_bytes};
use kestrel_draw::{
    Annotation as Drawn, Color, DrawStyle, Tile, contact_sheet, draw_annotations, shrunk,
};
use kestrel_eval::{Annotation, Evaluation, GalleryPicture, ImageScore, PictureFormat};
use std::collections::BTreeMap;

/// Longest side of a picture in the gallery, in pixels.
const SIDE_PX: usize = 480;

/// Draws the worst images of the evaluation; one that cannot be decoded is left out.
pub(super) fn draw(
    split: &Split,
    evaluation: &Evaluation,
    results: &[Annotation],
    num: usize,
) -> Result<Vec<GalleryPicture>> {
    let mut found: BTreeMap<u64, Vec<&Annotation>> = BTreeMap::new();
    let threshold = evaluation.finest().score_threshold;
    for result in results.iter().filter(|result| result.score.unwrap_or(0.0) >= threshold) {
        found.entry(result.image_id).or_default().push(result);
    }
    let mut gallery = Vec::new();
    for image in evaluation.worst_images(num) {
        let detections = found.get(&image.image_id).map_or(&[][..], Vec::as_slice);
        if let Some(picture) = side_by_side(split, image, detections) {
            let bytes = jpeg_bytes(&picture)?;
            gallery.push(GalleryPicture {
                bytes,
                format: PictureFormat::Jpeg,
                caption: caption(image),
            });
        }
    }
    Ok(gallery)
}

fn caption(image: &ImageScore) -> String {
    format!(
        "{}: {} found, {} missed, {} wrong (F1 {:.2})",
        image.file_name,
        image.true_positives,
        image.false_negatives,
        image.false_positives,
        image.f1
    )
}

fn side_by_side(split: &Split, image: &ImageScore, detections: &[&Annotation]) -> Option<RgbImage> {
    let record = split.dataset.images.iter().find(|record| record.id == image.image_id)?;
    let picture = decode(&record.path, &DecodeLimits::default()).ok()?;
    let size = picture.size();
    let names: BTreeMap<u64, &str> =
        split.dataset.categories.iter().map(|known| (known.id.0, known.name.as_str())).collect();
    let name = |id: u64| names.get(&id).copied().unwrap_or("unknown class");
    let truth = record.objects.iter().map(|object| Shape {
        corners: [object.bbox.x, object.bbox.y, object.bbox.right(), object.bbox.bottom()],
        mask: object.outline.as_ref().and_then(|outline| outline.to_mask(size).ok()),
        text: name(object.category.0).to_owned(),
    });
    let found = detections.iter().map(|result| {
        let [x, y, width, height] = result.bbox.unwrap_or_default();
        Shape {
            corners: [x, y, x + width, y + height],
            mask: mask_of(result, size),
            text: format!("{} {:.2}", name(result.category_id), result.score.unwrap_or(0.0)),
        }
    });
    let truth = Tile { picture: drawn(&picture, truth.collect()), caption: "ground truth".into() };
    let found = Tile { picture: drawn(&picture, found.collect()), caption: "found".into() };
    let longest = size.height.max(size.width);
    Some(contact_sheet(&[truth, found], 2, longest.min(SIDE_PX)))
}

/// Something to be drawn, in pixels of the picture.
struct Shape {
    corners: [f64; 4],
    mask: Option<Mask>,
    text: String,
}

impl Shape {
    fn annotation(&self, place: usize) -> Drawn<'_> {
        Drawn {
            bbox: BBox::from(self.corners.map(|value| value as f32)),
            mask: self.mask.as_ref(),
            text: self.text.clone(),
            color: Color::distinct(place),
        }
    }
}

fn mask_of(result: &Annotation, size: ImageSize) -> Option<Mask> {
    let rle = result.segmentation.as_ref()?.rle_ref()?.to_rle().ok()?;
    let found = ImageSize::new(rle.h as usize, rle.w as usize);
    if found != size {
        return None;
    }
    Mask::from_counts(size, rle.counts).ok()
}

fn drawn(picture: &RgbImage, shapes: Vec<Shape>) -> RgbImage {
    let mut picture = picture.clone();
    let annotations: Vec<Drawn> =
        shapes.iter().enumerate().map(|(place, shape)| shape.annotation(place)).collect();
    draw_annotations(&mut picture, &annotations, &DrawStyle::default());
    shrunk(&picture, SIDE_PX)
}
