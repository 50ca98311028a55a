//! Pictures through torchvision's classification transform and a small ResNet.

use crate::compare::{STAGE, report, slices, with_sample};
use crate::fixture::Fixture;
use crate::formula;
use kestrel_resnet::{
    ClassifierArchitecture, ClassifierModel, InputConfig, ResNetConfig, Variant, top_k,
};
use kestrel_weights::StateDict;
use std::collections::BTreeMap;
use tch::{Device, nn::VarStore};

/// Softmax of float32 logits that are up to [`STAGE`] apart.
const SCORE: f64 = 1e-5;
/// One product and one sum in float32.
const NORMALISED: f64 = 1e-6;

#[test]
fn squares_logits_and_predictions() {
    let fixture = Fixture::named("classifier");
    let cases: BTreeMap<String, [usize; 4]> =
        serde_json::from_value(fixture.metadata("cases")).unwrap();
    let weights = weights();
    for (case, [_, _, resized_side, crop_side]) in &cases {
        let key = |what: &str| format!("{case}.{what}");
        let input = InputConfig {
            resized_side: *resized_side,
            crop_side: *crop_side,
            ..InputConfig::default()
        };
        let picture = fixture.image(&key("picture"));
        let square = input.square_of(&picture);
        // Whole numbers: Pillow's are met to the last bit.
        assert!(square == fixture.image(&key("square")), "{case}: the square");
        let values = input.normalised(&[square], Device::Cpu).squeeze_dim(0);
        with_sample(&key("input"), &values, &fixture.sample(&key("input")), NORMALISED);
        let architecture = ClassifierArchitecture { input, ..architecture() };
        let model = ClassifierModel::load(&architecture, &weights, Device::Cpu).unwrap();
        // Beside another picture, which must change nothing.
        let images = [picture.clone(), picture];
        let logits = model.logits(&images).unwrap();
        let off = slices(&key("logits"), &logits[1], &fixture.floats(&key("logits")), STAGE);
        report("classifier", &key("logits"), off, "of the largest");
        let found = top_k(&model.classify(&images).unwrap()[0], 3);
        let classes: Vec<i64> = found.iter().map(|found| found.class as i64).collect();
        assert_eq!(classes, fixture.integers(&key("top")), "{case}");
        let scores: Vec<f32> = found.iter().map(|found| found.score).collect();
        slices(&key("scores"), &scores, &fixture.floats(&key("scores")), SCORE);
    }
}

fn architecture() -> ClassifierArchitecture {
    let backbone = ResNetConfig { blocks: [1; 4], ..Variant::ResNet18.config() };
    ClassifierArchitecture { num_classes: 10, backbone, ..ClassifierArchitecture::default() }
}

fn weights() -> StateDict {
    let store = VarStore::new(Device::Cpu);
    architecture().build(&store.root());
    formula::fill(&store);
    StateDict::from_tensors(store.variables(), BTreeMap::new()).unwrap()
}
