//! Pictures of the validation data: what is there beside what was found.

use kestrel_core::{Categories, Detections, RgbImage, Target};
use kestrel_draw::{DrawStyle, Tile, contact_sheet, draw_detections, draw_target, shrunk};

/// Sides of a tile, in pixels: that of the largest picture, within these.
const TILE_SIDES_PX: (usize, usize) = (240, 420);
/// Tiles side by side; two belong together.
const COLUMNS: usize = 4;

/// A picture, what is on it, and what was found on it.
#[derive(Clone, Debug)]
pub struct Looked {
    /// What the picture is called.
    pub name: String,
    /// Its pixels.
    pub image: RgbImage,
    /// What is on it, in its pixels.
    pub target: Target,
    /// What was found, in its pixels.
    pub detections: Detections,
}

/// A sheet of pictures, each with its ground truth on the left and what was found with at least
/// `min_score` on the right. Without pictures it is a strip.
pub fn draw_sheet(pictures: &[Looked], categories: &Categories, min_score: f32) -> RgbImage {
    let sides = pictures.iter().map(|looked| looked.image.size());
    let longest = sides.map(|size| size.height.max(size.width)).max().unwrap_or(0);
    let tile_px = longest.clamp(TILE_SIDES_PX.0, TILE_SIDES_PX.1);
    let pair = |looked: &Looked| {
        let Looked { name, image, target, detections } = looked;
        let mut truth = image.clone();
        draw_target(&mut truth, target, categories);
        let mut found = detections.clone();
        found.objects.retain(|object| object.score >= min_score);
        let mut answer = image.clone();
        draw_detections(&mut answer, &found, categories, &DrawStyle::default());
        let tile =
            |picture: &RgbImage, caption| Tile { picture: shrunk(picture, tile_px), caption };
        [
            tile(&truth, format!("{} there: {name}", target.len())),
            tile(&answer, format!("{} found, score {min_score}", found.objects.len())),
        ]
    };
    let tiles: Vec<Tile> = pictures.iter().flat_map(pair).collect();
    contact_sheet(&tiles, COLUMNS, tile_px)
}
