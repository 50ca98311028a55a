//! Weights made by a formula, the same as in `formula.py`, so that no weights are stored.

use serde::Deserialize;
use tch::nn::VarStore;
use tch::{Tensor, no_grad};

#[derive(Deserialize)]
struct Recipe {
    rules: Vec<Rule>,
}

/// Where a name ends with `suffix` and has `contains` in it.
#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    suffix: String,
    #[serde(default)]
    contains: String,
    center: Option<f64>,
    scale: Option<f64>,
    fan_in_gain: Option<f64>,
}

/// Overwrites every variable of a model.
pub fn fill(store: &VarStore) {
    let recipe: Recipe = serde_json::from_str(include_str!("recipe.json")).unwrap();
    let mut variables: Vec<(String, Tensor)> = store.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, mut variable) in variables {
        let shape = variable.size();
        let (center, scale) = center_and_scale(&recipe.rules, &name, &shape);
        let values: Vec<f32> =
            stream(&name, variable.numel()).map(|u| (center + scale * u) as f32).collect();
        no_grad(|| variable.copy_(&Tensor::from_slice(&values).view(shape.as_slice())));
    }
}

fn center_and_scale(rules: &[Rule], name: &str, shape: &[i64]) -> (f64, f64) {
    let matches = |rule: &&Rule| name.ends_with(&rule.suffix) && name.contains(&rule.contains);
    let rule = rules.iter().find(matches).unwrap_or_else(|| panic!("no rule for {name}"));
    match rule.fan_in_gain {
        Some(gain) => {
            let fan_in: i64 = shape[1..].iter().product();
            (0.0, gain * (3.0 / fan_in as f64).sqrt())
        }
        None => (rule.center.unwrap(), rule.scale.unwrap()),
    }
}

/// SplitMix64 seeded by the name, as numbers in `[-1, 1)`.
fn stream(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    (1..=count as u64).map(move |index| {
        let mut z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f64 / f64::from(1u32 << 23) - 1.0
    })
}
