//! Names and shapes of every ResNet, Faster and Mask R-CNN in torchvision's own list.

use crate::fixture::root;
use kestrel_layers::NormConfig;
use kestrel_rcnn::{Architecture, Preset};
use kestrel_resnet::{Classifier, Variant};
use std::collections::BTreeMap;
use tch::nn::VarStore;
use tch::{Device, Tensor};

type Shapes = BTreeMap<String, Vec<i64>>;

/// The shapes of a model's variables.
fn shapes(build: impl FnOnce(&VarStore)) -> Shapes {
    let store = VarStore::new(Device::Cpu);
    build(&store);
    let shape = |(name, variable): (String, Tensor)| (name, variable.size());
    store.variables().into_iter().map(shape).collect()
}

/// What the list says, without the counters nothing reads.
fn listed(list: &serde_json::Value, model: &str) -> Shapes {
    let entries = list[model].as_object().unwrap().iter();
    entries
        .filter(|(name, _)| !name.ends_with(".num_batches_tracked"))
        .map(|(name, entry)| (name.clone(), serde_json::from_value(entry[0].clone()).unwrap()))
        .collect()
}

#[test]
fn names_and_shapes_are_torchvisions() {
    let path = root().join("../shared/oracle/state_dicts.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: names and shapes, since ../shared/oracle/state_dicts.json is not here");
        return;
    };
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut checked = Vec::new();
    let mut check = |model: &str, found: Shapes| {
        if list.get(model).is_some() {
            assert_eq!(found, listed(&list, model), "{model}");
            checked.push(model.to_owned());
        }
    };
    for variant in Variant::ALL {
        let config = variant.config();
        check(variant.name(), shapes(|store| drop(Classifier::new(&store.root(), &config, 1000))));
    }
    let detector =
        |architecture: &Architecture| shapes(|store| drop(architecture.build(&store.root())));
    for preset in Preset::ALL {
        check(preset.name(), detector(&preset.architecture()));
    }
    for variant in [Variant::ResNet18, Variant::ResNet34, Variant::ResNet50, Variant::ResNet101] {
        let backbone = variant.config().with_norm(NormConfig::Frozen { eps: 1e-5 });
        let architecture = Architecture { backbone, ..Architecture::default() };
        check(&format!("fasterrcnn_frozenbn_{}", variant.name()), detector(&architecture));
    }
    let wanted = |name: &str| {
        name.contains("resn") && !name.starts_with("keypoint") && !name.starts_with("retina")
    };
    let expected = list.as_object().unwrap().keys().filter(|name| wanted(name)).count();
    assert_eq!(checked.len(), expected, "checked {checked:?}");
    println!("names and shapes of {expected} models");
}
