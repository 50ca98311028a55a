//! What a picture of shapes looks like.

use kestrel_core::ImageSize;
use serde::{Deserialize, Serialize};

/// As for micrographs: larger pictures are drawn tile by tile.
const MAX_SIDE_PX: usize = 8192;
/// Each shape is compared with every pixel it covers, some tens of times.
const MAX_SHAPES: usize = 10_000;
/// A smaller ring has no hole.
const MIN_RADIUS_PX: f64 = 2.0;

/// A picture of coloured shapes. A *level* is a level of 255 in one channel; `_ratio` has no unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShapesConfig {
    /// Height and width of the picture, in pixels, up to 8192.
    pub size: ImageSize,
    /// Shapes whose middle lies in the picture, up to 10000; a crowded picture holds fewer.
    pub num_shapes: usize,
    /// Radius of the circle around the smallest shape, in pixels; at least 2.
    pub min_radius_px: f64,
    /// Radius of the circle around the largest shape, in pixels.
    pub max_radius_px: f64,
    /// Part of a shape that later ones leave visible, at least; 0 to 1. Of a shape that reaches out
    /// of the picture, only what lies inside counts.
    pub min_visible_ratio: f64,
    /// How far the background leaves its mean, in levels; 0 to 60.
    pub background_texture_levels: f64,
    /// How far the surface of a shape leaves its mean, in levels; 0 to 60.
    pub shape_texture_levels: f64,
    /// Standard deviation of the noise, in levels; 0 to 60.
    pub noise_levels: f64,
}

impl Default for ShapesConfig {
    fn default() -> Self {
        Self {
            size: ImageSize::new(256, 256),
            num_shapes: 12,
            min_radius_px: 8.0,
            max_radius_px: 36.0,
            min_visible_ratio: 0.3,
            background_texture_levels: 25.0,
            shape_texture_levels: 12.0,
            noise_levels: 4.0,
        }
    }
}

/// A picture of shapes that cannot be drawn.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ShapesError {
    /// No pixel, or too many.
    #[error("shapes size: found {found}, expected 1 to {MAX_SIDE_PX} pixels a side")]
    Size {
        /// Size asked for.
        found: ImageSize,
    },
    /// Too many shapes.
    #[error("shapes num_shapes: found {found}, expected at most {MAX_SHAPES}")]
    NumShapes {
        /// Number asked for.
        found: usize,
    },
    /// A number outside its range.
    #[error("shapes {field}: found {found}, expected {low} to {high}")]
    Range {
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        found: f64,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
}

impl ShapesConfig {
    /// Whether such a picture can be drawn.
    ///
    /// # Errors
    /// The first setting outside its range.
    pub fn validate(&self) -> Result<(), ShapesError> {
        let ImageSize { height, width } = self.size;
        if [height, width].iter().any(|side| !(1..=MAX_SIDE_PX).contains(side)) {
            return Err(ShapesError::Size { found: self.size });
        }
        if self.num_shapes > MAX_SHAPES {
            return Err(ShapesError::NumShapes { found: self.num_shapes });
        }
        let half_picture = height.min(width) as f64 / 2.0;
        let largest = half_picture.max(MIN_RADIUS_PX);
        in_range("max_radius_px", self.max_radius_px, MIN_RADIUS_PX, largest)?;
        in_range("min_radius_px", self.min_radius_px, MIN_RADIUS_PX, self.max_radius_px)?;
        in_range("min_visible_ratio", self.min_visible_ratio, 0.0, 1.0)?;
        in_range("background_texture_levels", self.background_texture_levels, 0.0, 60.0)?;
        in_range("shape_texture_levels", self.shape_texture_levels, 0.0, 60.0)?;
        in_range("noise_levels", self.noise_levels, 0.0, 60.0)
    }
}

/// Written so that NaN is refused too.
fn in_range(field: &'static str, found: f64, low: f64, high: f64) -> Result<(), ShapesError> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    Err(ShapesError::Range { field, found, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut ShapesConfig)) -> String {
        let mut config = ShapesConfig::default();
        change(&mut config);
        config.validate().map_or_else(|error| error.to_string(), |()| "accepted".into())
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        assert_eq!(refused(|_| ()), "accepted");
        let message = refused(|config| config.size = ImageSize::new(9000, 256));
        assert_eq!(message, "shapes size: found 256x9000, expected 1 to 8192 pixels a side");
        let message = refused(|config| config.max_radius_px = 129.0);
        assert_eq!(message, "shapes max_radius_px: found 129, expected 2 to 128");
        let message = refused(|config| config.min_radius_px = 1.0);
        assert_eq!(message, "shapes min_radius_px: found 1, expected 2 to 36");
        let message = refused(|config| config.noise_levels = f64::NAN);
        assert_eq!(message, "shapes noise_levels: found NaN, expected 0 to 60");
        assert!(refused(|config| config.num_shapes = 20_000).contains("num_shapes: found 20000"));
    }
}
