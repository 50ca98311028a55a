//! A run that was interrupted gives the very weights of one that was not.

use crate::scene::{Notes, bytes_of, collection, config, drawn, train};
use kestrel_train::record::Metric;
use kestrel_train::{
    DataConfig, Ending, MODEL_FILE, OptimiserKind, Precision, TrainConfig, TrainingData,
};
use std::fs;
use std::path::Path;

fn data(folder: &Path) -> TrainingData {
    let whole = drawn(folder, 6);
    TrainingData::of(collection([("all", whole)]), &DataConfig::default(), 0).unwrap()
}

fn check_interrupted_at(config: &TrainConfig, stop_after: u64) {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let mut undisturbed = Notes::default();
    let ending = train(config, &data, &whole, &mut undisturbed).unwrap();
    assert_eq!(ending, Ending::Finished { step: 10 });

    let mut first = Notes { stop_after: Some(stop_after), ..Notes::default() };
    let ending = train(config, &data, &parts, &mut first).unwrap();
    assert_eq!(ending, Ending::Stopped { step: stop_after });
    let mut second = Notes::default();
    train(config, &data, &parts, &mut second).unwrap();

    let losses = [first.losses(), second.losses()].concat();
    assert_eq!(losses, undisturbed.losses());
    for file in [MODEL_FILE, "checkpoints/step-000000010.safetensors"] {
        assert_eq!(bytes_of(&whole.join(file)), bytes_of(&parts.join(file)), "{file}");
    }
    let steps = |folder: &Path| {
        let log = kestrel_train::record::read_log(&folder.join("metrics.jsonl")).unwrap();
        log.lines.len()
    };
    assert_eq!(steps(&whole), steps(&parts));
}

#[test]
fn sgd_goes_on_exactly() {
    check_interrupted_at(&config(), 3);
}

#[test]
fn adamw_with_accumulation_goes_on_exactly() {
    let mut config = config();
    config.train.optimiser.kind = OptimiserKind::AdamW;
    config.train.lr = 1e-3;
    config.train.accumulate = 2;
    check_interrupted_at(&config, 7);
}

#[test]
fn sixteen_bits_go_on_exactly() {
    let mut config = config();
    config.train.optimiser.kind = OptimiserKind::AdamW;
    config.train.lr = 1e-3;
    for precision in [Precision::Bfloat16, Precision::Float16] {
        config.train.precision = precision;
        check_interrupted_at(&config, 7);
    }
}

/// As after `kill -9`: the run was ahead of its newest checkpoint, which cost the steps since, and
/// the newest files are half written.
#[test]
fn a_killed_run_goes_on_from_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let config = config();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    train(&config, &data, &whole, &mut Notes::default()).unwrap();
    train(&config, &data, &killed, &mut Notes::default()).unwrap();
    let newest = killed.join("checkpoints/step-000000010.safetensors");
    fs::remove_file(&newest).unwrap();
    fs::write(killed.join("checkpoints/.kestrel-half.tmp"), b"half").unwrap();
    let log = killed.join("metrics.jsonl");
    let lines = fs::read_to_string(&log).unwrap();
    fs::write(&log, &lines[..lines.len() - 20]).unwrap();

    let mut notes = Notes::default();
    train(&config, &data, &killed, &mut notes).unwrap();
    assert_eq!(notes.losses().first().map(|(step, _)| *step), Some(9));
    for file in [MODEL_FILE, "checkpoints/step-000000010.safetensors"] {
        assert_eq!(bytes_of(&whole.join(file)), bytes_of(&killed.join(file)), "{file}");
    }
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), lines.lines().count());
}

#[test]
fn a_checkpoint_of_another_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let mut config = config();
    let path = folder.path().join("run");
    train(&config, &data, &path, &mut Notes::default()).unwrap();
    let refused = |change: fn(&mut TrainConfig)| {
        let mut other = config.clone();
        change(&mut other);
        let error = train(&other, &data, &path, &mut Notes::default()).unwrap_err().to_string();
        assert!(error.contains("another model, optimiser or `train.ema_decay`"), "{error}");
    };
    refused(|config| config.model.architecture.fpn.channels = 16);
    refused(|config| config.train.optimiser.kind = OptimiserKind::AdamW);
    refused(|config| config.train.ema_decay = None);
    config.train.optimiser.kind = OptimiserKind::AdamW;
    let path = folder.path().join("adamw");
    train(&config, &data, &path, &mut Notes::default()).unwrap();
    config.train.optimiser.kind = OptimiserKind::Sgd;
    let error = train(&config, &data, &path, &mut Notes::default()).unwrap_err().to_string();
    assert!(error.contains("/1` that has no place here"), "{error}");
}

/// Five pictures to learn from, two a step: three steps an epoch.
#[test]
fn steps_and_looks_know_their_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let mut config = config();
    config.validation.every_steps = Some(3);
    let mut notes = Notes::default();
    train(&config, &data, &folder.path().join("run"), &mut notes).unwrap();
    let (mut steps, mut looks) = (Vec::new(), Vec::new());
    for metric in &notes.metrics {
        match metric {
            Metric::Step { epoch, .. } => steps.push(*epoch),
            Metric::Validation { epoch, .. } => looks.push(*epoch),
        }
    }
    assert_eq!(steps, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
    assert_eq!(looks, [1, 2, 3, 3]);
}
