//! Weight files made for a test: the safetensors format by hand, so that what our own code writes
//! is not checked by itself.
//!
//! Source: the format's README; eight bytes of header length, a JSON header, the numbers.

use crate::support::root;
use serde_json::{Map, Value, json};
use std::fs;

/// The bundled model's file, as bytes.
pub fn bundled() -> Vec<u8> {
    fs::read(root().join("models/nuclei.safetensors")).unwrap()
}

/// The tensors of a `.safetensors` file.
pub struct Tensors {
    tensors: Vec<Tensor>,
}

struct Tensor {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensors {
    /// The bundled model's weights without anything said about them.
    pub fn bundled() -> Self {
        let file = bundled();
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let (header, data) = file[8..].split_at(length);
        let header: Map<String, Value> = serde_json::from_slice(header).unwrap();
        let named = header.into_iter().filter(|(name, _)| name != "__metadata__");
        Self { tensors: named.map(|(name, info)| tensor(name, &info, data)).collect() }
    }

    /// Zeros in float32.
    pub fn zeros(shapes: &[(&str, &[usize])]) -> Self {
        let tensor = |&(name, shape): &(&str, &[usize])| Tensor {
            name: name.to_owned(),
            dtype: "F32".to_owned(),
            shape: shape.to_vec(),
            bytes: vec![0; 4 * shape.iter().product::<usize>()],
        };
        Self { tensors: shapes.iter().map(tensor).collect() }
    }

    /// Gives a detector of one class a second one, which looks for the same.
    pub fn with_the_class_twice(mut self) -> Self {
        for tensor in &mut self.tensors {
            let layers = ["cls_score", "bbox_pred", "mask_fcn_logits"];
            if layers.iter().any(|layer| tensor.name.contains(layer))
                && tensor.name.starts_with("roi_heads")
            {
                // Background first, then the class.
                let class = tensor.bytes.split_at(tensor.bytes.len() / 2).1.to_vec();
                tensor.bytes.extend(class);
                tensor.shape[0] += tensor.shape[0] / 2;
            }
        }
        self
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut header = Map::new();
        let mut data = Vec::new();
        for Tensor { name, dtype, shape, bytes } in &self.tensors {
            let start = data.len();
            data.extend(bytes);
            let info = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]});
            header.insert(name.clone(), info);
        }
        let header = Value::from(header).to_string();
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
    }
}

fn tensor(name: String, info: &Value, data: &[u8]) -> Tensor {
    let numbers = |key: &str| -> Vec<usize> { serde_json::from_value(info[key].clone()).unwrap() };
    let offsets = numbers("data_offsets");
    Tensor {
        name,
        dtype: info["dtype"].as_str().unwrap().to_owned(),
        shape: numbers("shape"),
        bytes: data[offsets[0]..offsets[1]].to_vec(),
    }
}
