//! COCO's `segmentation`: polygons or run lengths.

use super::document::without_place;
use crate::Outline;
use kestrel_core::{ImageSize, Mask};

/// A shape as the file has it.
pub struct Segmentation(hotcoco::Segmentation);

impl Segmentation {
    /// Reads polygons, one polygon without the list around it, or run lengths of either kind.
    ///
    /// # Errors
    /// When the json is none of these; the text says what it stumbled over.
    pub fn parse(json: &str) -> Result<Self, String> {
        let polygon = || serde_json::from_str(json).ok().map(|flat: Vec<f64>| vec![flat]);
        serde_json::from_str(json).map(Self).or_else(|error| {
            let polygons = polygon().ok_or_else(|| without_place(&error))?;
            Ok(Self(hotcoco::Segmentation::Polygon(polygons)))
        })
    }

    /// The shape; an empty list, which tools that know boxes only write, is none.
    ///
    /// # Errors
    /// When run lengths do not fill their size; the text says why.
    pub fn outline(self) -> Result<Option<Outline>, String> {
        use hotcoco::Segmentation as Coco;
        let size = |[height, width]: [u32; 2]| ImageSize::new(height as usize, width as usize);
        let mask = match self.0 {
            Coco::Polygon(mut polygons) => {
                polygons.retain(|polygon| !polygon.is_empty());
                let has_shape = !polygons.is_empty();
                return Ok(has_shape.then_some(Outline::Polygons(polygons)));
            }
            Coco::CompressedRle { size: sides, counts } => {
                Mask::from_coco_string(size(sides), &counts)
            }
            Coco::UncompressedRle { size: sides, counts } => Mask::from_counts(size(sides), counts),
            _ => return Err("it is of a kind Kestrel does not know".into()),
        };
        mask.map(|mask| Some(Outline::Mask(mask))).map_err(|error| error.to_string())
    }
}
