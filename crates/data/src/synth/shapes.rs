//! Drawn shapes: coloured discs, squares, triangles, rings and bars that lie over each other, with
//! their class and the exact mask of what shows of each.
//!
//! Source: none; the usual first data set of detectors. Painted from back to front. A pixel belongs
//! to the front shape that its middle lies in; the colour at an edge is mixed from nine samples a
//! pixel. Colours say nothing of the class. The same seed gives the same bytes on every machine.

mod config;
mod figure;
mod painting;

pub use config::{ShapesConfig, ShapesError};

use super::chance::Chance;
use super::nucleus::Place;
use figure::Figure;
use kestrel_core::{Mask, RgbImage};
use painting::{Paint, Painting};

/// Tries to place a shape before the picture counts as full.
const MAX_TRIES: usize = 40;

/// What a shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShapeClass {
    /// A filled circle.
    Disc,
    /// A square, turned.
    Square,
    /// A triangle of equal sides, turned.
    Triangle,
    /// A circle with a round hole, which is no part of it.
    Ring,
    /// A long rectangle, turned.
    Bar,
}

impl ShapeClass {
    /// All classes, in the order a data set numbers them.
    pub const ALL: [Self; 5] = [Self::Disc, Self::Square, Self::Triangle, Self::Ring, Self::Bar];

    /// What a data set calls the class.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Ring => "ring",
            Self::Bar => "bar",
        }
    }
}

/// A picture and the shapes it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapesPicture {
    /// In colour.
    pub image: RgbImage,
    /// From back to front; no pixel belongs to two. A shape that others hide wholly is not in here.
    pub shapes: Vec<DrawnShape>,
}

/// A shape of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnShape {
    /// What it is.
    pub class: ShapeClass,
    /// The pixels that show; at least one.
    pub mask: Mask,
}

/// Draws a picture of shapes.
///
/// # Errors
/// When a setting is outside its range.
pub fn shapes(config: &ShapesConfig, seed: u64) -> Result<ShapesPicture, ShapesError> {
    config.validate()?;
    let mut chance = Chance::new(seed, 0);
    let mut painting = Painting::new(config, &mut chance);
    for _ in 0..config.num_shapes {
        let figure = Figure::new(config, random_place(config, &mut chance), &mut chance);
        let paint = Paint::new(config, &mut chance);
        if let Some(figure) = placed(figure, &painting, config, &mut chance) {
            painting.add(&figure, &paint);
        }
    }
    let image = painting.picture(config.noise_levels, &mut chance);
    Ok(ShapesPicture { image, shapes: painting.shapes() })
}

/// The figure where it hides no other too far; `None` where the picture is full.
fn placed(
    mut figure: Figure,
    painting: &Painting,
    config: &ShapesConfig,
    chance: &mut Chance,
) -> Option<Figure> {
    for _ in 0..MAX_TRIES {
        if painting.leaves_visible(&figure, config.min_visible_ratio) {
            return Some(figure);
        }
        figure.middle = random_place(config, chance);
    }
    None
}

fn random_place(config: &ShapesConfig, chance: &mut Chance) -> Place {
    let x = chance.between(0.0, config.size.width as f64);
    Place { x, y: chance.between(0.0, config.size.height as f64) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;
    use std::collections::BTreeSet;

    const PINNED: u64 = 0xe76b_31a7_6378_9b97;

    fn config() -> ShapesConfig {
        ShapesConfig { size: ImageSize::new(96, 128), ..ShapesConfig::default() }
    }

    /// FNV-1a.
    fn hash(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The bytes belong to the seed: a change here changes every drawn data set, and is meant to be
    /// noticed.
    #[test]
    fn a_seed_gives_the_same_bytes_everywhere() {
        let drawn = shapes(&config(), 7).unwrap();
        assert_eq!(hash(drawn.image.pixels()), PINNED, "{:#x}", hash(drawn.image.pixels()));
        assert_eq!(drawn, shapes(&config(), 7).unwrap());
        assert_ne!(drawn.image, shapes(&config(), 8).unwrap().image);
    }

    #[test]
    fn no_pixel_belongs_to_two_and_all_classes_come() {
        let mut classes = BTreeSet::new();
        for seed in 0..10 {
            let drawn = shapes(&config(), seed).unwrap();
            let area: u64 = drawn.shapes.iter().map(|shape| shape.mask.area()).sum();
            let mut pixels = BTreeSet::new();
            for shape in &drawn.shapes {
                classes.insert(shape.class);
                let runs = shape.mask.column_runs();
                pixels.extend(runs.flat_map(|(x, top, end)| (top..end).map(move |y| (x, y))));
            }
            assert_eq!(pixels.len() as u64, area, "seed {seed}");
        }
        assert_eq!(classes, BTreeSet::from(ShapeClass::ALL));
    }

    #[test]
    fn a_shape_shows_as_much_as_asked() {
        let config = ShapesConfig { num_shapes: 60, min_visible_ratio: 0.5, ..config() };
        let drawn = shapes(&config, 1).unwrap();
        assert!((5..60).contains(&drawn.shapes.len()), "{} shapes", drawn.shapes.len());
        // The smallest figure is a bar of 0.9 x 0.3 of the radius, 8 px: 69 square pixels, of which
        // the frame may cut three quarters, and the grid some.
        assert!(drawn.shapes.iter().all(|shape| shape.mask.area() >= 6));
    }

    #[test]
    fn hidden_shapes_are_left_out() {
        let config = ShapesConfig {
            size: ImageSize::new(20, 20),
            num_shapes: 400,
            min_radius_px: 8.0,
            max_radius_px: 10.0,
            min_visible_ratio: 0.0,
            ..config()
        };
        let drawn = shapes(&config, 2).unwrap();
        assert!(drawn.shapes.len() < 100, "{} of 400 shapes on 400 pixels", drawn.shapes.len());
        assert!(drawn.shapes.iter().all(|shape| shape.mask.area() > 0));
    }

    #[test]
    fn a_shape_s_pixels_differ_from_what_was_there() {
        let plain = ShapesConfig { num_shapes: 0, noise_levels: 0.0, ..config() };
        for seed in 0..10 {
            let without = shapes(&plain, seed).unwrap();
            let with = shapes(&ShapesConfig { num_shapes: 1, ..plain.clone() }, seed).unwrap();
            let width = plain.size.width;
            for (x, top, end) in with.shapes[0].mask.column_runs() {
                for y in top..end {
                    let at = 3 * (y * width + x);
                    let levels = |drawn: &ShapesPicture| drawn.image.pixels()[at..at + 3].to_vec();
                    assert_ne!(levels(&with), levels(&without), "seed {seed} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn a_picture_may_show_nothing_and_be_one_pixel() {
        let empty = shapes(&ShapesConfig { num_shapes: 0, ..config() }, 1).unwrap();
        assert!(empty.shapes.is_empty());
        let tiny = ShapesConfig {
            size: ImageSize::new(1, 1),
            min_radius_px: 2.0,
            max_radius_px: 2.0,
            ..config()
        };
        let drawn = shapes(&tiny, 1).unwrap();
        assert!(drawn.shapes.iter().all(|shape| shape.mask.area() == 1));
        assert!(drawn.shapes.len() <= 1);
    }
}
