//! One parameter of two numbers, three steps; torch 2.11 gave the answers
//! (`torch.optim.SGD` and `AdamW`, `lr=0.1`, `weight_decay=0.01`, from `[1, -2]` with the gradients
//! `[0.5 t, -0.25]` for `t` = 1, 2, 3).

#![allow(clippy::unwrap_used)]

use super::*;
use tch::{Device, nn};

/// Float32 rounding of some twenty operations at values near 1.
const ROUNDING: f64 = 5e-7;

fn after_three_steps(config: &OptimiserConfig) -> Vec<f64> {
    let store = nn::VarStore::new(Device::Cpu);
    let mut weight = store.root().zeros("weight", &[2]);
    no_grad(|| weight.copy_(&Tensor::from_slice(&[1.0f32, -2.0])));
    let mut optimiser = Optimiser::new(&store.variables().into_iter().collect(), config);
    for step in 1..=3 {
        optimiser.zero_grad();
        let gradient = Tensor::from_slice(&[0.5 * step as f32, -0.25]);
        (&weight * gradient).sum(Kind::Float).backward();
        optimiser.step(0.1);
    }
    Vec::try_from(weight.detach().to_kind(Kind::Double)).unwrap()
}

#[test]
fn steps_are_torchs() {
    let sgd = OptimiserConfig { weight_decay: 0.01, ..OptimiserConfig::default() };
    let cases = [
        (sgd.clone(), [0.519_184_768, -1.848_659_635]),
        (OptimiserConfig { nesterov: true, ..sgd.clone() }, [0.264_890_462, -1.783_052_206]),
        (OptimiserConfig { momentum: 0.0, ..sgd.clone() }, [0.697_202_981, -1.919_080_973]),
        (OptimiserConfig { kind: OptimiserKind::AdamW, ..sgd }, [0.704_981_148, -1.694_305_897]),
    ];
    for (config, expected) in cases {
        let found = after_three_steps(&config);
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < ROUNDING, "{config:?}: {found:?}");
    }
}

#[test]
fn a_parameter_without_gradient_stays() {
    let store = nn::VarStore::new(Device::Cpu);
    let weight = store.root().ones("weight", &[2]);
    let variables = store.variables().into_iter().collect();
    let mut optimiser = Optimiser::new(&variables, &OptimiserConfig::default());
    assert_eq!(optimiser.grad_norm(), 0.0);
    optimiser.step(0.1);
    assert_eq!(weight.sum(Kind::Float).double_value(&[]), 2.0);
    assert_eq!(Optimiser::new(&BTreeMap::new(), &OptimiserConfig::default()).grad_norm(), 0.0);
}

#[test]
fn the_norm_is_that_of_all_gradients_together() {
    let store = nn::VarStore::new(Device::Cpu);
    let (a, b) = (store.root().ones("a", &[1]), store.root().ones("b", &[1]));
    let variables = store.variables().into_iter().collect();
    let mut optimiser = Optimiser::new(&variables, &OptimiserConfig::default());
    (a * 3.0 + b * 4.0).sum(Kind::Float).backward();
    assert_eq!(optimiser.grad_norm(), 5.0);
    optimiser.scale_gradients(0.5);
    assert_eq!(optimiser.grad_norm(), 2.5);
}

#[test]
fn norms_and_biases_have_their_own_decay_and_stages_their_own_rate() {
    let store = nn::VarStore::new(Device::Cpu);
    let root = store.root();
    let body = &root / "backbone" / "body";
    let conv = (&body / "layer4" / "0" / "conv1").zeros("weight", &[2, 2, 1, 1]);
    let head = &root / "roi_heads" / "box_predictor";
    let bias = (head.zeros("weight", &[2, 2]), head.zeros("bias", &[2])).1;
    let norm = &body / "bn1";
    let scale = norm.zeros("weight", &[2]);
    let _ = norm.zeros_no_train("running_mean", &[2]);
    let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
    let config = OptimiserConfig {
        momentum: 0.0,
        weight_decay: 0.1,
        norm_weight_decay: Some(0.2),
        bias_weight_decay: Some(0.3),
        stage_lr_decay: 0.5,
        ..OptimiserConfig::default()
    };
    let mut optimiser = Optimiser::new(&variables, &config);
    for mut variable in [&conv, &bias, &scale].map(Tensor::shallow_clone) {
        no_grad(|| drop(variable.fill_(1.0)));
        // A gradient of zeros: only the decay moves it.
        (variable * 0.0).sum(Kind::Float).backward();
    }
    optimiser.step(1.0);
    let value = |tensor: &Tensor| tensor.flatten(0, -1).double_value(&[0]);
    let rounded = [&conv, &bias, &scale].map(|tensor| (value(tensor) * 1e4).round() / 1e4);
    // layer4 at half the rate, the head at the full one, the stem at its fifth power.
    assert_eq!(rounded, [1.0 - 0.05, 1.0 - 0.3, 1.0 - 0.0063]);
}

#[test]
fn an_average_follows_its_variable() {
    let store = nn::VarStore::new(Device::Cpu);
    let mut weight = store.root().zeros("weight", &[1]);
    let variables = store.variables().into_iter().collect();
    let mut ema = Ema::new(&variables, 0.5);
    no_grad(|| drop(weight.fill_(1.0)));
    ema.update(&variables, 1000);
    assert_eq!(ema.averages()["weight"].double_value(&[0]), 0.5);
    // Early on it moves faster: 1 / 10 of the start is kept.
    let mut ema = Ema::new(&variables, 0.5);
    no_grad(|| drop(weight.fill_(2.0)));
    ema.update(&variables, 0);
    assert!((ema.averages()["weight"].double_value(&[0]) - 1.9).abs() < ROUNDING);
}
