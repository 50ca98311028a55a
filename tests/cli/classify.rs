//! `kestrel data crops`, `kestrel train --task classify` and `kestrel classify`, one after the other.

use crate::support::{Workplace, shared};
use serde_json::Value;
use std::fs;

/// So small that a run of some steps is over in a second.
const SMALL: &str = "--set model.architecture.backbone.blocks=[1,1,1,1] \
                     --set model.architecture.backbone.base_channels=8 --set loader.threads=1";

/// Drawn shapes, and a classifier that has seen their crops for a few steps.
fn trained() -> Workplace {
    let work = Workplace::new();
    work.run("data synth shapes -o drawn --count 4 --side 128 --seed 3").done();
    work.run("data crops drawn -o crops --background 0.5").done();
    let train = "train --task classify --data crops -o run --batch 8 --set train.steps=3";
    let answer = work.run(&format!("{train} {SMALL}")).done();
    assert!(answer.stderr.contains("as a classifier on the CPU, sees 64x64 pixels"), "{answer:?}");
    assert!(answer.stderr.contains("kestrel classify PICTURES --model run/model.safetensors"));
    work
}

#[test]
fn crops_teach_a_classifier_and_the_classifier_a_detector() {
    let work = trained();
    let check = work.run("data check crops").done().stdout;
    assert!(check.contains("crops: class folders, 1 split") && !check.contains("no anchor ("));
    let classify = "classify crops --model run/model.safetensors --top-k 2";
    let lines = work.run(classify).done().stdout;
    let pictures = lines.lines().count();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let found = first["classes"].as_array().unwrap();
    assert!(found.len() == 2 && found[0]["score"].as_f64() >= found[1]["score"].as_f64());
    let csv = work.run(&format!("{classify} --format csv --batch 3")).done().stdout;
    assert!(csv.starts_with("image,width,height,rank,index,class,score\n"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 2 * pictures);
    let table = work.run(&format!("{classify} --format table")).done().stdout;
    assert!(table.contains("score") && table.contains("crops/"), "{table}");

    let info = work.run("model info run/model.safetensors").done().stdout;
    assert!(info.contains("classifier, ResNet of [1, 1, 1, 1] basic blocks from 8 channels"));
    assert!(info.contains("crop_side: 64") && info.contains("every weight fits"), "{info}");

    let sizes = "--set model.architecture.fpn.channels=8 --set model.fit_to_data=false \
                 --set model.architecture.box_branch.head.two_fc.features=16 \
                 --set model.architecture.resize.min_size=64";
    let train = "train --data drawn --start run/model.safetensors -o detector --batch 1";
    let steps = "--set data.masks=never --set data.val_share=0 --set train.steps=1";
    let answer = work.run(&format!("{train} {steps} {sizes}")).done();
    assert!(answer.stderr.contains("tensors from ") && answer.stderr.contains("run/model.safe"));
    // `blocks: [1, 1, 1, 1]` of the classifier, which the command line did not say again.
    let info = work.run("model info detector/model.safetensors").done().stdout;
    assert!(info.contains("base_channels: 8\n"), "{info}");
}

#[test]
fn a_run_goes_on_as_if_it_had_not_ended() {
    let work = trained();
    let options = "--task classify --data drawn --batch 8 --set checkpoint.every_steps=2";
    work.run(&format!("train {options} -o whole --set train.steps=4 {SMALL}")).done();
    work.run(&format!("train {options} -o parts --set train.steps=4 {SMALL}")).done();
    // As after a kill behind step 2: what came later is not there.
    let last = "parts/checkpoints/step-000000004.safetensors";
    fs::remove_file(work.path(last)).unwrap();
    fs::remove_file(work.path("parts/model.safetensors")).unwrap();
    work.run("train --resume parts").done();
    let bytes = |name: &str| fs::read(work.path(name)).unwrap();
    assert!(bytes(last) == bytes("whole/checkpoints/step-000000004.safetensors"));
}

#[test]
fn what_is_no_classifier_or_no_picture_is_named() {
    let work = Workplace::with_micrographs(1);
    let refused = |arguments: &str| work.run(arguments).refused();
    let error = refused("classify drawn --model nuclei");
    assert!(error.contains("found a detector") && error.contains("`kestrel detect`"), "{error}");
    let error = refused("classify drawn --model resnet50");
    assert!(error.contains("kestrel model fetch resnet50"), "{error}");
    let error = refused("classify drawn --model resnet5O");
    assert!(error.contains("did you mean `resnet50`?"), "{error}");
    for class in ["a", "b"] {
        fs::create_dir_all(work.path("folders").join(class)).unwrap();
        let picture = work.path("drawn/micrograph-0001.png");
        fs::copy(picture, work.path("folders").join(class).join("1.png")).unwrap();
    }
    let error = refused("train --data folders");
    assert!(error.contains("--task classify"), "{error}");
}

#[test]
fn a_bare_checkpoint_is_taken_for_what_it_is() {
    let Some(detector) = shared("oracle/nuclei/model.pth") else { return };
    let work = Workplace::with_micrographs(1);
    let model = detector.display();
    let error = work.run(&format!("classify drawn --model {model}")).refused();
    assert!(error.contains("`conv1.weight` is missing"), "{error}");
}
