//! The same work on one thread, on two, and on a graphics card where there is one.

use crate::support::{Answer, Workplace};
use serde_json::Value;

/// Largest relative difference of a loss in the first ten steps. One thread and two differ by 1.6e-7,
/// since libtorch adds in another order; from scratch rounding would grow to 1e-2 (PARITY.md).
const LOSS_TOLERANCE: f64 = 1e-3;
/// Largest difference of a score. One H200 and a CPU differ by 4.1e-6 in float32.
const SCORE_TOLERANCE: f64 = 1e-4;

/// With products in float32 on a card, which takes TF32 of its own accord.
fn run(work: &Workplace, arguments: &str) -> Answer {
    let mut command = work.command();
    command.args(arguments.split_whitespace()).env("NVIDIA_TF32_OVERRIDE", "0");
    crate::support::answer(command)
}

fn has_card(work: &Workplace) -> bool {
    let answer = work.run("doctor").done().stdout;
    let cuda = answer.lines().find_map(|line| line.strip_prefix("cuda")).unwrap().trim();
    let found = cuda.split(' ').next().is_some_and(|count| count.parse().is_ok_and(|n: u8| n > 0));
    if !found {
        eprintln!("skipped: cuda {cuda}");
    }
    found
}

/// All losses of the first ten steps from the built-in model, the total among them.
fn ten_losses(work: &Workplace, name: &str, how: &str) -> Vec<f64> {
    let recipe = "train custom/nuclei.yaml --start nuclei --data drawn --set data.val_share=0 \
                  --set train.lr=0.002 --set train.steps=10 --set log_every_steps=1";
    run(work, &format!("{recipe} -o {name} {how}")).done();
    let lines = work.read(&format!("{name}/metrics.jsonl"));
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps: Vec<Value> = lines.filter(|line| line["kind"] == "step").collect();
    assert_eq!(steps.len(), 10);
    let losses = steps.iter().flat_map(|step| step["losses"].as_object().unwrap().values());
    losses.map(|loss| loss.as_f64().unwrap()).collect()
}

#[track_caller]
fn same_losses(expected: &[f64], found: &[f64]) {
    assert_eq!(expected.len(), found.len());
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs() / a.abs());
    let worst = differences.fold(0.0, f64::max);
    eprintln!("losses differ by {worst:.1e} at the most");
    assert!(worst <= LOSS_TOLERANCE, "{worst} between {expected:?} and {found:?}");
}

/// Score by score, as they come.
fn scores(work: &Workplace, how: &str) -> Vec<f64> {
    let lines = run(work, &format!("detect drawn {how}")).done().stdout;
    let pictures = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let detections = pictures.flat_map(|picture| picture["detections"].as_array().unwrap().clone());
    detections.map(|found| found["score"].as_f64().unwrap()).collect()
}

#[test]
fn training_is_the_same_on_two_threads_and_on_a_card() {
    let work = Workplace::with_micrographs(8);
    let expected = ten_losses(&work, "one", "--threads 1");
    same_losses(&expected, &ten_losses(&work, "two", "--threads 2"));
    if has_card(&work) {
        same_losses(&expected, &ten_losses(&work, "card", "--device cuda"));
    }
}

#[test]
fn detections_are_the_same_on_a_card() {
    let work = Workplace::with_micrographs(4);
    if !has_card(&work) {
        return;
    }
    let (expected, found) = (scores(&work, ""), scores(&work, "--device cuda --batch 4"));
    assert_eq!(expected.len(), found.len());
    let worst = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= SCORE_TOLERANCE, "{worst} between {expected:?} and {found:?}");
}
