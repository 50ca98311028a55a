//! Results made in this process instead of read, and written for others.

use hotcoco::{Annotation, Segmentation};
use kestrel_core::Detection;
use serde_json::{Value, json};

/// A detection as a COCO result; `category_id` is the data set's number for its class.
pub fn found(image_id: u64, category_id: u64, detection: &Detection) -> Annotation {
    let [x1, y1, x2, y2] = <[f32; 4]>::from(detection.bbox).map(f64::from);
    let segmentation = detection.mask.as_ref().map(|mask| Segmentation::CompressedRle {
        size: [mask.size().height, mask.size().width].map(|side| side as u32),
        counts: mask.to_coco_string(),
    });
    Annotation {
        image_id,
        category_id,
        bbox: Some([x1, y1, x2 - x1, y2 - y1]),
        score: Some(f64::from(detection.score)),
        segmentation,
        ..Annotation::default()
    }
}

/// Results as COCO's results list, with the keys of that format and no others.
pub fn results_json(results: &[Annotation]) -> String {
    let entry = |result: &Annotation| {
        let mut entry = json!({
            "image_id": result.image_id,
            "category_id": result.category_id,
            "bbox": result.bbox,
            "score": result.score,
        });
        if let Some(segmentation) = &result.segmentation {
            entry["segmentation"] = json!(segmentation);
        }
        entry
    };
    Value::Array(results.iter().map(entry).collect()).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::{BBox, ImageSize, Label, Mask};

    #[test]
    fn what_is_written_reads_back() {
        let mask = Mask::from_bitmap(ImageSize::new(2, 3), &[0, 1, 1, 0, 1, 1]).unwrap();
        let bbox = BBox::new(1.0, 0.0, 3.0, 2.0);
        let detection = Detection { bbox, label: Label(1), score: 0.1, mask: Some(mask) };
        let result = found(7, 3, &detection);
        let back: Vec<Annotation> =
            serde_json::from_str(&results_json(std::slice::from_ref(&result))).unwrap();
        assert_eq!(back[0].bbox, Some([1.0, 0.0, 2.0, 2.0]));
        assert_eq!((back[0].image_id, back[0].category_id), (7, 3));
        // The score that was computed, to the last bit, not the decimal it is printed as.
        assert_eq!(back[0].score, Some(f64::from(0.1f32)));
        let of = |annotation: &Annotation| {
            annotation.segmentation.as_ref().unwrap().rle_ref().unwrap().to_rle().unwrap().counts
        };
        assert_eq!(of(&back[0]), of(&result));
        assert_eq!(results_json(&[]), "[]");
    }
}
