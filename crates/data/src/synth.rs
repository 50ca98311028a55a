//! Drawn fluorescence micrographs: pictures of stained nuclei whose masks are known because they
//! were drawn, for demos, tests and first steps without data; and in [`shapes`] plain shapes.
//!
//! Source: the usual model of such pictures, as in Lehmussola et al., "Computational Framework for
//! Simulating Fluorescence Microscope Images With Cell Populations" (2007): bent outlines, textured
//! light, blur, uneven illumination, shot and read noise. The same seed gives the same bytes on
//! every machine.

mod chance;
mod config;
mod layout;
mod motion;
mod nucleus;
mod optics;
mod scene;
mod shapes;

pub use config::{MicrographConfig, MicrographError, MotionConfig};
pub use motion::{MicrographFrame, MicrographSequence, TrackedNucleus, micrograph_sequence};
pub use shapes::{DrawnShape, ShapeClass, ShapesConfig, ShapesError, ShapesPicture, shapes};

use chance::Chance;
use kestrel_core::{Mask, RgbImage};
use layout::Field;
use optics::Optics;
use scene::Scene;

/// A picture and the nuclei it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Micrograph {
    /// Grey levels in three equal channels.
    pub image: RgbImage,
    /// One mask a nucleus, in no particular order; no pixel belongs to two. A nucleus that shows
    /// fewer than 20 pixels has none.
    pub nuclei: Vec<Mask>,
}

/// Draws a micrograph.
///
/// # Errors
/// When a setting is outside its range.
pub fn micrograph(config: &MicrographConfig, seed: u64) -> Result<Micrograph, MicrographError> {
    config.validate()?;
    let mut chance = Chance::new(seed, 0);
    let optics = Optics::new(config, &mut chance);
    let field = Field { picture: config.size, margin_px: 0.0 };
    let nuclei = layout::place(config, field, config.num_nuclei, &mut chance);
    let scene = Scene::of(config.size, nuclei.iter());
    let image = optics.expose(&scene.light, &mut chance);
    Ok(Micrograph { image, nuclei: scene.masks().into_iter().map(|(_, mask)| mask).collect() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;

    fn config() -> MicrographConfig {
        MicrographConfig {
            size: ImageSize::new(96, 128),
            num_nuclei: 10,
            ..MicrographConfig::default()
        }
    }

    const PINNED: u64 = 0x7f50_7e24_575c_63d8;

    /// FNV-1a.
    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// How many nuclei each pixel belongs to.
    fn owners(nuclei: &[Mask], size: ImageSize) -> Vec<u8> {
        let mut owners = vec![0; size.area()];
        for (x, top, end) in nuclei.iter().flat_map(Mask::column_runs) {
            for y in top..end {
                owners[y * size.width + x] += 1;
            }
        }
        owners
    }

    /// The bytes belong to the seed: a change here changes every drawn data set, and is meant to be
    /// noticed.
    #[test]
    fn a_seed_gives_the_same_bytes_everywhere() {
        let drawn = micrograph(&config(), 7).unwrap();
        assert_eq!(hash(drawn.image.pixels()), PINNED, "{:#x}", hash(drawn.image.pixels()));
        assert_eq!(drawn, micrograph(&config(), 7).unwrap());
        assert_ne!(drawn.image, micrograph(&config(), 8).unwrap().image);
    }

    #[test]
    fn nuclei_are_as_many_as_asked_and_share_no_pixel() {
        for seed in 0..5 {
            let drawn = micrograph(&config(), seed).unwrap();
            // A nucleus at the border may show too little, and the last may not find a place.
            assert!((8..=10).contains(&drawn.nuclei.len()), "{} nuclei", drawn.nuclei.len());
            assert!(drawn.nuclei.iter().all(|mask| mask.area() >= 20));
            let owners = owners(&drawn.nuclei, config().size);
            assert!(owners.iter().all(|&owners| owners <= 1), "seed {seed}");
        }
    }

    #[test]
    fn nuclei_are_brighter_than_what_lies_between() {
        let drawn = micrograph(&config(), 3).unwrap();
        let owners = owners(&drawn.nuclei, config().size);
        let mean = |inside: u8| {
            let levels = drawn.image.pixels().chunks_exact(3).zip(&owners);
            let levels: Vec<f64> = levels
                .filter(|(_, owners)| **owners == inside)
                .map(|(rgb, _)| f64::from(rgb[0]))
                .collect();
            levels.iter().sum::<f64>() / levels.len() as f64
        };
        // The dimmest nucleus gives 40 levels, less shading and blur, and the background 8.
        assert!(mean(1) > mean(0) + 20.0, "{} inside, {} outside", mean(1), mean(0));
    }

    #[test]
    fn the_channels_are_equal() {
        let drawn = micrograph(&config(), 1).unwrap();
        assert!(drawn.image.pixels().chunks_exact(3).all(|rgb| rgb == [rgb[0]; 3]));
    }

    #[test]
    fn a_micrograph_may_show_nothing() {
        let config = MicrographConfig { num_nuclei: 0, ..config() };
        let drawn = micrograph(&config, 1).unwrap();
        assert!(drawn.nuclei.is_empty());
        assert_eq!(drawn.image.size(), config.size);
    }

    #[test]
    fn one_pixel_is_a_picture() {
        let config = MicrographConfig {
            size: ImageSize::new(1, 1),
            min_radius_px: 1.0,
            max_radius_px: 1.0,
            ..config()
        };
        assert!(micrograph(&config, 1).unwrap().nuclei.is_empty(), "too few pixels for a mask");
    }

    #[test]
    fn a_setting_out_of_range_is_refused() {
        let config = MicrographConfig { blur_sigma_px: -1.0, ..config() };
        let error = micrograph(&config, 1).unwrap_err();
        assert!(error.to_string().contains("blur_sigma_px: found -1"), "{error}");
    }
}
