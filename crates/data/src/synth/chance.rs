//! Random numbers that are the same on every machine: a specified stream cipher, and from it on only
//! `+ - * /` and square roots, which IEEE 754 rounds in one way. Sine, exponential and logarithm are
//! left to each platform, so nothing here takes them.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A vector of length 1; as a rotation, the cosine and sine of its angle.
#[derive(Clone, Copy, Debug)]
pub struct Direction {
    pub x: f64,
    pub y: f64,
}

impl Direction {
    /// The direction of `(x, y)`, which must not be zero.
    pub fn of(x: f64, y: f64) -> Self {
        let length = (x * x + y * y).sqrt();
        Self { x: x / length, y: y / length }
    }

    /// Turned by a small angle, in radians; 1 % too little at 0.35.
    pub fn turned(self, radians: f64) -> Self {
        let by = Self::of(1.0, radians);
        Self::of(self.x * by.x - self.y * by.y, self.x * by.y + self.y * by.x)
    }
}

/// A stream of random numbers.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Streams of one seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform from `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// One of `0..count`; `count` must not be 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.between(0.0, count as f64) as usize).min(count - 1)
    }

    /// Mean 0, variance 1, within 3.5: the sum of four uniform numbers, near enough to a Gaussian
    /// for the noise of a camera.
    pub fn normal(&mut self) -> f64 {
        let bits = self.bits();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        // Four uniform numbers have variance 4 / 12.
        (sum as f64 / 65535.0 - 2.0) * 3f64.sqrt()
    }

    /// Uniform on the circle.
    pub fn direction(&mut self) -> Direction {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let squared = x * x + y * y;
            if squared > 1e-6 && squared <= 1.0 {
                return Direction::of(x, y);
            }
        }
    }
}

/// Smooth noise over the plane within -1 and 1: random values at whole numbers, blended between.
pub fn smooth_noise(seed: u64, x: f64, y: f64) -> f64 {
    let (left, top) = (x.floor(), y.floor());
    let value = |dx: i64, dy: i64| lattice_value(seed, left as i64 + dx, top as i64 + dy);
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - left), ease(y - top));
    let upper = value(0, 0) + (value(1, 0) - value(0, 0)) * tx;
    let lower = value(0, 1) + (value(1, 1) - value(0, 1)) * tx;
    upper + (lower - upper) * ty
}

/// A value within -1 and 1 for each whole place: the mixing steps of SplitMix64.
fn lattice_value(seed: u64, x: i64, y: i64) -> f64 {
    let mut bits = seed
        .wrapping_add((x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add((y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f));
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_has_the_moments_it_says() {
        let mut chance = Chance::new(1, 0);
        let draws: Vec<f64> = (0..20_000).map(|_| chance.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|draw| draw * draw).sum::<f64>() / draws.len() as f64;
        // The standard error is 0.007 of the mean and 0.01 of the variance: four of them.
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn streams_and_seeds_differ() {
        let first = |seed, stream| Chance::new(seed, stream).bits();
        assert_eq!(first(1, 0), first(1, 0));
        assert_ne!(first(1, 0), first(1, 1));
        assert_ne!(first(1, 0), first(2, 0));
    }

    #[test]
    fn smooth_noise_is_smooth_and_bounded() {
        let at = |step: u32| smooth_noise(3, f64::from(step) * 0.01 - 5.0, 0.3);
        for step in 0..1000 {
            // The blend is steepest in the middle: 1.5 times the largest difference, 2.
            assert!((at(step + 1) - at(step)).abs() <= 0.03, "at step {step}");
            assert!(at(step).abs() <= 1.0, "at step {step}");
        }
    }
}
