//! Real models: those in the shared folder beside the project, where it is there.

use crate::values;
use kestrel_weights::{FloatStorage, Naming, StateDict, summarize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

/// A file of the shared folder, or nothing and a line that says so.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/oracle").join(name);
    if !path.exists() {
        println!("skipped: shared/oracle/{name} is not there");
        return None;
    }
    Some(path)
}

#[test]
fn a_trained_mask_rcnn_is_read_and_rewritten() {
    let Some(path) = shared("nuclei/model.pth") else { return };
    let summary = summarize(&path).unwrap();
    let weights = StateDict::read(&path).unwrap();
    assert_eq!((weights.len(), summary.tensors.len()), (NUCLEI_TENSORS, NUCLEI_TENSORS));
    assert_eq!(summary.num_elements(), NUCLEI_ELEMENTS);
    assert_eq!(weights.naming(), Naming::Current);
    assert_eq!(weights.get("roi_heads.box_predictor.cls_score.weight").unwrap().size(), [2, 256]);
    let variance = values(weights.get("backbone.body.bn1.running_var").unwrap());
    assert!(variance.len() == 64 && variance.iter().all(|&value| value > 0.0));

    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("half.safetensors");
    weights.write_safetensors(&half, FloatStorage::Float16).unwrap();
    // Two bytes an element, and the header.
    let size = std::fs::metadata(&half).unwrap().len();
    assert!((2 * NUCLEI_ELEMENTS..2 * NUCLEI_ELEMENTS + 20_000).contains(&size), "{size}");
    let again = StateDict::read(&half).unwrap();
    for (name, tensor) in weights.tensors() {
        let exact = tensor.to_kind(Kind::Half);
        assert!(again.get(name).unwrap().equal(&exact), "{name}");
    }
}

/// Without the counters of batches.
const NUCLEI_TENSORS: usize = 98;
const NUCLEI_ELEMENTS: u64 = 6_120_731;

/// A name as torchvision gave it before 0.13.
fn v1_name(name: &str) -> String {
    match name.split('.').collect::<Vec<_>>()[..] {
        ["backbone", "fpn", blocks, level, "0", parameter] => {
            format!("backbone.fpn.{blocks}.{level}.{parameter}")
        }
        ["rpn", "head", "conv", "0", "0", parameter] => format!("rpn.head.conv.{parameter}"),
        ["roi_heads", "mask_head", place, "0", parameter] => {
            format!(
                "roi_heads.mask_head.mask_fcn{}.{parameter}",
                place.parse::<usize>().unwrap() + 1
            )
        }
        _ => name.to_owned(),
    }
}

/// The names a file with these names is read under.
fn names_read(names: impl Iterator<Item = String>) -> (Vec<String>, Naming) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.safetensors");
    let empty = |name| (name, Tensor::zeros([0], (Kind::Float, Device::Cpu)));
    let weights = StateDict::from_tensors(names.map(empty), BTreeMap::new()).unwrap();
    weights.write_safetensors(&path, FloatStorage::AsIs).unwrap();
    let summary = summarize(&path).unwrap();
    (summary.tensors.into_keys().collect(), summary.naming)
}

#[test]
fn every_model_keeps_or_gets_its_names_of_today() {
    let Some(path) = shared("state_dicts.json") else { return };
    let models: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(models.len(), 20);
    for (model, tensors) in &models {
        let today: Vec<String> =
            tensors.keys().filter(|name| !name.ends_with("num_batches_tracked")).cloned().collect();
        let (kept, naming) = names_read(tensors.keys().cloned());
        assert_eq!((&kept, naming), (&today, Naming::Current), "{model}");
        // Those with a single convolution and no norm at these places existed before.
        let existed = model.contains("rcnn") && !model.ends_with("_v2");
        if existed {
            let (translated, naming) = names_read(tensors.keys().map(|name| v1_name(name)));
            assert_eq!((&translated, naming), (&today, Naming::TorchvisionV1), "{model}");
        }
    }
}
