//! The JSON lines of `kestrel detect`, read back, and compared with others.

use kestrel_core::{BBox, ImageSize, Mask};
use serde::Deserialize;

/// A line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    pub image: String,
    pub width: usize,
    pub height: usize,
    pub detections: Vec<Found>,
}

/// One detection.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Found {
    #[serde(rename = "box")]
    pub bbox: BBox,
    pub score: f32,
    pub label: usize,
    pub category: Option<String>,
    pub mask: Option<CocoMask>,
}

/// A mask as COCO's tools write it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CocoMask {
    pub size: [usize; 2],
    pub counts: String,
}

impl CocoMask {
    pub fn decoded(&self) -> Mask {
        let [height, width] = self.size;
        Mask::from_coco_string(ImageSize::new(height, width), &self.counts).unwrap()
    }
}

/// Every line of a JSON results file.
pub fn pictures(text: &str) -> Vec<Picture> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Picture {
    /// The part of `image` after the last slash.
    pub fn name(&self) -> &str {
        self.image.rsplit('/').next().unwrap()
    }

    pub fn size(&self) -> ImageSize {
        ImageSize::new(self.height, self.width)
    }
}

/// How far two lists of detections are apart, one by one.
#[derive(Debug)]
pub struct Difference {
    pub largest_score: f32,
    /// Of a box's edge, in pixels.
    pub largest_edge: f32,
    pub mask_ious: Vec<f64>,
}

impl Difference {
    pub const NONE: Self = Self { largest_score: 0.0, largest_edge: 0.0, mask_ious: Vec::new() };

    /// Takes in the detections of one picture, both by falling score.
    #[track_caller]
    pub fn add(&mut self, found: &[Found], expected: &[Found], picture: &str) {
        assert_eq!(found.len(), expected.len(), "number of detections in {picture}");
        for expected in expected {
            // Two whose scores differ by rounding alone may have changed places.
            let found = closest_box(expected, found);
            assert_eq!(found.label, expected.label, "{picture}");
            self.largest_score = self.largest_score.max((found.score - expected.score).abs());
            self.largest_edge = self.largest_edge.max(edge_distance(found, expected));
            if let Some(mask) = &expected.mask {
                let found = found.mask.as_ref().unwrap().decoded();
                self.mask_ious.push(found.iou(&mask.decoded()));
            }
        }
    }

    pub fn smallest_iou(&self) -> f64 {
        self.mask_ious.iter().copied().fold(1.0, f64::min)
    }

    pub fn mean_iou(&self) -> f64 {
        self.mask_ious.iter().sum::<f64>() / self.mask_ious.len() as f64
    }
}

fn closest_box<'a>(wanted: &Found, among: &'a [Found]) -> &'a Found {
    let distance = |found: &&Found| edge_distance(found, wanted);
    among.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap()
}

fn edge_distance(a: &Found, b: &Found) -> f32 {
    let (a, b) = (<[f32; 4]>::from(a.bbox), <[f32; 4]>::from(b.bbox));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
