//! The same nuclei over time: drifting, turning, glowing, dividing, leaving and coming.

use super::chance::{Chance, Direction};
use super::layout::{self, Field};
use super::nucleus::{Nucleus, Place};
use super::optics::Optics;
use super::scene::Scene;
use super::{MicrographConfig, MicrographError};
use kestrel_core::{Mask, RgbImage};

/// Middles come no nearer than this, over the sum of the radii; a little below what clusters begin
/// with, so that those stay as they are.
const NEAREST_RATIO: f64 = 0.84;

/// A nucleus in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackedNucleus {
    /// The same in every frame; never given to another nucleus.
    pub id: u64,
    /// The nucleus it came from by division.
    pub parent: Option<u64>,
    /// The pixels it shows.
    pub mask: Mask,
}

/// A frame of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct MicrographFrame {
    /// Grey levels in three equal channels.
    pub image: RgbImage,
    /// The nuclei that show at least 20 pixels; no pixel belongs to two.
    pub nuclei: Vec<TrackedNucleus>,
}

/// The frames of [`micrograph_sequence`].
pub struct MicrographSequence<'a> {
    config: &'a MicrographConfig,
    field: Field,
    optics: Optics<'a>,
    chance: Chance,
    movers: Vec<Mover>,
    drift: Direction,
    next_id: u64,
    frames_left: usize,
}

/// Draws `frames` pictures of the same moving nuclei, one at a time; see
/// [`MicrographConfig::motion`].
///
/// # Errors
/// When a setting is outside its range.
pub fn micrograph_sequence(
    config: &MicrographConfig,
    seed: u64,
    frames: usize,
) -> Result<MicrographSequence<'_>, MicrographError> {
    config.validate()?;
    let mut chance = Chance::new(seed, 1);
    let optics = Optics::new(config, &mut chance);
    // What enters or leaves the field must be out of the picture: the most irregular outline allowed
    // reaches 2.1 long half-axes.
    let margin_px = 2.2 * config.max_radius_px * config.max_elongation_ratio.sqrt();
    let field = Field { picture: config.size, margin_px };
    let count = field.num_nuclei(config.num_nuclei);
    let nuclei = layout::place(config, field, count, &mut chance);
    let drift = chance.direction();
    let mut sequence = MicrographSequence {
        config,
        field,
        optics,
        chance,
        movers: Vec::new(),
        drift,
        next_id: 0,
        frames_left: frames,
    };
    sequence.movers = nuclei.into_iter().map(|nucleus| sequence.mover(nucleus)).collect();
    Ok(sequence)
}

/// A nucleus and how it changes.
struct Mover {
    id: u64,
    parent: Option<u64>,
    nucleus: Nucleus,
    mean_brightness: f64,
    /// Where in its rise and fall the light is.
    glow: Direction,
    /// Turn of the glow, in radians a frame.
    glow_radians: f64,
    turn_radians: f64,
    /// Own motion, in pixels a frame.
    wander: Place,
}

impl MicrographSequence<'_> {
    fn mover(&mut self, nucleus: Nucleus) -> Mover {
        let motion = &self.config.motion;
        let chance = &mut self.chance;
        self.next_id += 1;
        Mover {
            id: self.next_id,
            parent: None,
            mean_brightness: nucleus.brightness,
            nucleus,
            glow: chance.direction(),
            glow_radians: chance.between(0.05, 0.2),
            turn_radians: chance.between(-motion.turn_radians, motion.turn_radians),
            wander: Place {
                x: motion.wander_px * chance.normal(),
                y: motion.wander_px * chance.normal(),
            },
        }
    }

    fn expose(&mut self) -> MicrographFrame {
        let scene = Scene::of(self.config.size, self.movers.iter().map(|mover| &mover.nucleus));
        let image = self.optics.expose(&scene.light, &mut self.chance);
        let masks = scene.masks().into_iter();
        let nuclei = masks.map(|(number, mask)| {
            let Mover { id, parent, .. } = self.movers[number];
            TrackedNucleus { id, parent, mask }
        });
        MicrographFrame { image, nuclei: nuclei.collect() }
    }

    fn step(&mut self) {
        for mover in &mut self.movers {
            mover.step(self.drift, self.config);
        }
        push_apart(&mut self.movers);
        for number in 0..self.movers.len() {
            let mover = &self.movers[number];
            if let Some(entry) = self.field.wrapped(mover.nucleus.middle) {
                let nucleus = Nucleus::new(self.config, entry, &mut self.chance);
                self.movers[number] = self.mover(nucleus);
            }
        }
        self.divide();
    }

    /// Lets some of the grown nuclei divide. Without divisions no random number is drawn.
    fn divide(&mut self) {
        let chance_to = self.config.motion.division_chance;
        if chance_to == 0.0 {
            return;
        }
        for number in 0..self.movers.len() {
            let mover = &self.movers[number];
            let is_grown = mover.nucleus.radius >= self.config.min_radius_px;
            if !is_grown || !self.chance.happens(chance_to) {
                continue;
            }
            let (parent, wander) = (Some(mover.id), mover.wander);
            let halves = mover.nucleus.halves(NEAREST_RATIO, &mut self.chance);
            let [first, second] = halves.map(|half| Mover { parent, wander, ..self.mover(half) });
            self.movers[number] = first;
            self.movers.push(second);
        }
    }
}

/// Cells do not slide through each other: those that come too near give way, half each.
fn push_apart(movers: &mut [Mover]) {
    let nuclei = movers.iter().map(|mover| &mover.nucleus);
    let push = |from: &Nucleus| {
        nuclei.clone().fold(from.middle, |place, other| {
            let distance = from.middle.distance(other.middle);
            let missing = NEAREST_RATIO * (from.radius + other.radius) - distance;
            // A nucleus is at distance 0 of itself.
            if missing <= 0.0 || distance == 0.0 {
                return place;
            }
            let (dx, dy) = (from.middle.x - other.middle.x, from.middle.y - other.middle.y);
            place.moved(Direction::of(dx, dy), missing / 2.0)
        })
    };
    let pushed: Vec<Place> = nuclei.clone().map(push).collect();
    for (mover, middle) in movers.iter_mut().zip(pushed) {
        mover.nucleus.middle = middle;
    }
}

impl Iterator for MicrographSequence<'_> {
    type Item = MicrographFrame;

    fn next(&mut self) -> Option<MicrographFrame> {
        self.frames_left = self.frames_left.checked_sub(1)?;
        let frame = self.expose();
        self.step();
        Some(frame)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.frames_left, Some(self.frames_left))
    }
}

impl ExactSizeIterator for MicrographSequence<'_> {}

impl Mover {
    fn step(&mut self, drift: Direction, config: &MicrographConfig) {
        let moved = self.nucleus.middle.moved(drift, config.motion.drift_px);
        self.nucleus.middle = Place { x: moved.x + self.wander.x, y: moved.y + self.wander.y };
        self.nucleus.heading = self.nucleus.heading.turned(self.turn_radians);
        self.glow = self.glow.turned(self.glow_radians);
        let glow = 1.0 + config.motion.glow_ratio * self.glow.x;
        self.nucleus.brightness = self.mean_brightness * glow;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::MotionConfig;
    use kestrel_core::ImageSize;
    use std::collections::BTreeSet;

    fn config() -> MicrographConfig {
        let mut config = MicrographConfig {
            size: ImageSize::new(96, 128),
            num_nuclei: 8,
            ..MicrographConfig::default()
        };
        config.motion.drift_px = 3.0;
        config
    }

    fn frames(config: &MicrographConfig, count: usize) -> Vec<MicrographFrame> {
        micrograph_sequence(config, 4, count).unwrap().collect()
    }

    fn ids(frame: &MicrographFrame) -> BTreeSet<u64> {
        frame.nuclei.iter().map(|nucleus| nucleus.id).collect()
    }

    #[test]
    fn a_nucleus_keeps_its_id_from_frame_to_frame() {
        let frames = frames(&config(), 30);
        for (before, after) in frames.iter().zip(&frames[1..]) {
            assert_eq!(ids(before).len(), before.nuclei.len(), "an id is used once");
            for old in &before.nuclei {
                let again = after.nuclei.iter().find(|new| new.id == old.id);
                // A step of about 3 pixels, over masks of 250: the overlap can only shrink so far.
                let large = again.filter(|new| new.mask.area().min(old.mask.area()) > 200);
                if let Some(new) = large {
                    assert!(old.mask.iou(&new.mask) > 0.3, "nucleus {} jumped", old.id);
                }
            }
        }
    }

    #[test]
    fn nuclei_come_and_go_and_never_come_back() {
        let frames = frames(&config(), 120);
        let shown: Vec<_> = frames.iter().map(ids).collect();
        assert!(shown[0].difference(&shown[119]).count() > 0, "some left");
        assert!(shown[119].difference(&shown[0]).count() > 0, "some came");
        for id in shown.iter().flatten().collect::<BTreeSet<_>>() {
            let first = shown.iter().position(|frame| frame.contains(id)).unwrap();
            let last = shown.iter().rposition(|frame| frame.contains(id)).unwrap();
            // Drift is straight, so out of the picture for this long is a second life.
            let gaps = shown[first..=last].split(|frame| frame.contains(id));
            assert!(gaps.map(<[_]>::len).max().unwrap() < 40, "nucleus {id}");
        }
    }

    #[test]
    fn without_motion_only_the_noise_changes() {
        let still = MicrographConfig {
            motion: MotionConfig {
                drift_px: 0.0,
                wander_px: 0.0,
                turn_radians: 0.0,
                glow_ratio: 0.0,
                division_chance: 0.0,
            },
            ..config()
        };
        let frames = frames(&still, 2);
        assert_eq!(frames[0].nuclei, frames[1].nuclei);
        assert_ne!(frames[0].image, frames[1].image);
    }

    #[test]
    fn halves_know_where_they_came_from() {
        let mut config = config();
        config.motion.division_chance = 0.02;
        let frames = frames(&config, 60);
        let mut num_halves = 0;
        for (before, after) in frames.iter().zip(&frames[1..]) {
            for half in after.nuclei.iter().filter(|nucleus| nucleus.parent.is_some()) {
                let mother = before.nuclei.iter().find(|old| Some(old.id) == half.parent);
                // Later the mother is gone; at first its half lies where it lay. Masks are what
                // neighbours leave to be seen, so how much they share says little.
                let Some(mother) = mother else { continue };
                let [old, new] = [&mother.mask, &half.mask].map(|mask| mask.bounds().unwrap());
                assert!(old.iou(&new) > 0.0, "{} of {}", half.id, mother.id);
                assert!(!ids(after).contains(&mother.id), "a mother is gone");
                num_halves += 1;
            }
        }
        assert!(num_halves >= 4, "{num_halves} halves");
    }

    #[test]
    fn a_sequence_is_as_long_as_asked_and_repeats() {
        assert_eq!(frames(&config(), 0).len(), 0);
        assert_eq!(frames(&config(), 5), frames(&config(), 5));
        assert_eq!(micrograph_sequence(&config(), 4, 5).unwrap().len(), 5);
    }
}
