//! Nuclei painted into a picture: their light, and which pixel is whose.

use super::nucleus::{Nucleus, Place};
use super::optics::Light;
use kestrel_core::{ImageSize, Mask, RunWriter};
use std::ops::Range;

/// A nucleus that shows fewer pixels has no mask: nobody would mark it.
const MIN_VISIBLE_PIXELS: u64 = 20;

/// Nuclei that lie over each other press each other flat: the second adds less than its light.
const OVERLAP_RATIO: f64 = 0.5;

const NOBODY: u32 = u32::MAX;

pub struct Scene {
    pub light: Light,
    /// Number of the nucleus each pixel belongs to, rows from the top.
    owners: Vec<u32>,
    /// Pixels each nucleus may own.
    extents: Vec<Extent>,
}

/// Rows and columns.
struct Extent {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Scene {
    /// Where nuclei overlap, the pixel belongs to the first.
    pub fn of<'a>(size: ImageSize, nuclei: impl Iterator<Item = &'a Nucleus>) -> Self {
        let owners = vec![NOBODY; size.area()];
        let mut scene = Self { light: Light::none(size), owners, extents: Vec::new() };
        for nucleus in nuclei {
            scene.paint(nucleus);
        }
        scene
    }

    fn paint(&mut self, nucleus: &Nucleus) {
        let number = self.extents.len() as u32;
        let extent = Extent::of(nucleus, self.light.size);
        for y in extent.rows.clone() {
            for x in extent.columns.clone() {
                if let Some(levels) = nucleus.light(Place::of_pixel(y, x)) {
                    self.claim(y * self.light.size.width + x, number, levels);
                }
            }
        }
        self.extents.push(extent);
    }

    fn claim(&mut self, pixel: usize, number: u32, levels: f64) {
        if self.owners[pixel] == NOBODY {
            self.owners[pixel] = number;
            self.light.levels[pixel] = levels;
        } else {
            self.light.levels[pixel] += OVERLAP_RATIO * levels;
        }
    }

    /// The masks of the nuclei that show, each with its nucleus's number.
    pub fn masks(&self) -> Vec<(usize, Mask)> {
        let masks = (0..self.extents.len()).map(|number| (number, self.mask(number)));
        masks.filter(|(_, mask)| mask.area() >= MIN_VISIBLE_PIXELS).collect()
    }

    fn mask(&self, number: usize) -> Mask {
        let Extent { rows, columns } = &self.extents[number];
        let width = self.light.size.width;
        let mut runs = RunWriter::new(self.light.size);
        for x in columns.clone() {
            let column: Vec<bool> =
                rows.clone().map(|y| self.owners[y * width + x] == number as u32).collect();
            runs.column(x, rows.start, &column);
        }
        runs.finish()
    }
}

impl Extent {
    fn of(nucleus: &Nucleus, size: ImageSize) -> Self {
        let reach = nucleus.reach();
        // A float below zero becomes 0 as an integer.
        let range = |middle: f64, length: usize| {
            let end = ((middle + reach).ceil() as usize).min(length);
            (((middle - reach).floor() as usize).min(end))..end
        };
        Self {
            rows: range(nucleus.middle.y, size.height),
            columns: range(nucleus.middle.x, size.width),
        }
    }
}
