//! What a drawn micrograph looks like.

use kestrel_core::ImageSize;
use serde::{Deserialize, Serialize};

/// Larger pictures are drawn tile by tile.
const MAX_SIDE_PX: usize = 8192;
/// Placing compares every two nuclei.
const MAX_NUCLEI: usize = 10_000;

/// A fluorescence micrograph of stained nuclei. The defaults look like a 256x256 tile of the Data
/// Science Bowl 2018 set. A *level* is a grey level of 255; `_ratio` has no unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MicrographConfig {
    /// Height and width of the picture, in pixels, up to 8192.
    pub size: ImageSize,
    /// Nuclei whose middle lies in the picture, up to 10000; a crowded picture holds fewer.
    pub num_nuclei: usize,
    /// Smallest radius of a nucleus, in pixels: that of a circle of the same area.
    pub min_radius_px: f64,
    /// Largest radius of a nucleus, in pixels.
    pub max_radius_px: f64,
    /// Largest ratio of a nucleus's long axis to its short one; at least 1.
    pub max_elongation_ratio: f64,
    /// How far the outline leaves the ellipse, over the radius; 0 to 0.3.
    pub irregularity_ratio: f64,
    /// Share of nuclei that touch another one; 0 to 1.
    pub cluster_ratio: f64,
    /// Light of the dimmest nucleus above the background, in levels.
    pub min_brightness_levels: f64,
    /// Light of the brightest nucleus above the background, in levels.
    pub max_brightness_levels: f64,
    /// Depth of the chromatin's speckles, over the light of the nucleus; 0 to 1.
    pub texture_ratio: f64,
    /// Light where there is no nucleus, in levels.
    pub background_levels: f64,
    /// Light scattered around the nuclei, over their own; 0 to 1.
    pub haze_ratio: f64,
    /// Light lost in the darkest corner, over the best-lit place; 0 to 1.
    pub shading_ratio: f64,
    /// Standard deviation of the optics' blur, in pixels; 0 to 32.
    pub blur_sigma_px: f64,
    /// Photons that make one level: the fewer, the more shot noise. Above 0.
    pub photons_per_level: f64,
    /// Standard deviation of the camera's own noise, in levels.
    pub read_noise_levels: f64,
    /// How things change from frame to frame of a sequence.
    pub motion: MotionConfig,
}

impl Default for MicrographConfig {
    fn default() -> Self {
        Self {
            size: ImageSize::new(256, 256),
            num_nuclei: 28,
            min_radius_px: 9.0,
            max_radius_px: 14.0,
            max_elongation_ratio: 1.8,
            irregularity_ratio: 0.1,
            cluster_ratio: 0.25,
            min_brightness_levels: 40.0,
            max_brightness_levels: 130.0,
            texture_ratio: 0.35,
            background_levels: 8.0,
            haze_ratio: 0.12,
            shading_ratio: 0.3,
            blur_sigma_px: 1.1,
            photons_per_level: 8.0,
            read_noise_levels: 0.4,
            motion: MotionConfig::default(),
        }
    }
}

/// How nuclei move and glow from frame to frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MotionConfig {
    /// How far all nuclei move together, in pixels a frame; 0 to 100.
    pub drift_px: f64,
    /// Standard deviation of each nucleus's own motion, in pixels a frame; 0 to 30.
    pub wander_px: f64,
    /// Largest turn of a nucleus, in radians a frame; 0 to 0.35.
    pub turn_radians: f64,
    /// How much the light of a nucleus rises and falls, over its mean; 0 to 1.
    pub glow_ratio: f64,
    /// Chance that a nucleus divides in a frame; 0 to 0.1. Its halves are smaller than nuclei begin
    /// with and do not divide again.
    pub division_chance: f64,
}

impl Default for MotionConfig {
    fn default() -> Self {
        Self {
            drift_px: 1.0,
            wander_px: 0.7,
            turn_radians: 0.03,
            glow_ratio: 0.15,
            division_chance: 0.0,
        }
    }
}

/// A micrograph that cannot be drawn.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MicrographError {
    /// No pixel, or too many.
    #[error("micrograph size: found {found}, expected 1 to {MAX_SIDE_PX} pixels a side")]
    Size {
        /// Size asked for.
        found: ImageSize,
    },
    /// Too many nuclei.
    #[error("micrograph num_nuclei: found {found}, expected at most {MAX_NUCLEI}")]
    NumNuclei {
        /// Number asked for.
        found: usize,
    },
    /// A number outside its range.
    #[error("micrograph {field}: found {found}, expected {low} to {high}")]
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

impl MicrographConfig {
    /// Whether such a micrograph can be drawn.
    ///
    /// # Errors
    /// The first setting outside its range.
    pub fn validate(&self) -> Result<(), MicrographError> {
        let ImageSize { height, width } = self.size;
        if [height, width].iter().any(|side| !(1..=MAX_SIDE_PX).contains(side)) {
            return Err(MicrographError::Size { found: self.size });
        }
        if self.num_nuclei > MAX_NUCLEI {
            return Err(MicrographError::NumNuclei { found: self.num_nuclei });
        }
        self.validate_nuclei()?;
        self.validate_optics()?;
        self.motion.validate()
    }

    fn validate_nuclei(&self) -> Result<(), MicrographError> {
        let half_picture = self.size.height.min(self.size.width) as f64 / 2.0;
        in_range("max_radius_px", self.max_radius_px, 1.0, half_picture.max(1.0))?;
        in_range("min_radius_px", self.min_radius_px, 1.0, self.max_radius_px)?;
        in_range("max_elongation_ratio", self.max_elongation_ratio, 1.0, 10.0)?;
        in_range("irregularity_ratio", self.irregularity_ratio, 0.0, 0.3)?;
        in_range("cluster_ratio", self.cluster_ratio, 0.0, 1.0)?;
        in_range("max_brightness_levels", self.max_brightness_levels, 0.0, 255.0)?;
        let brightest = self.max_brightness_levels;
        in_range("min_brightness_levels", self.min_brightness_levels, 0.0, brightest)?;
        in_range("texture_ratio", self.texture_ratio, 0.0, 1.0)
    }

    fn validate_optics(&self) -> Result<(), MicrographError> {
        in_range("background_levels", self.background_levels, 0.0, 255.0)?;
        in_range("haze_ratio", self.haze_ratio, 0.0, 1.0)?;
        in_range("shading_ratio", self.shading_ratio, 0.0, 1.0)?;
        in_range("blur_sigma_px", self.blur_sigma_px, 0.0, 32.0)?;
        in_range("photons_per_level", self.photons_per_level, 1e-3, 1e9)?;
        in_range("read_noise_levels", self.read_noise_levels, 0.0, 255.0)
    }
}

impl MotionConfig {
    fn validate(&self) -> Result<(), MicrographError> {
        in_range("motion.drift_px", self.drift_px, 0.0, 100.0)?;
        in_range("motion.wander_px", self.wander_px, 0.0, 30.0)?;
        in_range("motion.turn_radians", self.turn_radians, 0.0, 0.35)?;
        in_range("motion.glow_ratio", self.glow_ratio, 0.0, 1.0)?;
        in_range("motion.division_chance", self.division_chance, 0.0, 0.1)
    }
}

/// Written so that NaN is refused too.
fn in_range(field: &'static str, found: f64, low: f64, high: f64) -> Result<(), MicrographError> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    Err(MicrographError::Range { field, found, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut MicrographConfig)) -> String {
        let mut config = MicrographConfig::default();
        change(&mut config);
        config.validate().map_or_else(|error| error.to_string(), |()| "accepted".into())
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(MicrographConfig::default().validate(), Ok(()));
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        let message = refused(|config| config.size = ImageSize::new(0, 256));
        assert_eq!(message, "micrograph size: found 256x0, expected 1 to 8192 pixels a side");
        let message = refused(|config| config.max_radius_px = 200.0);
        assert_eq!(message, "micrograph max_radius_px: found 200, expected 1 to 128");
        let message = refused(|config| config.min_radius_px = 15.0);
        assert_eq!(message, "micrograph min_radius_px: found 15, expected 1 to 14");
        let message = refused(|config| config.motion.turn_radians = f64::NAN);
        assert_eq!(message, "micrograph motion.turn_radians: found NaN, expected 0 to 0.35");
        assert!(refused(|config| config.num_nuclei = 20_000).contains("num_nuclei: found 20000"));
    }
}
