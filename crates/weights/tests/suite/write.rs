//! Writing safetensors files and reading them again.

use crate::{filled, names, read, values, variables};
use kestrel_weights::{FloatStorage, StateDict, WeightsError};
use std::collections::BTreeMap;
use std::fs;
use tch::{Kind, Tensor};

fn free_text() -> BTreeMap<String, String> {
    let numbered = (0..40).map(|place| (format!("key {place}"), format!("\"text\"\n{place}")));
    numbered.collect()
}

fn mixed() -> StateDict {
    let tensors = [
        ("b.half", Tensor::from_slice(&[0.1f32, -2.5, 1e-3]).to_kind(Kind::Half)),
        ("a.float", Tensor::from_slice(&[0.1f32, -1e-30, 3.0, 4.0, 5.0, 6.0]).view([2, 3])),
        ("c.transposed", Tensor::arange(6, (Kind::Float, tch::Device::Cpu)).view([2, 3]).tr()),
        ("d.count", Tensor::from_slice(&[1i64, i64::MAX])),
        ("e.scalar", Tensor::from(2.5f64)),
        ("f.empty", Tensor::zeros([0, 4], (Kind::Float, tch::Device::Cpu))),
        ("g.flags", Tensor::from_slice(&[true, false, true])),
    ];
    let tensors = tensors.map(|(name, tensor)| (name.to_owned(), tensor));
    StateDict::from_tensors(tensors, free_text()).unwrap()
}

fn written(weights: &StateDict, floats: FloatStorage) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    weights.write_safetensors(&path, floats).unwrap();
    // The temporary file has become the model.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::read(path).unwrap()
}

fn rewritten(weights: &StateDict, floats: FloatStorage) -> StateDict {
    StateDict::from_safetensors_bytes("test", &written(weights, floats)).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let weights = mixed();
    let again = rewritten(&weights, FloatStorage::AsIs);
    assert_eq!(names(&again), names(&weights));
    for (name, tensor) in weights.tensors() {
        let read = again.get(name).unwrap();
        assert_eq!((read.kind(), read.size()), (tensor.kind(), tensor.size()), "{name}");
        assert!(read.equal(tensor), "{name}");
    }
    assert_eq!(again.metadata(), &free_text());
}

#[test]
fn only_floats_change_their_type() {
    for (floats, kind) in
        [(FloatStorage::Float32, Kind::Float), (FloatStorage::Float16, Kind::Half)]
    {
        let weights = mixed();
        let again = rewritten(&weights, floats);
        for (name, tensor) in weights.tensors() {
            let kind = if tensor.is_floating_point() { kind } else { tensor.kind() };
            let read = again.get(name).unwrap();
            // Both conversions are libtorch's, to nearest: equal to the bit.
            assert!(read.kind() == kind && read.equal(&tensor.to_kind(kind)), "{name}");
        }
    }
}

#[test]
fn the_same_tensors_give_the_same_bytes() {
    assert_eq!(written(&mixed(), FloatStorage::AsIs), written(&mixed(), FloatStorage::AsIs));
    // Numbers start at a multiple of eight, the widest first.
    let bytes = written(&mixed(), FloatStorage::AsIs);
    let header_length = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert_eq!(header_length % 8, 0);
    let header = String::from_utf8_lossy(&bytes[8..8 + header_length as usize]).into_owned();
    assert!(header.starts_with(r#"{"__metadata__":{"key 0":"#), "{header}");
    let count = r#""d.count":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}"#;
    assert!(header.contains(count), "{header}");
}

#[test]
fn no_tensors_are_a_file_too() {
    let nothing = StateDict::from_tensors([], BTreeMap::new()).unwrap();
    assert!(rewritten(&nothing, FloatStorage::AsIs).is_empty());
}

#[test]
fn an_existing_file_is_replaced_only_by_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    filled(&[("a", &[1], 1.0)]).write_safetensors(&path, FloatStorage::AsIs).unwrap();
    let too_large = filled(&[("a", &[1], 1e6)]);
    let error = too_large.write_safetensors(&path, FloatStorage::Float16).unwrap_err();
    assert!(matches!(error, WeightsError::Overflow { .. }), "{error}");
    assert_eq!(values(StateDict::read(&path).unwrap().get("a").unwrap()), [1.0]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    filled(&[("a", &[1], 2.0)]).write_safetensors(&path, FloatStorage::AsIs).unwrap();
    assert_eq!(values(StateDict::read(&path).unwrap().get("a").unwrap()), [2.0]);
}

#[test]
fn infinities_that_were_there_stay() {
    let weights = filled(&[("a", &[2], f64::INFINITY), ("b", &[1], f64::NAN)]);
    let again = rewritten(&weights, FloatStorage::Float16);
    assert_eq!(values(again.get("a").unwrap()), [f64::INFINITY; 2]);
    assert!(values(again.get("b").unwrap())[0].is_nan());
}

#[test]
fn what_the_format_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let complex = Tensor::zeros([2], (Kind::ComplexFloat, tch::Device::Cpu));
    let weights = StateDict::from_tensors([("z".to_owned(), complex)], BTreeMap::new()).unwrap();
    let error = weights.write_safetensors(&path, FloatStorage::Float32).unwrap_err();
    assert!(error.to_string().contains("tensor `z` has elements of type ComplexFloat"), "{error}");
    let error = filled(&[("__metadata__", &[1], 0.0)]).write_safetensors(&path, FloatStorage::AsIs);
    assert!(matches!(error, Err(WeightsError::ReservedName { .. })));
    let nowhere = folder.path().join("none/model.safetensors");
    let error = filled(&[]).write_safetensors(&nowhere, FloatStorage::AsIs).unwrap_err();
    assert!(error.to_string().contains("none/model.safetensors"), "{error}");
}

#[test]
fn a_checkpoint_is_converted() {
    let weights = read("zip.pth");
    let again = rewritten(&weights, FloatStorage::AsIs);
    for (name, tensor) in weights.tensors() {
        assert!(again.get(name).unwrap().equal(tensor), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn others_may_read_what_the_umask_lets_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (model, plain) = (folder.path().join("model.safetensors"), folder.path().join("plain"));
    fs::write(&plain, b"").unwrap();
    filled(&[]).write_safetensors(&model, FloatStorage::AsIs).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&model), mode(&plain));
}

#[test]
fn trained_variables_are_written_without_their_graph() {
    let variable = variables(&[("w", &[2], 0.5)])["w"].set_requires_grad(true);
    let doubled = &variable * 2.0;
    let weights = StateDict::from_tensors([("w".to_owned(), doubled)], BTreeMap::new()).unwrap();
    assert_eq!(values(rewritten(&weights, FloatStorage::AsIs).get("w").unwrap()), [1.0; 2]);
}
