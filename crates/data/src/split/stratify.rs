//! Iterative stratification: the class with fewest images left is dealt out first.

use crate::dataset::CategoryId;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

/// Part of an image that a share may be off by rounding, many orders above that of a million images.
const ROUNDING: f64 = 1e-6;

/// What every part should have its share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// Images that show a class.
    Class(CategoryId),
    /// Images that show none.
    NoObjects,
}

/// Images that stay together.
#[derive(Debug, Default)]
pub struct Unit {
    /// Their places in the data set.
    pub images: Vec<usize>,
    /// How many of them are of each stratum; at least one is.
    pub num_images: BTreeMap<Stratum, usize>,
}

/// What a part still wants, in images; below 0 where it has more than its share.
struct Wanted {
    images: f64,
    of_stratum: BTreeMap<Stratum, f64>,
}

/// The part of each unit. `shares` are positive; the units come in an order that does not depend on
/// anything but the data.
pub fn assign(units: &[Unit], shares: &[f64], seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut parts: Vec<Wanted> = shares.iter().map(|&share| Wanted::of(units, share)).collect();
    let mut part_of_unit = vec![0; units.len()];
    let mut waiting = dealing_order(units, &mut rng);
    while let Some(stratum) = rarest(units, &waiting) {
        let (dealt, rest): (Vec<usize>, Vec<usize>) =
            waiting.into_iter().partition(|&unit| units[unit].num_images.contains_key(&stratum));
        for unit in dealt {
            let part = neediest(&parts, stratum, &mut rng);
            parts[part].take(&units[unit]);
            part_of_unit[unit] = part;
        }
        waiting = rest;
    }
    part_of_unit
}

/// Large groups first, since small ones can still even things out; else by lot.
fn dealing_order(units: &[Unit], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<(usize, u64)> =
        (0..units.len()).map(|unit| (unit, rng.next_u64())).collect();
    order.sort_by_key(|&(unit, lot)| (Reverse(units[unit].images.len()), lot));
    order.into_iter().map(|(unit, _)| unit).collect()
}

/// The stratum with the fewest images among the units that wait; the first by id of several.
fn rarest(units: &[Unit], waiting: &[usize]) -> Option<Stratum> {
    let num_images = num_images_by_stratum(waiting.iter().map(|&unit| &units[unit]));
    num_images.into_iter().min_by_key(|&(_, count)| count).map(|(stratum, _)| stratum)
}

fn num_images_by_stratum<'a>(units: impl Iterator<Item = &'a Unit>) -> BTreeMap<Stratum, usize> {
    let mut num_images: BTreeMap<Stratum, usize> = BTreeMap::new();
    for (&stratum, count) in units.flat_map(|unit| &unit.num_images) {
        *num_images.entry(stratum).or_default() += count;
    }
    num_images
}

/// The part that gets the next unit of a stratum: the one that wants most of it, as long as it is
/// owed a whole image; after that, of those owed anything, the one that wants most images.
fn neediest(parts: &[Wanted], stratum: Stratum, rng: &mut ChaCha8Rng) -> usize {
    let most = parts.iter().map(|part| part.images_of(stratum)).fold(f64::NEG_INFINITY, f64::max);
    let is_owed_one = most >= 1.0 - ROUNDING;
    let need = |part: &Wanted| {
        let first = if is_owed_one { part.images_of(stratum) } else { part.images };
        let second = if is_owed_one { part.images } else { part.images_of(stratum) };
        [first, second]
    };
    // Where groups have taken too much everywhere, the one that took least.
    let is_candidate =
        |part: &Wanted| part.images_of(stratum) > ROUNDING || part.images_of(stratum) == most;
    let order = |a: [f64; 2], b: [f64; 2]| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]));
    let mut best: Vec<usize> = Vec::new();
    for (part, wanted) in parts.iter().enumerate().filter(|(_, wanted)| is_candidate(wanted)) {
        match best.first().map(|&first| order(need(wanted), need(&parts[first]))) {
            None | Some(Ordering::Equal) => best.push(part),
            Some(Ordering::Greater) => best = vec![part],
            Some(Ordering::Less) => {}
        }
    }
    best[(rng.next_u64() % best.len() as u64) as usize]
}

impl Wanted {
    fn of(units: &[Unit], share: f64) -> Self {
        // Whole images are summed, so that a tenth of ten images is one.
        let num_images: usize = units.iter().map(|unit| unit.images.len()).sum();
        let of_stratum = num_images_by_stratum(units.iter()).into_iter();
        let of_stratum = of_stratum.map(|(stratum, count)| (stratum, share * count as f64));
        Self { images: share * num_images as f64, of_stratum: of_stratum.collect() }
    }

    fn images_of(&self, stratum: Stratum) -> f64 {
        self.of_stratum.get(&stratum).copied().unwrap_or_default()
    }

    fn take(&mut self, unit: &Unit) {
        self.images -= unit.images.len() as f64;
        for (stratum, &count) in &unit.num_images {
            *self.of_stratum.entry(*stratum).or_default() -= count as f64;
        }
    }
}
