//! What PyTorch and the Python safetensors package wrote (`make_fixtures.py`).

use crate::{fixture, names, read, values};
use kestrel_weights::{Container, Naming, StateDict, WeightsError, summarize};
use tch::Kind;

fn assert_is_the_plain_state_dict(weights: &StateDict) {
    // The counter of batches is gone.
    assert_eq!(names(weights), ["bn1.running_mean", "conv1.weight", "fc.weight"]);
    let conv = weights.get("conv1.weight").unwrap();
    assert_eq!((conv.size(), conv.kind()), (vec![2, 1, 2, 2], Kind::Float));
    assert_eq!(values(conv), [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    assert_eq!(values(weights.get("bn1.running_mean").unwrap()), [1.5, -2.0]);
    assert_eq!(weights.get("fc.weight").unwrap().size(), [0, 3]);
    assert_eq!(weights.naming(), Naming::Current);
}

#[test]
fn every_container_holds_the_same() {
    for (name, container) in [
        ("zip.pth", Container::Zip),
        ("legacy.pth", Container::Legacy),
        ("tar.pth", Container::Tar),
        ("python.safetensors", Container::Safetensors),
    ] {
        assert_is_the_plain_state_dict(&read(name));
        assert_eq!(summarize(&fixture(name)).unwrap().container, container);
    }
}

#[test]
fn every_nesting_holds_the_same() {
    for name in ["nested.pth", "data_parallel.pth", "nested_parallel.pth"] {
        assert_is_the_plain_state_dict(&read(name));
    }
}

#[test]
fn a_whole_model_is_read_as_its_state_dict() {
    let weights = read("whole_model.pth");
    assert_eq!(names(&weights), ["fc.bias", "fc.weight"]);
    assert_eq!(weights.get("fc.weight").unwrap().size(), [1, 2]);
}

#[test]
fn views_are_gathered() {
    let weights = read("views.pth");
    let values_of = |name| values(weights.get(name).unwrap());
    assert_eq!(weights.get("transposed").unwrap().size(), [4, 3]);
    assert_eq!(
        values_of("transposed"),
        [0.0, 2.0, 4.0, 0.5, 2.5, 4.5, 1.0, 3.0, 5.0, 1.5, 3.5, 5.5]
    );
    assert_eq!(values_of("tail"), [5.0, 5.5]);
    assert_eq!(values_of("column"), [0.5, 2.5, 4.5]);
    assert_eq!(values_of("repeated"), [1.5; 4]);
}

#[test]
fn types_are_kept() {
    let weights = read("kinds.pth");
    for (name, kind) in [
        ("float16", Kind::Half),
        ("bfloat16", Kind::BFloat16),
        ("float64", Kind::Double),
        ("int64", Kind::Int64),
        ("int32", Kind::Int),
        ("int16", Kind::Int16),
        ("int8", Kind::Int8),
        ("uint8", Kind::Uint8),
        ("bool", Kind::Bool),
    ] {
        let tensor = weights.get(name).unwrap();
        assert_eq!(tensor.kind(), kind);
        let last = if kind == Kind::Bool { 1.0 } else { 3.0 };
        assert_eq!(values(tensor), [0.0, 1.0, last], "{name}");
    }
    assert_eq!(weights.len(), 9);
    for name in ["half", "bfloat"] {
        assert_eq!(values(read("fractions.pth").get(name).unwrap()), [-1.5, 0.25]);
    }
}

#[test]
fn old_names_become_those_of_today() {
    let weights = read("v1_names.pth");
    assert_eq!(weights.naming(), Naming::TorchvisionV1);
    let ours = [
        ("backbone.body.conv1.weight", 0.0),
        ("backbone.fpn.inner_blocks.0.0.weight", 1.0),
        ("backbone.fpn.layer_blocks.3.0.bias", 2.0),
        ("rpn.head.conv.0.0.weight", 3.0),
        ("roi_heads.mask_head.0.0.weight", 4.0),
        ("roi_heads.mask_head.3.0.bias", 5.0),
    ];
    for (name, value) in ours {
        assert_eq!(values(weights.get(name).unwrap()), [value], "{name}");
    }
    assert_eq!(weights.len(), ours.len());
}

#[test]
fn a_summary_says_what_is_there() {
    let summary = summarize(&fixture("kinds.pth")).unwrap();
    assert_eq!(summary.tensors["bfloat16"].kind, Kind::BFloat16);
    assert_eq!(summary.tensors["bfloat16"].shape, [3]);
    assert_eq!(summary.num_elements(), 27);
    assert_eq!(summary.num_bytes(), 3 * (2 + 2 + 8 + 8 + 4 + 2 + 1 + 1 + 1));
    assert_eq!(summarize(&fixture("v1_names.pth")).unwrap().naming, Naming::TorchvisionV1);
    let summary = summarize(&fixture("python.safetensors")).unwrap();
    assert_eq!(summary.metadata["note"], "größe");
    assert_eq!(summary.tensors["fc.weight"].shape, [0, 3]);
}

#[test]
fn bytes_are_read_like_a_file() {
    let bytes = std::fs::read(fixture("python.safetensors")).unwrap();
    let weights = StateDict::from_safetensors_bytes("the bundled model", &bytes).unwrap();
    assert_is_the_plain_state_dict(&weights);
    assert_eq!(weights.metadata()["note"], "größe");
    let error = StateDict::from_safetensors_bytes("the bundled model", &bytes[..50]).unwrap_err();
    assert!(error.to_string().contains("`the bundled model`"), "{error}");
}

#[test]
fn a_hostile_pickle_runs_nothing() {
    let beside = read("hostile_beside.pth");
    assert_eq!(values(beside.get("fc.bias").unwrap()), [1.5]);
    for name in ["hostile_root.pth", "hostile.pkl"] {
        let error = StateDict::read(&fixture(name)).unwrap_err();
        let WeightsError::NotWeights { found, .. } = &error else { panic!("{error}") };
        assert_eq!(found, "a Python object `posix.system`");
    }
    assert!(!std::path::Path::new("kestrel_was_here").exists());
}

#[test]
fn a_small_file_cannot_ask_for_all_memory() {
    let error = StateDict::read(&fixture("expanding.pth")).unwrap_err().to_string();
    assert!(error.contains("bytes that ask for 8589934592 bytes of memory"), "{error}");
}

#[test]
fn unsigned_weights_are_refused_by_name() {
    let error = StateDict::read(&fixture("unsigned.pth")).unwrap_err().to_string();
    assert!(error.contains("tensor `weight` has elements of type U16"), "{error}");
    assert!(summarize(&fixture("unsigned.pth")).is_err());
}

#[test]
fn a_checkpoint_without_named_tensors_is_refused() {
    for (name, found) in [("list.pth", "holds a list,"), ("no_tensors.pth", "holds no tensor,")] {
        let error = StateDict::read(&fixture(name)).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}
