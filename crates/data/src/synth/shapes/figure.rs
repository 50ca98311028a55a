//! One shape: which places lie in it.

use super::{ShapeClass, ShapesConfig};
use crate::synth::chance::{Chance, Direction};
use crate::synth::nucleus::Place;
use kestrel_core::ImageSize;
use std::ops::Range;

/// Radius of a ring's hole, over its own.
const HOLE_RATIO: f64 = 0.55;
/// Half sides of a bar, over the radius; its corners lie on the circle, nearly.
const BAR_RATIOS: (f64, f64) = (0.95, 0.3);

/// A shape of a class, of a size, at a place.
#[derive(Clone, Debug)]
pub struct Figure {
    pub class: ShapeClass,
    pub middle: Place,
    /// Of the circle around it, in pixels.
    radius: f64,
    heading: Direction,
}

impl Figure {
    pub fn new(config: &ShapesConfig, middle: Place, chance: &mut Chance) -> Self {
        Self {
            class: ShapeClass::ALL[chance.below(ShapeClass::ALL.len())],
            middle,
            radius: chance.between(config.min_radius_px, config.max_radius_px),
            heading: chance.direction(),
        }
    }

    pub fn contains(&self, place: Place) -> bool {
        let (dx, dy) =
            ((place.x - self.middle.x) / self.radius, (place.y - self.middle.y) / self.radius);
        let along = dx * self.heading.x + dy * self.heading.y;
        let across = dy * self.heading.x - dx * self.heading.y;
        let squared = dx * dx + dy * dy;
        match self.class {
            ShapeClass::Disc => squared < 1.0,
            ShapeClass::Ring => squared < 1.0 && squared >= HOLE_RATIO * HOLE_RATIO,
            ShapeClass::Square => along.abs().max(across.abs()) < 0.5f64.sqrt(),
            ShapeClass::Bar => along.abs() < BAR_RATIOS.0 && across.abs() < BAR_RATIOS.1,
            ShapeClass::Triangle => {
                // Each side lies half a radius from the middle.
                along > -0.5 && 0.5 * along + 0.75f64.sqrt() * across.abs() < 0.5
            }
        }
    }

    /// Rows and columns of the picture that the shape may reach.
    pub fn extent(&self, size: ImageSize) -> (Range<usize>, Range<usize>) {
        // A float below zero becomes 0 as an integer.
        let range = |middle: f64, length: usize| {
            let end = ((middle + self.radius).ceil() as usize).min(length);
            (((middle - self.radius).floor() as usize).min(end))..end
        };
        (range(self.middle.y, size.height), range(self.middle.x, size.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn figure(class: ShapeClass, seed: u64) -> Figure {
        let mut figure = Figure::new(
            &ShapesConfig { min_radius_px: 100.0, max_radius_px: 100.0, ..Default::default() },
            Place { x: 150.0, y: 150.0 },
            &mut Chance::new(seed, 0),
        );
        figure.class = class;
        figure
    }

    #[test]
    fn areas_are_those_of_geometry() {
        let expected = [
            (ShapeClass::Disc, PI),
            (ShapeClass::Square, 2.0),
            (ShapeClass::Triangle, 0.75 * 3f64.sqrt()),
            (ShapeClass::Ring, PI * (1.0 - 0.55 * 0.55)),
            (ShapeClass::Bar, 4.0 * 0.95 * 0.3),
        ];
        for (class, area) in expected {
            for seed in 0..3 {
                let figure = figure(class, seed);
                let (rows, columns) = figure.extent(ImageSize::new(300, 300));
                let places = rows.flat_map(|y| columns.clone().map(move |x| Place::of_pixel(y, x)));
                let found = places.filter(|&place| figure.contains(place)).count() as f64;
                // Of 10000 pixels a unit, the outline crosses some 600, of which half count: the
                // error is a few of them.
                assert!((found / 1e4 - area).abs() < 0.005, "{class:?}: {found}, not {area}");
            }
        }
    }

    #[test]
    fn nothing_lies_outside_the_extent() {
        for class in ShapeClass::ALL {
            let figure = figure(class, 4);
            let (rows, columns) = figure.extent(ImageSize::new(300, 300));
            assert_eq!((rows, columns), (50..250, 50..250));
            let rim = (0..300).flat_map(|at| [(at, 49), (at, 250), (49, at), (250, at)]);
            assert!(rim.map(|(y, x)| Place::of_pixel(y, x)).all(|place| !figure.contains(place)));
        }
    }
}
