//! Weight files through the public interface: reading what PyTorch wrote, writing, loading, and
//! refusing everything else.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod damage;
mod load;
mod oracle;
mod read;
mod write;

use kestrel_weights::StateDict;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(name: &str) -> StateDict {
    StateDict::read(&fixture(name)).unwrap()
}

fn names(weights: &StateDict) -> Vec<&str> {
    weights.tensors().keys().map(String::as_str).collect()
}

/// All elements, row by row; exact for every type in these tests.
fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::try_from(flat).unwrap()
}

/// A state dict of float32 tensors, each filled with one number.
fn filled(tensors: &[(&str, &[i64], f64)]) -> StateDict {
    StateDict::from_tensors(variables(tensors), BTreeMap::new()).unwrap()
}

fn variables(tensors: &[(&str, &[i64], f64)]) -> BTreeMap<String, Tensor> {
    let options = (Kind::Float, tch::Device::Cpu);
    let tensor = |&(name, shape, value): &(&str, &[i64], f64)| {
        (name.to_owned(), Tensor::full(shape, value, options))
    };
    tensors.iter().map(tensor).collect()
}
