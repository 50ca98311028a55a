//! Differences, and how large they may be.

use crate::fixture::{Fixture, Sample, floats, sampled};
use tch::{Kind, Tensor};

/// Difference over the largest value of a stage. Both sides add the same numbers in float32, but
/// in another order; torchvision's own difference to float64 is up to 2e-5 after a hundred layers.
pub const STAGE: f64 = 5e-5;

/// Compares a stage with what the fixture has of it: all, or a sample.
pub fn stage(model: &str, key: &str, found: &Tensor, fixture: &Fixture, tolerance: f64) {
    let label = format!("{model}: {key}");
    let off = match fixture.has(key) {
        true => whole(&label, found, &fixture.tensor(key), tolerance),
        false => with_sample(&label, found, &fixture.sample(key), tolerance),
    };
    report(model, key, off, "of the largest");
}

/// Compares a stage of which all was kept; returns the difference over the largest value.
pub fn whole(stage: &str, found: &Tensor, expected: &Tensor, tolerance: f64) -> f64 {
    assert_eq!(found.size(), expected.size(), "{stage}: shape");
    slices(stage, &floats(found), &floats(expected), tolerance)
}

/// Compares a stage of which a sample was kept, and the norm of the whole.
pub fn with_sample(stage: &str, found: &Tensor, expected: &Sample, tolerance: f64) -> f64 {
    assert_eq!(found.size(), expected.shape, "{stage}: shape");
    let norm = found.to_kind(Kind::Double).norm().double_value(&[]);
    let off = (norm - expected.norm).abs() / expected.norm.max(f64::MIN_POSITIVE);
    assert!(off <= tolerance, "{stage}: norm {norm}, expected {}", expected.norm);
    slices(stage, &sampled(found), &expected.values, tolerance)
}

/// Compares numbers; fails with the place of the worst one.
pub fn slices(stage: &str, found: &[f32], expected: &[f32], tolerance: f64) -> f64 {
    assert_eq!(found.len(), expected.len(), "{stage}: count");
    let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let difference = |at: usize| f64::from((found[at] - expected[at]).abs());
    let worst = (0..found.len()).max_by(|&a, &b| difference(a).total_cmp(&difference(b)));
    let Some(at) = worst else { return 0.0 };
    let relative = difference(at) / f64::from(largest.max(f32::MIN_POSITIVE));
    assert!(
        relative <= tolerance,
        "{stage}: {} at {at}, expected {}; {relative:.1e} of the largest value, allowed {tolerance:.1e}",
        found[at],
        expected[at]
    );
    relative
}

/// Prints a row of PARITY.md.
pub fn report(model: &str, stage: &str, worst: f64, unit: &str) {
    println!("| {model} | {stage} | {worst:.1e} {unit} |");
}
