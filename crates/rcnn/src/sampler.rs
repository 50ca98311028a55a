//! Which candidates a loss is taken over.
//!
//! Source: `BalancedPositiveNegativeSampler` in `torchvision/models/detection/_utils.py`.
//! Difference: the random numbers are ours, so runs with equal seeds agree with each other but
//! not with torch.

use crate::matcher::Match;
use rand::SeedableRng;
use rand::seq::index;
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
    /// Chooses from the candidates of one image.
    pub fn draw(config: &SamplerConfig, matches: &[Match], draw: &mut Draw) -> Self {
        let places = |wanted: fn(&Match) -> bool| -> Vec<usize> {
            (0..matches.len()).filter(|&place| wanted(&matches[place])).collect()
        };
        let objects = places(|found| matches!(found, Match::Object(_)));
        let background = places(|found| *found == Match::Background);
        let most_positive = (config.per_image as f64 * config.positive_fraction) as usize;
        let mut positive = draw.choose(most_positive, &objects);
        let mut negative = draw.choose(config.per_image - positive.len(), &background);
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

    #[test]
    fn equal_seeds_agree_and_nothing_gives_nothing() {
        let config = SamplerConfig { per_image: 16, positive_fraction: 0.25 };
        let draw = |seed| Sample::draw(&config, &matches(), &mut Draw::seeded(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(Sample::draw(&config, &[], &mut Draw::First), Sample::default());
    }
}
