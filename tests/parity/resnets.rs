//! Ten ResNets as classifiers and as bodies.

use crate::compare::{STAGE, report, whole, with_sample};
use crate::fixture::Fixture;
use crate::formula;
use kestrel_layers::{Mode, Preparation};
use kestrel_resnet::{Classifier, Variant};
use tch::{Device, nn::VarStore, no_grad};

#[test]
fn logits_and_stages_of_every_published_size() {
    let fixture = Fixture::named("resnet_logits");
    let pixels = fixture.tensor("input");
    for variant in Variant::ALL {
        let store = VarStore::new(Device::Cpu);
        let mut model = Classifier::new(&store.root(), &variant.config(), 1000);
        formula::fill(&store);
        for state in ["as loaded", "prepared"] {
            let key = |what: &str| format!("{}.{what}", variant.name());
            let label = |what: &str| format!("{} ({state})", key(what));
            let maps = no_grad(|| model.body().forward(&pixels, Mode::Eval));
            let stages = ["c2", "c3", "c4", "c5"].into_iter().zip(&maps).map(|(stage, map)| {
                with_sample(&label(stage), map, &fixture.sample(&key(stage)), STAGE)
            });
            let worst = stages.fold(0.0, f64::max);
            let logits = no_grad(|| model.forward(&pixels, Mode::Eval));
            let off = whole(&label("logits"), &logits, &fixture.tensor(&key("logits")), STAGE);
            report(&format!("{} {state}", variant.name()), "C2 to C5", worst, "of the largest");
            report(&format!("{} {state}", variant.name()), "logits", off, "of the largest");
            model.prepare(Preparation::default());
        }
    }
}
