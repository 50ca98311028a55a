//! Reading what the Python side wrote (the layout is at the top of each of its scripts).

use kestrel_core::{BBox, ImageSize, RgbImage};
use kestrel_weights::StateDict;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

/// Tensors and metadata of one `.safetensors` file.
pub struct Fixture {
    file: StateDict,
}

/// A tensor of which only some elements were kept.
pub struct Sample {
    pub shape: Vec<i64>,
    pub norm: f64,
    pub values: Vec<f32>,
}

/// Elements kept of a large tensor.
const SAMPLE_COUNT: usize = 512;

impl Fixture {
    /// A fixture of the repository.
    pub fn named(name: &str) -> Self {
        Self::at(&root().join("tests/fixtures").join(format!("{name}.safetensors")))
    }

    pub fn at(path: &Path) -> Self {
        Self { file: StateDict::read(path).unwrap() }
    }

    pub fn has(&self, key: &str) -> bool {
        self.file.get(key).is_some()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file.tensors().keys().map(String::as_str)
    }

    pub fn tensor(&self, key: &str) -> Tensor {
        self.file.get(key).unwrap_or_else(|| panic!("the fixture has no {key}")).shallow_clone()
    }

    pub fn floats(&self, key: &str) -> Vec<f32> {
        floats(&self.tensor(key))
    }

    pub fn integers(&self, key: &str) -> Vec<i64> {
        let flat = self.tensor(key).to_kind(Kind::Int64).view([-1]);
        Vec::try_from(&flat).unwrap()
    }

    pub fn scalar(&self, key: &str) -> f64 {
        self.tensor(key).double_value(&[])
    }

    pub fn boxes(&self, key: &str) -> Vec<BBox> {
        self.floats(key).as_chunks::<4>().0.iter().map(|&corners| corners.into()).collect()
    }

    pub fn image(&self, key: &str) -> RgbImage {
        let tensor = self.tensor(key);
        let shape = tensor.size();
        let pixels: Vec<u8> = Vec::try_from(&tensor.view([-1])).unwrap();
        RgbImage::new(ImageSize::new(shape[0] as usize, shape[1] as usize), pixels).unwrap()
    }

    pub fn sample(&self, key: &str) -> Sample {
        Sample {
            shape: self.integers(&format!("{key}#shape")),
            norm: self.tensor(&format!("{key}#norm")).double_value(&[0]),
            values: self.floats(&format!("{key}#values")),
        }
    }

    pub fn metadata(&self, key: &str) -> serde_json::Value {
        serde_json::from_str(&self.file.metadata()[key]).unwrap()
    }
}

/// The elements of a whole tensor that a sample keeps.
pub fn sampled(tensor: &Tensor) -> Vec<f32> {
    let values = floats(tensor);
    let count = values.len();
    match count <= SAMPLE_COUNT {
        true => values,
        false => (0..SAMPLE_COUNT).map(|k| values[k * count / SAMPLE_COUNT]).collect(),
    }
}

pub fn floats(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor.detach().to_kind(Kind::Float).contiguous().view([-1]);
    Vec::try_from(&flat).unwrap()
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
