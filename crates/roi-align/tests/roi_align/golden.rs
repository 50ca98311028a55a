//! Tables that torchvision made.

use crate::scene::{Scene, floats, max_error};
use kestrel_roi_align::{RoiAlignConfig, Route, Sampling};
use serde_json::Value;
use std::path::Path;
use tch::Kind;

/// The tables are float32 results up to 30, rounded to six digits: two float32 steps at 30 are
/// 4e-6, and the rounding adds 5e-7.
const TABLE_TOLERANCE: f64 = 5e-6;

const BOXES: [[f32; 4]; 5] = [
    [0.5, 0.5, 3.5, 2.5],
    [-1.0, -1.0, 2.0, 2.0],
    [3.2, 1.1, 9.0, 7.0],
    [2.0, 2.0, 2.2, 2.1],
    [-5.0, -5.0, -3.0, -3.0],
];

fn config(sampling: Sampling, aligned: bool) -> RoiAlignConfig {
    RoiAlignConfig { pooled: 2, sampling, aligned }
}

fn ramp(boxes: &[[f32; 4]], config: RoiAlignConfig) -> Scene {
    Scene::of_map(4, 5, |row, column| 10.0 * row + column, boxes, config)
}

/// Not linear, so that it shows how pixels are mixed.
fn bowl() -> Scene {
    let value = |row: f32, column: f32| row * row * 1.5 + column * column;
    Scene::of_map(4, 5, value, &BOXES[..3], config(Sampling::Fixed(2), false))
}

/// Both routes against a table `[R, P, P]`.
fn assert_table(scene: &Scene, expected: &[f64], what: &str) {
    let by_kernel = scene.by_kernel();
    let by_bag = floats(&scene.by_route(&scene.tensor(), Route::Bag));
    for (route, found) in [("kernel", by_kernel), ("bag", by_bag)] {
        let error = max_error(&found, expected);
        assert!(error <= TABLE_TOLERANCE, "{what}, {route}: off by {error}");
    }
}

/// The numbers of the specification; they need no file.
#[test]
fn a_ramp_pools_to_the_known_numbers() {
    let unaligned = ramp(&BOXES[..1], config(Sampling::Fixed(2), false));
    assert_table(&unaligned, &[11.25, 12.75, 21.25, 22.75], "not aligned");
    let aligned = ramp(&BOXES[..1], config(Sampling::Fixed(2), true));
    assert_table(&aligned, &[5.75, 7.25, 15.75, 17.25], "aligned");
    let outside = ramp(&BOXES[4..], config(Sampling::Fixed(2), false));
    assert_table(&outside, &[0.0; 4], "outside");
    let mut quarter = ramp(&[[4.0, 4.0, 16.0, 12.0]], config(Sampling::Fixed(2), false));
    quarter.shape.scale = 0.25;
    assert_table(&quarter, &[16.75, 18.25, 26.75, 28.25], "scale 1/4");
}

/// All numbers below `value`, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

#[allow(clippy::print_stderr)]
fn tables() -> Option<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/oracle/golden.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: no golden tables at {}", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn all_modes_equal_torchvision() {
    let Some(tables) = tables() else { return };
    for (python, aligned) in [("False", false), ("True", true)] {
        for (ratio, sampling) in [(2, Sampling::Fixed(2)), (0, Sampling::Adaptive)] {
            let name = format!("roi_align aligned={python} sampling={ratio}");
            let expected = numbers(&tables[&name]["out"]);
            assert_table(&ramp(&BOXES, config(sampling, aligned)), &expected, &name);
        }
    }
    assert_table(&bowl(), &numbers(&tables["roi_align quad"]), "bowl");
}

#[test]
fn a_mask_target_equals_torchvisions() {
    let Some(tables) = tables() else { return };
    let value = |row: f32, column: f32| {
        f32::from((1.0..5.0).contains(&row) && (2.0..5.0).contains(&column))
    };
    let config = RoiAlignConfig { pooled: 4, ..config(Sampling::Adaptive, false) };
    let scene = Scene::of_map(6, 6, value, &[[1.0, 0.0, 6.0, 6.0]], config);
    // This table is rounded to five digits.
    let error = max_error(&scene.by_kernel(), &numbers(&tables["mask target M=4 box 1,0,6,6"]));
    assert!(error <= 5.1e-6, "off by {error}");
}

#[test]
fn the_gradient_equals_torchvisions() {
    let Some(tables) = tables() else { return };
    let scene = bowl();
    let expected = numbers(&tables["roi_align quad grad(sum)"]);
    let by_kernel = scene.kernel_gradient(&vec![1.0; scene.crops_len()]);
    let features = scene.tensor().set_requires_grad(true);
    scene.by_route(&features, Route::Bag).sum(Kind::Float).backward();
    for (route, found) in [("kernel", by_kernel), ("bag", floats(&features.grad()))] {
        let error = max_error(&found, &expected);
        // Values near 1, rounded to six digits.
        assert!(error <= 1e-6, "{route}: off by {error}");
    }
}
