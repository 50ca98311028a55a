//! Some rows of tiles, from the input's pixels to the output's.

use crate::product;
use crate::tile::{Factors, SIDE, TILE};
use crate::weight::Aligned;
use crate::{Activation, LEAST_TILES, MapShape, Winograd};
use pulp::{Simd, WithSimd};

/// Bytes of `V` worked on at a time: it stays in the second cache with a panel of `M`, of which
/// processors have 1 to 2 MB a core, while the weight passes by.
const V_BYTES: usize = 1_300_000;
/// With more tiles than this the weight passes by no less often than it has to.
const MOST_TILES: usize = 96;

/// A row of tiles: up to four rows of pixels of one image.
#[derive(Clone, Copy)]
struct Strip {
    image: usize,
    first_row: usize,
}

/// Strips that one thread works on, and where their output goes.
pub(crate) struct Block<'a> {
    conv: &'a Winograd,
    x: &'a [f32],
    shape: MapShape,
    strips: Vec<Strip>,
    activation: Activation,
    y: &'a mut [f32],
}

/// What a thread needs between two steps, kept for its next block.
#[derive(Default)]
pub(crate) struct Scratch {
    v: Aligned,
    m: Aligned,
}

/// A tile by its place in the batch, and where the pixel at its top left lies in the block's output.
#[derive(Clone, Copy)]
struct Tile {
    strip: Strip,
    first_column: usize,
    first_pixel: usize,
}

impl<'a> Block<'a> {
    /// The blocks of a batch, in the order of the output.
    pub fn of_batch(
        conv: &'a Winograd,
        x: &'a [f32],
        shape: MapShape,
        activation: Activation,
        y: &'a mut [f32],
    ) -> Vec<Self> {
        let strips: Vec<Strip> = (0..shape.images)
            .flat_map(|image| {
                (0..shape.height).step_by(TILE).map(move |first_row| Strip { image, first_row })
            })
            .collect();
        let tiles_a_strip = shape.width.div_ceil(TILE);
        let for_each_thread =
            (strips.len() * tiles_a_strip).div_ceil(kestrel_threads::num_threads());
        let tiles = tiles_at_a_time(conv).min(for_each_thread);
        let mut rest = y;
        let mut blocks = Vec::new();
        for strips in strips.chunks((tiles / tiles_a_strip).max(1)) {
            let rows: usize = strips.iter().map(|strip| strip.rows(&shape)).sum();
            let (y, after) = rest.split_at_mut(rows * shape.width * conv.channels()[1]);
            rest = after;
            blocks.push(Self { conv, x, shape, strips: strips.to_vec(), activation, y });
        }
        blocks
    }

    /// What a dispatch to the processor's vectors takes.
    pub fn with(self, scratch: &'a mut Scratch) -> impl WithSimd<Output = ()> {
        Run { block: self, scratch }
    }

    fn tiles(&self) -> Vec<Tile> {
        let mut tiles = Vec::new();
        let mut strip_pixel = 0;
        for &strip in &self.strips {
            for first_column in (0..self.shape.width).step_by(TILE) {
                tiles.push(Tile { strip, first_column, first_pixel: strip_pixel + first_column });
            }
            strip_pixel += strip.rows(&self.shape) * self.shape.width;
        }
        tiles
    }
}

/// As many tiles as keep `V` in the cache.
fn tiles_at_a_time(conv: &Winograd) -> usize {
    let bytes = SIDE * SIDE * conv.channels()[0] * size_of::<f32>();
    (V_BYTES / bytes).clamp(LEAST_TILES, MOST_TILES)
}

impl Strip {
    fn rows(&self, shape: &MapShape) -> usize {
        TILE.min(shape.height - self.first_row)
    }
}

struct Run<'a> {
    block: Block<'a>,
    scratch: &'a mut Scratch,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // The number of vectors is a constant of each of the processor's instruction sets.
        if product::vectors::<S>() == 4 {
            self.run::<S, 4>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const VECTORS: usize>(mut self, simd: S) {
        let tiles = self.block.tiles();
        let pieces = tiles.len().div_ceil(tiles_at_a_time(self.block.conv));
        for tiles in tiles.chunks(tiles.len().div_ceil(pieces)) {
            self.piece::<S, VECTORS>(simd, tiles);
        }
    }

    /// Points of all channels of some tiles, then panel by panel their products and pixels.
    #[inline(always)]
    fn piece<S: Simd, const VECTORS: usize>(&mut self, simd: S, tiles: &[Tile]) {
        let factors = Factors::new(simd);
        let Winograd { weight, bias, .. } = self.block.conv;
        let [channels_in, channels_out] = weight.channels;
        let v = self.scratch.v.of(SIDE * SIDE * tiles.len() * channels_in);
        for (index, tile) in tiles.iter().enumerate() {
            self.block.read(factors, tile, index, tiles.len(), S::as_mut_simd_f32s(v).0);
        }
        let m = self.scratch.m.of(SIDE * SIDE * tiles.len() * weight.panel);
        let (m, _) = S::as_mut_simd_f32s(m);
        for first in (0..channels_out).step_by(weight.panel) {
            let (u, _) = S::as_simd_f32s(weight.panel(first));
            let (bias, _) = S::as_simd_f32s(&bias[first..first + weight.panel]);
            let points = v.chunks_exact(tiles.len() * channels_in);
            let points = points.zip(u.chunks_exact(channels_in * VECTORS));
            for ((v, u), m) in points.zip(m.chunks_exact_mut(tiles.len() * VECTORS)) {
                product::multiply::<S, VECTORS>(simd, v, channels_in, u, m);
            }
            for (index, tile) in tiles.iter().enumerate() {
                let place = Place { first, index, tiles: tiles.len() };
                self.block.write::<S, VECTORS>(simd, factors, tile, place, m, bias);
            }
        }
    }
}

/// Where a tile's products lie in `M`, and to which output channels they belong.
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    index: usize,
    tiles: usize,
}

impl Block<'_> {
    /// One tile of the input to its points, `v [36, T, C]`.
    #[inline(always)]
    fn read<S: Simd>(
        &self,
        factors: Factors<S>,
        tile: &Tile,
        index: usize,
        tiles: usize,
        v: &mut [S::f32s],
    ) {
        let channels = self.conv.channels()[0];
        let zeros = [0.0; crate::MOST_CHANNELS];
        let pixels: [[&[S::f32s]; SIDE]; SIDE] = std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let pixel = self.pixel(tile, row, column).unwrap_or(&zeros[..channels]);
                S::as_simd_f32s(pixel).0
            })
        });
        let vectors = channels / S::F32_LANES;
        for vector in 0..vectors {
            factors.to_points(
                |row, column| pixels[row][column][vector],
                |point, value| v[(point * tiles + index) * vectors + vector] = value,
            );
        }
    }

    /// The channels of a pixel of the input, counted from the one above and left of the tile; none
    /// outside the map.
    #[inline(always)]
    fn pixel(&self, tile: &Tile, row: usize, column: usize) -> Option<&[f32]> {
        let MapShape { height, width, .. } = self.shape;
        let row = (tile.strip.first_row + row).checked_sub(1).filter(|row| *row < height)?;
        let column = (tile.first_column + column).checked_sub(1).filter(|at| *at < width)?;
        let channels = self.conv.channels()[0];
        let pixel = (tile.strip.image * height + row) * width + column;
        Some(&self.x[pixel * channels..][..channels])
    }

    /// The products of one tile to its pixels, for one panel of output channels.
    #[inline(always)]
    fn write<S: Simd, const VECTORS: usize>(
        &mut self,
        simd: S,
        factors: Factors<S>,
        tile: &Tile,
        place: Place,
        m: &[S::f32s],
        bias: &[S::f32s],
    ) {
        let channels_out = self.conv.channels()[1];
        let rows = tile.strip.rows(&self.shape);
        let (width, columns) = (self.shape.width, TILE.min(self.shape.width - tile.first_column));
        let least = simd.splat_f32s(match self.activation {
            Activation::None => f32::NEG_INFINITY,
            Activation::Relu => 0.0,
        });
        for vector in 0..VECTORS {
            let channel = place.first + vector * S::F32_LANES;
            factors.to_pixels(
                |point| m[(point * place.tiles + place.index) * VECTORS + vector],
                |row, column, value| {
                    if row < rows && column < columns {
                        let pixel = tile.first_pixel + row * width + column;
                        let y = &mut self.y[pixel * channels_out + channel..][..S::F32_LANES];
                        // The value second: of NaN and a number x86 takes the second.
                        let value = simd.max_f32s(least, simd.add_f32s(value, bias[vector]));
                        S::as_mut_simd_f32s(y).0[0] = value;
                    }
                },
            );
        }
    }
}
