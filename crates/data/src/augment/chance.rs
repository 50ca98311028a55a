//! Where the random choices of loading and augmenting come from.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers: ChaCha8, the same on every machine.
#[derive(Clone, Debug)]
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of one sample of a run, independent of all others: sample `place` of batch `batch`
    /// of epoch `epoch`. Who makes the sample, and after which other, does not matter.
    pub fn of_sample(seed: u64, epoch: u64, batch: u64, place: u64) -> Self {
        Self::keyed([seed, epoch, batch, place])
    }

    /// The stream that orders the images of an epoch. No batch has the last number there is.
    pub(crate) fn of_order(seed: u64, epoch: u64) -> Self {
        Self::keyed([seed, epoch, u64::MAX, u64::MAX])
    }

    /// All 256 bits of the cipher's key, so that no two streams can meet.
    fn keyed(words: [u64; 4]) -> Self {
        let mut key = [0u8; 32];
        for (bytes, word) in key.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// True with this probability; a number outside 0 to 1 counts as the nearer end.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// Uniform from `low` to below `high`; `low` where there is nothing between.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit: f64 = self.0.random();
        low + (high - low) * unit
    }

    /// One of `0..count`; 0 where `count` is 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count.max(1))
    }

    /// 32 random bits.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Puts a list into random order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        list.shuffle(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_makes_another_stream() {
        let streams = [
            Chance::of_sample(1, 2, 3, 4),
            Chance::of_sample(2, 2, 3, 4),
            Chance::of_sample(1, 3, 3, 4),
            Chance::of_sample(1, 2, 4, 4),
            Chance::of_sample(1, 2, 3, 5),
            Chance::of_order(1, 2),
        ];
        let mut first: Vec<u32> = streams.into_iter().map(|mut stream| stream.bits()).collect();
        assert_eq!(first[0], Chance::of_sample(1, 2, 3, 4).bits());
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 6);
    }

    #[test]
    fn never_and_always_are_kept() {
        let mut chance = Chance::of_order(0, 0);
        assert!((0..1000).all(|_| chance.happens(1.0) && !chance.happens(0.0)));
        assert!((0..1000).all(|_| !chance.happens(f64::NAN)));
        assert_eq!((chance.below(0), chance.below(1)), (0, 0));
    }
}
