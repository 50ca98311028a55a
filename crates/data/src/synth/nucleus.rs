//! One nucleus: an ellipse whose outline is bent by a few harmonics, with chromatin and nucleoli.

use super::MicrographConfig;
use super::chance::{Chance, Direction, smooth_noise};

/// Harmonics of the outline. The first would only move the nucleus.
const HARMONICS: std::ops::RangeInclusive<u8> = 2..=5;

/// A place in the picture, in pixels; the middle of the first pixel is at 0.5, 0.5.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub x: f64,
    pub y: f64,
}

impl Place {
    /// The middle of the pixel in this row and column.
    pub fn of_pixel(y: usize, x: usize) -> Self {
        Self { x: x as f64 + 0.5, y: y as f64 + 0.5 }
    }

    pub fn moved(self, along: Direction, by: f64) -> Self {
        Self { x: self.x + along.x * by, y: self.y + along.y * by }
    }

    pub fn distance(self, other: Self) -> f64 {
        let (dx, dy) = (self.x - other.x, self.y - other.y);
        (dx * dx + dy * dy).sqrt()
    }
}

/// A harmonic of the outline, over the radius.
#[derive(Clone, Debug)]
struct Harmonic {
    cosine: f64,
    sine: f64,
}

/// A darker spot, in units of the nucleus's axes.
#[derive(Clone, Debug)]
struct Nucleolus {
    middle: Place,
    radius: f64,
    depth: f64,
}

#[derive(Clone, Debug)]
pub struct Nucleus {
    pub middle: Place,
    /// Of the long axis.
    pub heading: Direction,
    /// Light of a point of mean texture in the middle, in levels.
    pub brightness: f64,
    /// Of the circle of the same area, in pixels.
    pub radius: f64,
    long: f64,
    short: f64,
    outline: Vec<Harmonic>,
    nucleoli: Vec<Nucleolus>,
    texture_ratio: f64,
    texture_seed: u64,
}

impl Nucleus {
    pub fn new(config: &MicrographConfig, middle: Place, chance: &mut Chance) -> Self {
        let radius = chance.between(config.min_radius_px, config.max_radius_px);
        let stretch = chance.between(1.0, config.max_elongation_ratio).sqrt();
        Self {
            middle,
            heading: chance.direction(),
            brightness: brightness(config, chance),
            radius,
            long: radius * stretch,
            short: radius / stretch,
            outline: outline(config.irregularity_ratio, chance),
            nucleoli: (0..chance.below(4)).map(|_| nucleolus(chance)).collect(),
            texture_ratio: config.texture_ratio,
            texture_seed: chance.bits(),
        }
    }

    /// The two that it becomes by division: half the area each, side by side along the long axis,
    /// their middles so far apart over the sum of their radii.
    pub fn halves(&self, distance_ratio: f64, chance: &mut Chance) -> [Self; 2] {
        let shrink = 0.5f64.sqrt();
        let from_middle = distance_ratio * self.radius * shrink;
        [-1.0, 1.0].map(|side| Self {
            middle: self.middle.moved(self.heading, side * from_middle),
            radius: self.radius * shrink,
            long: self.long * shrink,
            short: self.short * shrink,
            texture_seed: chance.bits(),
            ..self.clone()
        })
    }

    /// No point of the nucleus is further from its middle, in pixels.
    pub fn reach(&self) -> f64 {
        let bent: f64 = self.outline.iter().map(|h| h.cosine.abs() + h.sine.abs()).sum();
        self.long * (1.0 + bent)
    }

    /// Light at a place, in levels before the optics; `None` outside the nucleus.
    pub fn light(&self, at: Place) -> Option<f64> {
        let (dx, dy) = (at.x - self.middle.x, at.y - self.middle.y);
        let along = dx * self.heading.x + dy * self.heading.y;
        let across = dy * self.heading.x - dx * self.heading.y;
        let within = Place { x: along / self.long, y: across / self.short };
        let from_middle = (within.x * within.x + within.y * within.y).sqrt() / self.edge(within);
        // Written so that a place that is not a number is outside.
        if from_middle < 1.0 {
            let thickness = (1.0 - from_middle * from_middle).sqrt();
            let shape = 0.65 + 0.35 * thickness;
            return Some(self.brightness * shape * self.chromatin(along, across, within));
        }
        None
    }

    /// Distance of the outline from the middle in the direction of a place, in units of the axes.
    fn edge(&self, within: Place) -> f64 {
        if within.x == 0.0 && within.y == 0.0 {
            return 1.0;
        }
        let angle = Direction::of(within.x, within.y);
        let (mut cosine, mut sine) = (angle.x, angle.y);
        let mut edge = 1.0;
        for harmonic in &self.outline {
            // From the cosine and sine of k angles to those of k + 1.
            (cosine, sine) = (cosine * angle.x - sine * angle.y, sine * angle.x + cosine * angle.y);
            edge += harmonic.cosine * cosine + harmonic.sine * sine;
        }
        // A deep bend may not cross the middle.
        edge.max(0.2)
    }

    /// Factor around 1: coarse and fine speckles that turn with the nucleus, and the nucleoli.
    fn chromatin(&self, along: f64, across: f64, within: Place) -> f64 {
        let coarse = smooth_noise(self.texture_seed, along / 3.5, across / 3.5);
        let fine = smooth_noise(!self.texture_seed, along / 1.6, across / 1.6);
        let speckles = 1.0 + self.texture_ratio * (0.6 * coarse + 0.4 * fine);
        self.nucleoli.iter().fold(speckles, |light, spot| light * spot.factor(within))
    }
}

impl Nucleolus {
    fn factor(&self, at: Place) -> f64 {
        let away = at.distance(self.middle) / self.radius;
        let hill = (1.0 - away * away).max(0.0);
        1.0 - self.depth * hill * hill
    }
}

/// Most nuclei are dim, few bright.
fn brightness(config: &MicrographConfig, chance: &mut Chance) -> f64 {
    let (low, high) = (config.min_brightness_levels, config.max_brightness_levels);
    let unit = chance.between(0.0, 1.0);
    low + (high - low) * unit * unit
}

fn outline(irregularity_ratio: f64, chance: &mut Chance) -> Vec<Harmonic> {
    let harmonic = |k: u8| {
        // Falling with the square: low harmonics bend a nucleus, high ones would give it corners.
        let size = irregularity_ratio * 4.0 / f64::from(k * k);
        let (cosine, sine) = (chance.between(-size, size), chance.between(-size, size));
        Harmonic { cosine, sine }
    };
    HARMONICS.map(harmonic).collect()
}

fn nucleolus(chance: &mut Chance) -> Nucleolus {
    let away = chance.between(0.1, 0.6);
    let middle = Place { x: 0.0, y: 0.0 }.moved(chance.direction(), away);
    Nucleolus { middle, radius: chance.between(0.2, 0.35), depth: chance.between(0.15, 0.45) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nucleus(seed: u64, irregularity_ratio: f64) -> Nucleus {
        let config = MicrographConfig { irregularity_ratio, ..MicrographConfig::default() };
        Nucleus::new(&config, Place { x: 30.2, y: 30.7 }, &mut Chance::new(seed, 0))
    }

    fn pixels(nucleus: &Nucleus) -> Vec<Place> {
        let places = (0..60 * 60)
            .map(|place| Place { x: f64::from(place % 60) + 0.5, y: f64::from(place / 60) + 0.5 });
        places.filter(|&place| nucleus.light(place).is_some()).collect()
    }

    #[test]
    fn an_ellipse_has_the_area_of_its_circle() {
        for seed in 0..10 {
            let nucleus = nucleus(seed, 0.0);
            let expected = std::f64::consts::PI * nucleus.radius * nucleus.radius;
            // Pixels counted by their middle: wrong by a fraction of the outline's 50 to 100.
            assert!((pixels(&nucleus).len() as f64 - expected).abs() < 10.0, "seed {seed}");
        }
    }

    #[test]
    fn no_pixel_is_beyond_the_reach() {
        for seed in 0..10 {
            let nucleus = nucleus(seed, 0.3);
            let inside = pixels(&nucleus);
            assert!(inside.len() > 50, "seed {seed}");
            assert!(inside.iter().all(|at| at.distance(nucleus.middle) <= nucleus.reach()));
        }
    }

    #[test]
    fn the_middle_is_inside() {
        let nucleus = nucleus(1, 0.3);
        assert!(nucleus.light(nucleus.middle).is_some_and(f64::is_finite));
    }
}
