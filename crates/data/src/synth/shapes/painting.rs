//! Shapes painted over each other on a textured ground, and which pixel is whose.

use super::figure::Figure;
use super::{DrawnShape, ShapeClass, ShapesConfig};
use crate::synth::chance::{Chance, smooth_noise};
use crate::synth::nucleus::Place;
use kestrel_core::{ImageSize, Mask, RgbImage, RunWriter};
use std::collections::BTreeMap;
use std::ops::Range;

/// Distances over which the texture changes, in pixels, and their parts of it.
const TEXTURE_SCALES_PX: [(f64, f64); 2] = [(23.0, 0.6), (6.0, 0.4)];

/// Levels of a channel of the ground: dimmer than the strongest channel of any shape.
const GROUND_LEVELS: (f64, f64) = (55.0, 115.0);
const STRONG_LEVELS: (f64, f64) = (175.0, 240.0);
const WEAK_LEVELS: (f64, f64) = (15.0, 80.0);

/// Samples of a pixel along each side; odd, so that one is its middle.
const SAMPLES: usize = 3;

/// A colour with a texture.
pub struct Paint {
    rgb_levels: [f64; 3],
    texture_levels: f64,
    texture_seed: u64,
}

impl Paint {
    /// Of a shape: one channel is strong and one weak, so that it is no grey and stands out.
    pub fn new(config: &ShapesConfig, chance: &mut Chance) -> Self {
        let strong = chance.below(3);
        let weak = (strong + 1 + chance.below(2)) % 3;
        let mut rgb_levels = [0.0; 3];
        for (channel, level) in rgb_levels.iter_mut().enumerate() {
            let (low, high) = match channel {
                _ if channel == strong => STRONG_LEVELS,
                _ if channel == weak => WEAK_LEVELS,
                _ => (WEAK_LEVELS.0, STRONG_LEVELS.1),
            };
            *level = chance.between(low, high);
        }
        let (texture_levels, texture_seed) = (config.shape_texture_levels, chance.bits());
        Self { rgb_levels, texture_levels, texture_seed }
    }

    fn ground(config: &ShapesConfig, chance: &mut Chance) -> Self {
        let rgb_levels = [(); 3].map(|()| chance.between(GROUND_LEVELS.0, GROUND_LEVELS.1));
        let (texture_levels, texture_seed) = (config.background_texture_levels, chance.bits());
        Self { rgb_levels, texture_levels, texture_seed }
    }

    fn at(&self, place: Place) -> [f64; 3] {
        let wave = |(scale, part): (f64, f64)| {
            part * smooth_noise(self.texture_seed, place.x / scale, place.y / scale)
        };
        let texture: f64 = TEXTURE_SCALES_PX.into_iter().map(wave).sum();
        self.rgb_levels.map(|level| level + self.texture_levels * texture)
    }
}

/// A shape that has been painted.
struct Painted {
    class: ShapeClass,
    /// Rows and columns it may reach.
    extent: (Range<usize>, Range<usize>),
    /// Pixels inside the picture, hidden ones too.
    num_pixels: usize,
    num_visible: usize,
}

/// A picture as it grows.
pub struct Painting {
    size: ImageSize,
    /// Rows from the top.
    rgb_levels: Vec<[f64; 3]>,
    /// Number of the shape that each pixel belongs to.
    owners: Vec<Option<u32>>,
    painted: Vec<Painted>,
}

impl Painting {
    /// The ground.
    pub fn new(config: &ShapesConfig, chance: &mut Chance) -> Self {
        let ground = Paint::ground(config, chance);
        let ImageSize { height, width } = config.size;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| Place::of_pixel(y, x)));
        Self {
            size: config.size,
            rgb_levels: places.map(|place| ground.at(place)).collect(),
            owners: vec![None; config.size.area()],
            painted: Vec::new(),
        }
    }

    /// Whether every shape would show at least this part of its pixels with `figure` over it.
    pub fn leaves_visible(&self, figure: &Figure, min_ratio: f64) -> bool {
        let mut hidden: BTreeMap<u32, usize> = BTreeMap::new();
        for owner in self.pixels_in(figure).filter_map(|pixel| self.owners[pixel]) {
            *hidden.entry(owner).or_default() += 1;
        }
        hidden.into_iter().all(|(number, hidden)| {
            let below = &self.painted[number as usize];
            (below.num_visible - hidden) as f64 >= min_ratio * below.num_pixels as f64
        })
    }

    /// Paints a shape over what is there.
    pub fn add(&mut self, figure: &Figure, paint: &Paint) {
        let number = self.painted.len() as u32;
        let pixels: Vec<usize> = self.pixels_in(figure).collect();
        for &pixel in &pixels {
            if let Some(below) = self.owners[pixel].replace(number) {
                self.painted[below as usize].num_visible -= 1;
            }
        }
        let num_pixels = pixels.len();
        let (class, extent) = (figure.class, figure.extent(self.size));
        self.painted.push(Painted { class, extent, num_pixels, num_visible: num_pixels });
        self.color(figure, paint);
    }

    fn color(&mut self, figure: &Figure, paint: &Paint) {
        let (rows, columns) = figure.extent(self.size);
        for (y, x) in rows.flat_map(|y| columns.clone().map(move |x| (y, x))) {
            let cover = coverage(figure, y, x);
            if cover > 0.0 {
                let new = paint.at(Place::of_pixel(y, x));
                let old = &mut self.rgb_levels[y * self.size.width + x];
                for (old, new) in old.iter_mut().zip(new) {
                    *old += cover * (new - *old);
                }
            }
        }
    }

    /// The pixels whose middle lies in a shape, rows from the top.
    fn pixels_in<'a>(&self, figure: &'a Figure) -> impl Iterator<Item = usize> + use<'a> {
        let width = self.size.width;
        let (rows, columns) = figure.extent(self.size);
        let places = rows.flat_map(move |y| columns.clone().map(move |x| (y, x)));
        let inside = places.filter(|&(y, x)| figure.contains(Place::of_pixel(y, x)));
        inside.map(move |(y, x)| y * width + x)
    }

    /// What a camera makes of it, with noise.
    pub fn picture(&self, noise_levels: f64, chance: &mut Chance) -> RgbImage {
        let levels = self.rgb_levels.iter().flatten();
        let noisy = levels.map(|level| level + noise_levels * chance.normal());
        let pixels = noisy.map(|level| level.round().clamp(0.0, 255.0) as u8).collect();
        RgbImage::new(self.size, pixels)
            .unwrap_or_else(|error| unreachable!("three levels a pixel: {error}"))
    }

    /// The shapes that show, from back to front.
    pub fn shapes(&self) -> Vec<DrawnShape> {
        let numbered = (0u32..).zip(&self.painted).filter(|(_, painted)| painted.num_visible > 0);
        numbered
            .map(|(number, painted)| DrawnShape {
                class: painted.class,
                mask: self.mask(number, &painted.extent),
            })
            .collect()
    }

    fn mask(&self, number: u32, (rows, columns): &(Range<usize>, Range<usize>)) -> Mask {
        let mut runs = RunWriter::new(self.size);
        for x in columns.clone() {
            let owner = |y: usize| self.owners[y * self.size.width + x];
            let column: Vec<bool> = rows.clone().map(|y| owner(y) == Some(number)).collect();
            runs.column(x, rows.start, &column);
        }
        runs.finish()
    }
}

/// Part of a pixel that lies in a shape.
fn coverage(figure: &Figure, y: usize, x: usize) -> f64 {
    let at = |pixel: usize, sample: usize| pixel as f64 + (sample as f64 + 0.5) / SAMPLES as f64;
    let samples = (0..SAMPLES).flat_map(|row| (0..SAMPLES).map(move |column| (row, column)));
    let inside = samples
        .filter(|&(row, column)| figure.contains(Place { x: at(x, column), y: at(y, row) }))
        .count();
    inside as f64 / (SAMPLES * SAMPLES) as f64
}
