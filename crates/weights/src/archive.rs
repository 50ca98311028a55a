//! A weight file that has been opened but whose numbers have not been read.

use crate::element::Element;
use crate::{Container, Naming, TensorInfo, WeightsError, checkpoint, names, safetensors_header};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use tch::Tensor;

/// A tensor in the file.
pub(crate) struct Entry<'a> {
    pub element: Element,
    pub shape: Vec<usize>,
    /// Gives the numbers, row-major and little-endian.
    pub read: Box<dyn FnOnce() -> io::Result<Vec<u8>> + 'a>,
}

/// What an open file holds, under the names of today.
pub(crate) struct Archive<'a> {
    pub file: String,
    pub container: Container,
    pub naming: Naming,
    pub metadata: BTreeMap<String, String>,
    pub entries: BTreeMap<String, Entry<'a>>,
}

/// What a weight file says of itself.
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// Format of the file.
    pub container: Container,
    /// Whether names had to be translated.
    pub naming: Naming,
    /// The free text of a safetensors file; empty in every other.
    pub metadata: BTreeMap<String, String>,
    /// Type and shape of each tensor, under the name a model has for it.
    pub tensors: BTreeMap<String, TensorInfo>,
}

impl FileSummary {
    /// Number of elements of all tensors together.
    pub fn num_elements(&self) -> u64 {
        self.tensors.values().map(TensorInfo::num_elements).sum()
    }

    /// Size of all tensors together, in bytes.
    pub fn num_bytes(&self) -> u64 {
        self.tensors.values().map(TensorInfo::num_bytes).sum()
    }
}

/// Names, types and shapes of a file's tensors, without reading their numbers.
///
/// # Errors
/// As [`StateDict::read`](crate::StateDict::read), but for damage among the numbers.
pub fn summarize(path: &Path) -> Result<FileSummary, WeightsError> {
    let Archive { file, container, naming, metadata, entries } = Archive::open(path)?;
    let described = entries.into_iter().map(|(name, entry)| {
        let info = entry.info(&file, &name)?;
        Ok((name, info))
    });
    Ok(FileSummary { container, naming, metadata, tensors: described.collect::<Result<_, _>>()? })
}

impl Archive<'static> {
    /// Opens a file of any known format.
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = path.display().to_string();
        let container = Container::detect(path)?;
        match container {
            Container::Safetensors => {
                let opened = File::open(path)
                    .map_err(|source| WeightsError::Read { file: file.clone(), source })?;
                Archive::from_safetensors(file, opened)
            }
            _ => {
                let entries = checkpoint::entries(path, &file, container)?;
                Ok(Archive::new(file, container, BTreeMap::new(), entries))
            }
        }
    }
}

impl<'a> Archive<'a> {
    /// Opens safetensors from anything that can be read.
    pub(crate) fn from_safetensors(
        file: String,
        source: impl io::Read + io::Seek + 'a,
    ) -> Result<Self, WeightsError> {
        let (metadata, entries) = safetensors_header::read(source, &file)?;
        Ok(Self::new(file, Container::Safetensors, metadata, entries))
    }

    fn new(
        file: String,
        container: Container,
        metadata: BTreeMap<String, String>,
        entries: BTreeMap<String, Entry<'a>>,
    ) -> Self {
        let (entries, naming) = names::to_current(entries);
        Self { file, container, naming, metadata, entries }
    }
}

impl Entry<'_> {
    pub(crate) fn info(&self, file: &str, name: &str) -> Result<TensorInfo, WeightsError> {
        match &self.element {
            // A size beyond i64 is refused by libtorch, which is asked for it next.
            Element::Known(kind) => Ok(TensorInfo {
                kind: *kind,
                shape: self.shape.iter().map(|&size| size.try_into().unwrap_or(i64::MAX)).collect(),
            }),
            Element::Other(found) => Err(WeightsError::Element {
                file: file.to_owned(),
                tensor: name.to_owned(),
                found: found.clone(),
            }),
        }
    }

    /// Reads the numbers into a tensor on the CPU.
    pub(crate) fn into_tensor(
        self,
        file: &str,
        container: Container,
        name: &str,
    ) -> Result<Tensor, WeightsError> {
        let info = self.info(file, name)?;
        let bytes = (self.read)().map_err(|source| read_error(file, container, source))?;
        // libtorch copies as many bytes as the shape asks for, whether they are there or not.
        if bytes.len() as u64 != info.num_bytes() {
            return Err(WeightsError::Damaged {
                file: file.to_owned(),
                container,
                detail: format!(
                    "tensor `{name}` has {} bytes, not {}",
                    bytes.len(),
                    info.num_bytes()
                ),
            });
        }
        Tensor::f_from_data_size(&bytes, &info.shape, info.kind)
            .map_err(|source| WeightsError::Torch { tensor: name.to_owned(), source })
    }
}

/// Tells a file that contradicts itself from one the system did not give.
pub(crate) fn read_error(file: &str, container: Container, source: io::Error) -> WeightsError {
    let file = file.to_owned();
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            WeightsError::Damaged { file, container, detail: source.to_string() }
        }
        _ => WeightsError::Read { file, source },
    }
}
