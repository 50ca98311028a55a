//! 3x3 convolution of stride 1 with a quarter of the products: Winograd's minimal filtering
//! F(4x4, 3x3) (Lavin and Gray 2015, arXiv:1509.09308, section 4).
//!
//! A tile of 4x4 pixels of the output is seen as the values of a polynomial at six points each way.
//! The weight and the 6x6 pixels of the input around the tile are taken to those points; there,
//! channels are multiplied point by point, 36 products where 144 were; and the sums are taken back.
//!
//! ```text
//! x [N,H,W,C] -tile-> 6x6 pixels -tile-> V [36,T,C] -product-> M [36,T,K] -tile-> 4x4 pixels -> y [N,H,W,K]
//!                         weight [K,C,3,3] -weight-> U [36,C,K]
//! ```
//!
//! `T` tiles are worked on at a time, as many as keep `V` in the second cache. Letters: `N` images,
//! `H W` size of a map, `C` channels in, `K` channels out; channels are next to each other in memory.
//!
//! The sums are taken in another order than a direct convolution's, and points other than 0 and 1 cost
//! digits: see [`Winograd::forward`].

mod block;
mod product;
mod tile;
mod weight;

use block::{Block, Scratch};
use pulp::{Arch, Simd, WithSimd};
use weight::Weight;

/// Size of the maps of a batch, without channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapShape {
    /// `N`.
    pub images: usize,
    /// `H`.
    pub height: usize,
    /// `W`.
    pub width: usize,
}

impl MapShape {
    /// Whether there are tiles enough for the weight's way from memory.
    pub fn is_large(&self) -> bool {
        let tiles = self.height.div_ceil(tile::TILE) * self.width.div_ceil(tile::TILE);
        self.images * tiles >= LEAST_TILES
    }

    fn pixels(&self) -> usize {
        self.images * self.height * self.width
    }
}

/// What follows the convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// Negative values become 0.
    Relu,
}

/// Largest product of channels: the weight takes four times the memory, 37 MB here, and for more of it
/// the way from memory takes longer than the products that are saved.
const MOST_WEIGHTS: usize = 512 * 512;
/// Of either kind.
pub(crate) const MOST_CHANNELS: usize = 2048;
/// Where the weight is read for fewer tiles than this, reading it takes as long as a direct convolution.
const LEAST_TILES: usize = 24;
/// Fewer channels than this, and taking tiles there and back costs more than is saved.
const LEAST_CHANNELS: usize = 32;

/// A convolution whose weight has been taken to the points.
#[derive(Debug)]
pub struct Winograd {
    weight: Weight,
    bias: Vec<f32>,
    arch: Arch,
}

impl Winograd {
    /// From a `weight` `[K, C, 3, 3]` in row order and a `bias` `[K]`. `None` where a direct convolution
    /// does better: on a processor without AVX2, and with too few, too many or odd numbers of channels.
    ///
    /// # Panics
    /// When the lengths are not those of the shape.
    pub fn new(weight: &[f32], bias: Option<&[f32]>, channels: [usize; 2]) -> Option<Self> {
        let [channels_in, channels_out] = channels;
        assert_eq!(weight.len(), channels_in * channels_out * 9, "a weight of 3x3 pixels");
        let arch = Arch::new();
        let panel = arch.dispatch(PanelOf);
        let suits = channels_in >= LEAST_CHANNELS
            && channels_out >= LEAST_CHANNELS
            && channels_in.max(channels_out) <= MOST_CHANNELS
            && channels_in * channels_out <= MOST_WEIGHTS;
        let divides = panel > 0 && channels_in % LEAST_CHANNELS == 0 && channels_out % panel == 0;
        if !suits || !divides {
            return None;
        }
        let bias = bias.map_or_else(|| vec![0.0; channels_out], <[f32]>::to_vec);
        assert_eq!(bias.len(), channels_out, "a bias for each channel");
        Some(Self { weight: Weight::new(weight, channels, panel), bias, arch })
    }

    /// `C` and `K`.
    pub fn channels(&self) -> [usize; 2] {
        self.weight.channels
    }

    /// `x` `[N, H, W, C]`, zeros around it, to `y` `[N, H, W, K]`. The same bits for any number of
    /// threads.
    ///
    /// The largest error is 4e-6 of the largest value of `y` with 512 channels, and less with fewer
    /// (`tests.rs`); a direct convolution in float32 has some 1e-6.
    ///
    /// # Panics
    /// When the lengths are not those of the shape.
    pub fn forward(&self, x: &[f32], shape: MapShape, activation: Activation, y: &mut [f32]) {
        let [channels_in, channels_out] = self.channels();
        assert_eq!(x.len(), shape.pixels() * channels_in, "an input of this shape");
        assert_eq!(y.len(), shape.pixels() * channels_out, "an output of this shape");
        if y.is_empty() {
            return;
        }
        let blocks = Block::of_batch(self, x, shape, activation, y);
        kestrel_threads::for_each_init(blocks, Scratch::default, |scratch, block| {
            self.arch.dispatch(block.with(scratch));
        });
    }
}

/// Output channels that are multiplied together; 0 where vectors are too short to be worth it.
struct PanelOf;

impl WithSimd for PanelOf {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        if S::F32_LANES < 8 { 0 } else { S::F32_LANES * product::vectors::<S>() }
    }
}

#[cfg(test)]
mod tests;
