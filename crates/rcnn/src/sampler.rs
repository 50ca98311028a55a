//! Which candidates a loss is taken over.
//!
//! Source: `BalancedPositiveNegativeSampler` in `torchvision/models/detection/_utils.py`.
//! Difference: the random numbers are ours, so runs with equal seeds agree with each other but
//! not with torch; and proposals are chosen by the anchors they come from, not by their places. Early
//! in training scores are nearly equal, and their order is a matter of rounding: chosen by place, a
//! step on a card would be taken over other proposals than the same step on the CPU.

use crate::matcher::Match;
use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How many candidates of an image are used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerConfig {
    /// Candidates an image, if there are as many.
    pub per_image: usize,
    /// At most this part of them stands for an object; background fills up, not the other way.
    pub positive_fraction: f64,
}

/// Where random choices come from.
#[derive(Debug)]
pub enum Draw {
    /// A seeded generator.
    Random(Box<ChaCha8Rng>),
    /// The first ones: nothing random, for comparisons with a reference.
    First,
}

impl Draw {
    /// A generator with this seed.
    pub fn seeded(seed: u64) -> Self {
        Self::Random(Box::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// The generator of a training step: each step has numbers of its own, so that a run can be
    /// taken up again at any of them.
    pub fn of_step(seed: u64, step: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(step);
        Self::Random(Box::new(rng))
    }

    /// `count` of `from`, or all when there are fewer.
    fn choose(&mut self, count: usize, from: &[usize]) -> Vec<usize> {
        let count = count.min(from.len());
        match self {
            Self::First => from[..count].to_vec(),
            Self::Random(rng) => {
                index::sample(rng, from.len(), count).into_iter().map(|place| from[place]).collect()
            }
        }
    }

    /// The same, whatever the order of the candidates: those whose identities, mixed with a random
    /// number, are the smallest.
    fn choose_by(&mut self, count: usize, from: &[usize], identities: &[u64]) -> Vec<usize> {
        let Self::Random(rng) = self else { return self.choose(count, from) };
        let salt = rng.next_u64();
        let mut by_key: Vec<(u64, usize)> =
            from.iter().map(|&place| (mixed(salt, identities[place]), place)).collect();
        by_key.sort_unstable();
        by_key.into_iter().take(count).map(|(_, place)| place).collect()
    }
}

/// A number that looks random for each pair (the end of SplitMix64; Steele et al. 2014).
fn mixed(salt: u64, identity: u64) -> u64 {
    let x = salt.wrapping_add(identity.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The chosen candidates of one image, each list ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Those that stand for an object.
    pub positive: Vec<usize>,
    /// Those that stand for background.
    pub negative: Vec<usize>,
}

impl Sample {
    /// Chooses from the candidates of one image, which always come in the same order.
    pub fn draw(config: &SamplerConfig, matches: &[Match], draw: &mut Draw) -> Self {
        Self::chosen(config, matches, |count, from| draw.choose(count, from))
    }

    /// Chooses from the candidates of one image, whatever order they come in: each has an identity.
    ///
    /// # Panics
    /// When there are fewer identities than candidates.
    pub fn draw_by(
        config: &SamplerConfig,
        matches: &[Match],
        identities: &[u64],
        draw: &mut Draw,
    ) -> Self {
        Self::chosen(config, matches, |count, from| draw.choose_by(count, from, identities))
    }

    fn chosen(
        config: &SamplerConfig,
        matches: &[Match],
        mut choose: impl FnMut(usize, &[usize]) -> Vec<usize>,
    ) -> Self {
        let places = |wanted: fn(&Match) -> bool| -> Vec<usize> {
            (0..matches.len()).filter(|&place| wanted(&matches[place])).collect()
        };
        let objects = places(|found| matches!(found, Match::Object(_)));
        let background = places(|found| *found == Match::Background);
        let most_positive = (config.per_image as f64 * config.positive_fraction) as usize;
        let mut positive = choose(most_positive, &objects);
        let mut negative = choose(config.per_image - positive.len(), &background);
        positive.sort_unstable();
        negative.sort_unstable();
        Self { positive, negative }
    }

    /// Both lists together, ascending.
    pub fn all(&self) -> Vec<usize> {
        let mut all = [self.positive.as_slice(), &self.negative].concat();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches() -> Vec<Match> {
        let kind = |index| match index % 4 {
            0 => Match::Object(index),
            1 => Match::Between,
            _ => Match::Background,
        };
        (0..40).map(kind).collect()
    }

    #[test]
    fn background_fills_up_but_objects_do_not() {
        let config = SamplerConfig { per_image: 16, positive_fraction: 0.25 };
        let sample = Sample::draw(&config, &matches(), &mut Draw::seeded(3));
        assert_eq!((sample.positive.len(), sample.negative.len()), (4, 12));
        assert!(sample.positive.iter().all(|index| index % 4 == 0));
        assert!(sample.negative.iter().all(|index| index % 4 > 1));
        let few = SamplerConfig { per_image: 64, positive_fraction: 0.5 };
        let sample = Sample::draw(&few, &matches(), &mut Draw::seeded(3));
        assert_eq!((sample.positive.len(), sample.negative.len()), (10, 20));
        assert!(sample.all().is_sorted());
    }

    /// Every candidate is chosen as often as every other, and the order they come in does not matter.
    #[test]
    fn chosen_by_identity() {
        let config = SamplerConfig { per_image: 5, positive_fraction: 0.4 };
        let matches = matches();
        let order: Vec<usize> = (0..40).rev().collect();
        let moved: Vec<Match> = order.iter().map(|&place| matches[place]).collect();
        let identity = |place: usize| 1000 + place as u64;
        let [identities, moved_identities] = [
            (0..40).map(identity).collect::<Vec<_>>(),
            order.iter().map(|&p| identity(p)).collect(),
        ];
        let mut counts = [0; 40];
        for seed in 0..4000 {
            let sample =
                Sample::draw_by(&config, &matches, &identities, &mut Draw::seeded(seed)).all();
            let other =
                Sample::draw_by(&config, &moved, &moved_identities, &mut Draw::seeded(seed)).all();
            let mut other: Vec<usize> = other.into_iter().map(|place| order[place]).collect();
            other.sort_unstable();
            assert_eq!(sample, other);
            sample.into_iter().for_each(|place| counts[place] += 1);
        }
        // 2 of 10 objects and 3 of 20 backgrounds; five standard deviations are 127 and 113.
        for (place, count) in counts.into_iter().enumerate() {
            let (expected, spread): (i32, i32) =
                [(800, 127), (0, 0), (600, 113), (600, 113)][place % 4];
            assert!((count - expected).abs() <= spread, "{place}: {count}");
        }
    }

    #[test]
    fn equal_seeds_agree_and_nothing_gives_nothing() {
        let config = SamplerConfig { per_image: 16, positive_fraction: 0.25 };
        let draw = |seed| Sample::draw(&config, &matches(), &mut Draw::seeded(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(Sample::draw(&config, &[], &mut Draw::First), Sample::default());
    }
}
