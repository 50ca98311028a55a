//! Full-size models against torchvision, on what `oracle.py` wrote: run by `cargo xtask oracle`,
//! which names the folder in `KESTREL_ORACLE_DIR`. Here the weights go the way of a user's: out of
//! a `.pth` file, the architecture read off their names.

use crate::compare::{self, report};
use crate::detectors::{Tolerances, compare_all};
use crate::fixture::Fixture;
use crate::losses::{self, Way};
use crate::stages::Parts;
use kestrel_layers::{Mode, Preparation};
use kestrel_rcnn::{Metadata, Preset};
use kestrel_resnet::{Classifier, Variant};
use kestrel_weights::{StateDict, Strictness, load};
use std::path::PathBuf;
use tch::nn::VarStore;
use tch::{Device, no_grad};

/// What is asked for: boxes within 0.05 px, scores within 1e-3. A stage may differ by what float32
/// loses over fifty layers of sums of thousands; of 2000 proposals a few may differ where two
/// scores or an overlap and its threshold agree in six digits.
const FULL: Tolerances = Tolerances { stage: 2e-4, box_px: 0.05, score: 1e-3, other_proposals: 10 };

fn folder(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KESTREL_ORACLE_DIR").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: full-size {what}, which `cargo xtask oracle` compares");
    }
    folder
}

fn fill(store: &VarStore, weights: &StateDict) {
    load(store.variables(), weights, Strictness::Strict).unwrap();
}

#[test]
fn full_size_detectors() {
    let Some(folder) = folder("detectors") else { return };
    for preset in Preset::ALL {
        let name = preset.name();
        let weights = StateDict::read(&folder.join(format!("{name}.pth"))).unwrap();
        let fixture = Fixture::at(&folder.join(format!("{name}.expected.safetensors")));
        let architecture = Metadata::of(&weights, None).unwrap().architecture;
        let store = VarStore::new(Device::Cpu);
        let mut parts = Parts::build(&store, &architecture);
        fill(&store, &weights);
        parts.detector().prepare(Preparation::default());
        compare_all(&format!("{name} full size"), &mut parts, &architecture, &fixture, &FULL);
    }
}

#[test]
fn full_size_training_steps() {
    let Some(folder) = folder("training steps") else { return };
    for preset in [Preset::MaskRcnnResNet50Fpn, Preset::MaskRcnnResNet50FpnV2] {
        let name = preset.name();
        let weights = StateDict::read(&folder.join(format!("{name}.pth"))).unwrap();
        let fixture = Fixture::at(&folder.join(format!("{name}.training.safetensors")));
        let mut architecture = Metadata::of(&weights, None).unwrap().architecture;
        architecture.resize.min_size = 256;
        let images = losses::images(&fixture);
        let targets: Vec<_> = images
            .iter()
            .enumerate()
            .map(|(image, picture)| losses::target(&fixture, image, picture.size()))
            .collect();
        for way in [Way::Plain, Way::Fast] {
            let fill = |store: &VarStore| fill(store, &weights);
            let step = losses::step(&architecture, &images, &targets, way, fill);
            losses::compare_step(&format!("{name} full size, {way:?}"), &step, &fixture);
        }
    }
}

#[test]
fn full_size_resnets() {
    let Some(folder) = folder("ResNets") else { return };
    for variant in &Variant::ALL[..5] {
        let name = variant.name();
        let weights = StateDict::read(&folder.join(format!("{name}.pth"))).unwrap();
        let fixture = Fixture::at(&folder.join(format!("{name}.expected.safetensors")));
        let store = VarStore::new(Device::Cpu);
        let mut model = Classifier::new(&store.root(), &variant.config(), 1000);
        fill(&store, &weights);
        model.prepare(Preparation::default());
        let pixels = fixture.tensor("input");
        let maps = no_grad(|| model.body().forward(&pixels, Mode::Eval));
        for (stage, map) in ["c2", "c3", "c4", "c5"].into_iter().zip(&maps) {
            compare::stage(&format!("{name} full size"), stage, map, &fixture, FULL.stage);
        }
        let logits = no_grad(|| model.forward(&pixels, Mode::Eval));
        let expected = fixture.tensor("logits");
        let off = compare::whole(name, &logits, &expected, FULL.stage);
        report(&format!("{name} full size"), "logits", off, "of the largest");
    }
}
