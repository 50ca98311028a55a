//! Where nuclei lie: apart from each other, or touching in clusters.

use super::MicrographConfig;
use super::chance::Chance;
use super::nucleus::{Nucleus, Place};
use kestrel_core::ImageSize;

/// Tries to place a nucleus before the field counts as full.
const MAX_TRIES: usize = 60;

/// Free nuclei keep at least this many times their reaches apart.
const APART_RATIO: f64 = 1.05;

/// Touching nuclei share a rim: their middles are nearer than the sum of their radii.
const TOUCHING_RATIO: std::ops::RangeInclusive<f64> = 0.85..=1.05;

/// The area nuclei live in: the picture, and around it a margin they come from and go to.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub picture: ImageSize,
    pub margin_px: f64,
}

impl Field {
    pub fn height(self) -> f64 {
        self.picture.height as f64 + 2.0 * self.margin_px
    }

    pub fn width(self) -> f64 {
        self.picture.width as f64 + 2.0 * self.margin_px
    }

    /// How many nuclei it takes for `in_picture` of them to lie in the picture.
    pub fn num_nuclei(self, in_picture: usize) -> usize {
        let times = self.height() * self.width() / self.picture.area() as f64;
        (in_picture as f64 * times).round() as usize
    }

    /// A place that left on one side comes back on the other; `None` for one that is still inside.
    pub fn wrapped(self, place: Place) -> Option<Place> {
        let wrap = |at: f64, length: f64| (at + self.margin_px).rem_euclid(length) - self.margin_px;
        let back = Place { x: wrap(place.x, self.width()), y: wrap(place.y, self.height()) };
        (!self.contains(place)).then_some(back)
    }

    fn contains(self, place: Place) -> bool {
        let inside = |at: f64, length: f64| (0.0..length).contains(&(at + self.margin_px));
        inside(place.x, self.width()) && inside(place.y, self.height())
    }

    fn random_place(self, chance: &mut Chance) -> Place {
        let x = chance.between(0.0, self.width()) - self.margin_px;
        let y = chance.between(0.0, self.height()) - self.margin_px;
        Place { x, y }
    }
}

/// At most `count` nuclei; fewer where the field is full.
pub fn place(
    config: &MicrographConfig,
    field: Field,
    count: usize,
    chance: &mut Chance,
) -> Vec<Nucleus> {
    let mut placed: Vec<Nucleus> = Vec::with_capacity(count);
    for _ in 0..count {
        let nucleus = Nucleus::new(config, field.random_place(chance), chance);
        let touches = !placed.is_empty() && chance.happens(config.cluster_ratio);
        let fitted = if touches {
            beside_another(nucleus, &placed, field, chance)
        } else {
            apart(nucleus, &placed, field, chance)
        };
        placed.extend(fitted);
    }
    placed
}

fn apart(
    mut nucleus: Nucleus,
    placed: &[Nucleus],
    field: Field,
    chance: &mut Chance,
) -> Option<Nucleus> {
    for _ in 0..MAX_TRIES {
        nucleus.middle = field.random_place(chance);
        let is_free = |other: &Nucleus| {
            let distance = nucleus.middle.distance(other.middle);
            distance >= APART_RATIO * (nucleus.reach() + other.reach())
        };
        if placed.iter().all(is_free) {
            return Some(nucleus);
        }
    }
    None
}

fn beside_another(
    mut nucleus: Nucleus,
    placed: &[Nucleus],
    field: Field,
    chance: &mut Chance,
) -> Option<Nucleus> {
    for _ in 0..MAX_TRIES {
        let neighbour = &placed[chance.below(placed.len())];
        let ratio = chance.between(*TOUCHING_RATIO.start(), *TOUCHING_RATIO.end());
        let distance = ratio * (nucleus.radius + neighbour.radius);
        nucleus.middle = neighbour.middle.moved(chance.direction(), distance);
        let is_free = |other: &Nucleus| {
            let nearest = TOUCHING_RATIO.start() * (nucleus.radius + other.radius);
            // The neighbour itself may round to just below.
            nucleus.middle.distance(other.middle) >= nearest - 1e-6
        };
        if field.contains(nucleus.middle) && placed.iter().all(is_free) {
            return Some(nucleus);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Field = Field { picture: ImageSize::new(100, 200), margin_px: 20.0 };

    #[test]
    fn what_leaves_comes_back_on_the_other_side() {
        assert!(FIELD.wrapped(Place { x: -19.0, y: 119.0 }).is_none());
        let back = FIELD.wrapped(Place { x: 223.0, y: -21.0 });
        assert!(back.is_some_and(|at| (at.x, at.y) == (-17.0, 119.0)), "{back:?}");
    }

    #[test]
    fn a_full_field_holds_fewer() {
        let config = MicrographConfig::default();
        let nuclei = place(&config, FIELD, 1000, &mut Chance::new(1, 0));
        // The field is 140 by 240, the smallest nucleus 200 square pixels.
        assert!((20..168).contains(&nuclei.len()), "{} nuclei", nuclei.len());
        assert!(nuclei.iter().all(|nucleus| FIELD.contains(nucleus.middle)));
    }

    #[test]
    fn without_clusters_nothing_touches() {
        let config = MicrographConfig { cluster_ratio: 0.0, ..MicrographConfig::default() };
        let nuclei = place(&config, FIELD, 20, &mut Chance::new(2, 0));
        for (index, a) in nuclei.iter().enumerate() {
            for b in &nuclei[..index] {
                assert!(a.middle.distance(b.middle) > a.reach() + b.reach());
            }
        }
    }
}
