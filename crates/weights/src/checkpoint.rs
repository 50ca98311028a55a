//! PyTorch checkpoints, through `pytorch-reader`: the pickle inside is parsed and never run, so a
//! call it asks for is at most a value that is left out.

use crate::archive::{Entry, read_error};
use crate::{Container, WeightsError};
use pytorch_reader::{PickleValue, PytorchError, PytorchReader};
use std::collections::BTreeMap;
use std::path::Path;

/// A file of this many bytes may always be read.
const ALWAYS_ALLOWED_BYTES: u64 = 1 << 30;
/// Tensors can share their numbers, so that they need more room than the file does; a file that
/// asks for more than this many times its size is made to exhaust the memory.
const MAX_EXPANSION: u64 = 16;

/// The tensors of a checkpoint, by their path through its dictionaries.
pub(crate) fn entries(
    path: &Path,
    file: &str,
    container: Container,
) -> Result<BTreeMap<String, Entry<'static>>, WeightsError> {
    let tensors = PytorchReader::new(path)
        .map_err(|error| explain(error, path, file, container))?
        .into_tensors();
    let asked: u64 =
        tensors.values().fold(0, |sum, tensor| sum.saturating_add(tensor.byte_len() as u64));
    let size = path
        .metadata()
        .map_err(|source| WeightsError::Read { file: file.to_owned(), source })?
        .len();
    if asked > ALWAYS_ALLOWED_BYTES && asked / MAX_EXPANSION > size {
        let detail = format!("{size} bytes that ask for {asked} bytes of memory");
        return Err(WeightsError::Damaged { file: file.to_owned(), container, detail });
    }
    if tensors.is_empty() {
        return Err(not_weights(file, container, "no tensor".to_owned()));
    }
    Ok(tensors.into_iter().map(|(name, tensor)| (name, entry(tensor))).collect())
}

fn entry(tensor: pytorch_reader::Tensor) -> Entry<'static> {
    Entry {
        element: tensor.dtype().into(),
        shape: tensor.shape().to_vec(),
        read: Box::new(move || tensor.read()),
    }
}

fn explain(error: PytorchError, path: &Path, file: &str, container: Container) -> WeightsError {
    if let PytorchError::Io(source) = error {
        return read_error(file, container, source);
    }
    // Only a whole file can be read this way; it then tells what lies where the weights should.
    match PytorchReader::read_pickle_data(path, None) {
        Ok(root) if !matches!(root, PickleValue::Dict(_)) => {
            not_weights(file, container, describe(&root))
        }
        _ => WeightsError::Damaged { file: file.to_owned(), container, detail: error.to_string() },
    }
}

fn not_weights(file: &str, container: Container, found: String) -> WeightsError {
    WeightsError::NotWeights { file: file.to_owned(), container, found }
}

fn describe(root: &PickleValue) -> String {
    match root {
        PickleValue::List(_) => "a list".to_owned(),
        PickleValue::Unsupported(python_type) => format!("a Python object `{python_type}`"),
        _ => "a single value".to_owned(),
    }
}
