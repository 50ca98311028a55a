//! What ends a run before its last step.

use crate::scene::{Notes, collection, config, drawn, train};
use kestrel_train::{DataConfig, Ending, TrainError, TrainingData};

#[test]
fn a_loss_that_is_no_number_names_itself_and_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let data = TrainingData::of(
        collection([("train", drawn(folder.path(), 2))]),
        &DataConfig { val_share: Some(0.0), ..DataConfig::default() },
        0,
    );
    let mut config = config();
    config.train.lr = 1e30;
    let run = folder.path().join("run");
    let error = train(&config, &data.unwrap(), &run, &mut Notes::default()).unwrap_err();
    let TrainError::NotFinite { step, what, images, .. } = &error else { panic!("{error}") };
    assert!(*step > 1 && *step <= 10, "{error}");
    assert!(what.starts_with("loss_") || what.contains("gradients"), "{error}");
    assert!(images.contains("1.png") && images.contains("2.png"), "{error}");
}

#[test]
fn a_run_without_gain_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let whole = drawn(folder.path(), 6);
    let data = TrainingData::of(collection([("all", whole)]), &DataConfig::default(), 0).unwrap();
    let mut config = config();
    config.validation.every_steps = Some(1);
    config.validation.patience = Some(3);
    config.validation.min_gain = 1.0;
    let run = folder.path().join("run");
    let ending = train(&config, &data, &run, &mut Notes::default()).unwrap();
    assert_eq!(ending, Ending::NoGain { step: 4 });
    assert!(run.join("checkpoints/step-000000004.safetensors").is_file());
    assert!(run.join("curves.png").is_file() && run.join("validation.png").is_file());
}

#[test]
fn frozen_stages_stay_and_the_rest_moves() {
    let folder = tempfile::tempdir().unwrap();
    let none = DataConfig { val_share: Some(0.0), ..DataConfig::default() };
    let data = TrainingData::of(collection([("all", drawn(folder.path(), 4))]), &none, 0).unwrap();
    let mut config = config();
    config.train.ema_decay = None;
    config.model.start.freeze_stages = 2;
    let runs = ["one", "ten"].map(|name| folder.path().join(name));
    config.train.steps = Some(1);
    train(&config, &data, &runs[0], &mut Notes::default()).unwrap();
    config.train.steps = Some(10);
    train(&config, &data, &runs[1], &mut Notes::default()).unwrap();
    let [one, ten] = runs.map(|run| crate::scene::bytes_of(&run.join("model.safetensors")));
    for ((name, before), (_, after)) in one.iter().zip(&ten) {
        let stage = name.strip_prefix("backbone.body.").unwrap_or("");
        let is_frozen = ["conv1.", "bn1.", "layer1."].iter().any(|part| stage.starts_with(part));
        // A live batch norm gathers its averages all the same.
        if is_frozen && !name.contains("running") {
            assert_eq!(before, after, "{name}");
        }
        if name == "backbone.body.layer2.0.conv1.weight" {
            assert_ne!(before, after, "{name}");
        }
    }
}
