//! Named tensors between a file and a model.

use crate::archive::Archive;
use crate::{Naming, WeightsError};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use tch::{Device, Tensor};

/// Named tensors on the CPU, of the element types they were stored in, and the free text that
/// belongs to them.
///
/// Names are torchvision's of today. Converting to a model's element type is left to
/// [`load`](crate::load()).
#[derive(Debug)]
pub struct StateDict {
    file: String,
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
    naming: Naming,
}

impl StateDict {
    /// Reads a `.pth` or `.safetensors` file. Which it is, is seen from its content.
    ///
    /// Wrappers (`model`, `state_dict`, `model_state_dict`, the prefix `module.`) are taken off
    /// where no tensor has a known name without; what then lies beside the weights, such as an
    /// optimiser's state, is not read.
    ///
    /// # Errors
    /// When the file cannot be read, is of another format, is damaged, or holds no named tensors
    /// or some of a type libtorch does not compute with.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        Self::from_archive(Archive::open(path)?)
    }

    /// Reads the bytes of a safetensors file, such as a model compiled into the program, which
    /// `source_name` stands for in messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn from_safetensors_bytes(source_name: &str, bytes: &[u8]) -> Result<Self, WeightsError> {
        Self::from_archive(Archive::from_safetensors(source_name.to_owned(), Cursor::new(bytes))?)
    }

    /// Takes a model's variables, to be written. On the CPU the memory is shared, not copied.
    ///
    /// # Errors
    /// When a tensor cannot be brought to the CPU.
    pub fn from_tensors(
        tensors: impl IntoIterator<Item = (String, Tensor)>,
        metadata: BTreeMap<String, String>,
    ) -> Result<Self, WeightsError> {
        let on_cpu = tensors.into_iter().map(|(name, tensor)| {
            let moved = tensor.f_detach().and_then(|tensor| tensor.f_to_device(Device::Cpu));
            match moved {
                Ok(tensor) => Ok((name, tensor)),
                Err(source) => Err(WeightsError::Torch { tensor: name, source }),
            }
        });
        let tensors = on_cpu.collect::<Result<_, _>>()?;
        Ok(Self { file: "memory".to_owned(), tensors, metadata, naming: Naming::Current })
    }

    fn from_archive(archive: Archive<'_>) -> Result<Self, WeightsError> {
        let Archive { file, container, naming, metadata, entries } = archive;
        let read = entries.into_iter().map(|(name, entry)| {
            let tensor = entry.into_tensor(&file, container, &name)?;
            Ok((name, tensor))
        });
        let tensors = read.collect::<Result<_, _>>()?;
        Ok(Self { file, tensors, metadata, naming })
    }

    /// Where the tensors come from: the path, or the name that was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensors, by name.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// One tensor.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is no tensor.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The free text of a safetensors file; empty for every other.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The free text, to be changed before writing.
    pub fn metadata_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.metadata
    }

    /// Whether v1 names were found and translated. A file written from these tensors has today's
    /// names and no longer shows it.
    pub fn naming(&self) -> Naming {
        self.naming
    }
}
