//! The safetensors format, written.
//!
//! The `safetensors` crate keeps the free text in a hash map and so writes it in an order that
//! changes from run to run; the header is written here instead, and one state dict always gives
//! the same bytes.

use crate::element::safetensors_dtype;
use crate::{StateDict, WeightsError};
use kestrel_core::WholeFile;
use safetensors::tensor::TensorInfo;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use tch::{Kind, TchError, Tensor};

/// The key of the free text in the header.
const METADATA: &str = "__metadata__";
/// What the header's length is a multiple of, so that the numbers can be mapped into memory.
const HEADER_ALIGNMENT: usize = 8;

/// How floating-point tensors are stored. Other tensors always keep their type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FloatStorage {
    /// In the type they have.
    #[default]
    AsIs,
    /// In four bytes.
    Float32,
    /// In two bytes, which keep three decimal digits and hold values up to 65504.
    Float16,
}

impl FloatStorage {
    fn kind(self, kind: Kind) -> Kind {
        let is_float = matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double);
        match self {
            Self::Float32 if is_float => Kind::Float,
            Self::Float16 if is_float => Kind::Half,
            _ => kind,
        }
    }
}

/// The JSON at the start of the file, keys in alphabetic order.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<&'a str, TensorInfo>,
}

/// A tensor and the type it is stored in.
struct Stored<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    kind: Kind,
}

impl StateDict {
    /// Writes a `.safetensors` file: into a new file beside `path`, which then takes its place, so
    /// that a reader never sees half of it.
    ///
    /// # Errors
    /// When the file cannot be written, or a tensor cannot be stored in the type asked for.
    pub fn write_safetensors(&self, path: &Path, floats: FloatStorage) -> Result<(), WeightsError> {
        let file = path.display().to_string();
        let stored = stored(self.tensors(), floats);
        let header = header(&stored, self.metadata(), &file)?;
        let write_error = |source| WeightsError::Write { file: file.clone(), source };
        let mut out = BufWriter::new(WholeFile::create(path).map_err(write_error)?);
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(write_error)?;
        out.write_all(&header).map_err(write_error)?;
        for tensor in &stored {
            out.write_all(&tensor.bytes(&file)?).map_err(write_error)?;
        }
        let whole = out.into_inner().map_err(|error| write_error(error.into_error()))?;
        whole.as_file().sync_all().and_then(|()| whole.commit()).map_err(write_error)
    }
}

/// The tensors in the order of their numbers: the wide types first, so that each is aligned.
fn stored(tensors: &BTreeMap<String, Tensor>, floats: FloatStorage) -> Vec<Stored<'_>> {
    let mut stored: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| Stored { name, tensor, kind: floats.kind(tensor.kind()) })
        .collect();
    stored.sort_by_key(|tensor| std::cmp::Reverse(tensor.kind.elt_size_in_bytes()));
    stored
}

fn header(
    stored: &[Stored<'_>],
    metadata: &BTreeMap<String, String>,
    file: &str,
) -> Result<Vec<u8>, WeightsError> {
    let mut tensors = BTreeMap::new();
    let mut end = 0;
    for tensor in stored {
        if tensor.name == METADATA {
            let tensor = METADATA.to_owned();
            return Err(WeightsError::ReservedName { file: file.to_owned(), tensor });
        }
        let info = tensor.info(end, file)?;
        end = info.data_offsets.1;
        tensors.insert(tensor.name, info);
    }
    let mut text = serde_json::to_vec(&Header { metadata, tensors })
        .map_err(|error| WeightsError::Write { file: file.to_owned(), source: error.into() })?;
    text.resize(text.len().next_multiple_of(HEADER_ALIGNMENT), b' ');
    Ok(text)
}

impl Stored<'_> {
    fn info(&self, start: usize, file: &str) -> Result<TensorInfo, WeightsError> {
        let dtype = safetensors_dtype(self.kind).ok_or_else(|| WeightsError::Unwritable {
            file: file.to_owned(),
            tensor: self.name.to_owned(),
            kind: self.kind,
        })?;
        let shape = self.tensor.size().into_iter().map(|size| size as usize).collect();
        Ok(TensorInfo { dtype, shape, data_offsets: (start, start + self.num_bytes()) })
    }

    fn num_bytes(&self) -> usize {
        self.tensor.numel() * self.kind.elt_size_in_bytes()
    }

    fn bytes(&self, file: &str) -> Result<Vec<u8>, WeightsError> {
        let refused = |source| WeightsError::Torch { tensor: self.name.to_owned(), source };
        let converted = self.tensor.f_to_kind(self.kind).map_err(refused)?;
        if num_infinite(&converted).map_err(refused)?
            > num_infinite(self.tensor).map_err(refused)?
        {
            let tensor = self.name.to_owned();
            return Err(WeightsError::Overflow { file: file.to_owned(), tensor, kind: self.kind });
        }
        let mut bytes = vec![0; self.num_bytes()];
        converted.f_copy_data_u8(&mut bytes, self.tensor.numel()).map_err(refused)?;
        Ok(bytes)
    }
}

fn num_infinite(tensor: &Tensor) -> Result<i64, TchError> {
    tensor.f_isinf()?.f_sum(Kind::Int64)?.f_int64_value(&[])
}
