//! The file formats weights come in, told apart by their first bytes: endings lie.
//!
//! Sources: `torch/serialization.py` (zip, legacy, tar), the safetensors format description.

use crate::WeightsError;
use crate::foreign::Foreign;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Enough to see the tar mark, which lies deepest.
const START_LEN: u64 = 512;
const TAR_MARK_AT: usize = 257;
/// The first opcode of every pickle since protocol 2, which is what `torch.save` has always used.
const PICKLE_PROTOCOL: u8 = 0x80;
/// What the safetensors format allows a header, in bytes.
pub(crate) const MAX_SAFETENSORS_HEADER: u64 = 100_000_000;

/// A format weights are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `torch.save` since PyTorch 1.6.
    Zip,
    /// `torch.save` from 0.1.10 to 1.5: several pickles, then the numbers. A bare pickle too.
    Legacy,
    /// `torch.save` before 0.1.10.
    Tar,
    /// A JSON header, then the numbers.
    Safetensors,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "zip checkpoint (PyTorch 1.6 or later)",
            Self::Legacy => "legacy checkpoint (PyTorch before 1.6)",
            Self::Tar => "tar checkpoint (PyTorch before 0.1.10)",
            Self::Safetensors => "safetensors file",
        })
    }
}

impl Container {
    /// Looks at the file's first bytes and, in a zip archive, at its directory.
    ///
    /// # Errors
    /// When there is no such file, or it is empty, or of another format.
    pub(crate) fn detect(path: &Path) -> Result<Self, WeightsError> {
        let file = path.display().to_string();
        let mut start = Vec::new();
        File::open(path)
            .and_then(|opened| opened.take(START_LEN).read_to_end(&mut start))
            .map_err(|source| WeightsError::Read { file: file.clone(), source })?;
        if start.is_empty() {
            return Err(WeightsError::Empty { file });
        }
        let named_safetensors = path.extension().is_some_and(|end| end == "safetensors");
        let found = match Self::of_start(&start, named_safetensors) {
            Some(Self::Zip) => Foreign::in_zip(path).map_or(Ok(Self::Zip), Err),
            Some(container) => Ok(container),
            None => Err(Foreign::of_start(&start)),
        };
        found.map_err(|Foreign { what, remedy }| WeightsError::Foreign {
            file,
            found: what,
            remedy,
        })
    }

    fn of_start(start: &[u8], named_safetensors: bool) -> Option<Self> {
        // Before the pickle: a header of 128 bytes starts with a pickle's first byte.
        if starts_as_safetensors(start, named_safetensors) {
            return Some(Self::Safetensors);
        }
        if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if start.get(TAR_MARK_AT..).is_some_and(|rest| rest.starts_with(b"ustar")) {
            return Some(Self::Tar);
        }
        start.starts_with(&[PICKLE_PROTOCOL]).then_some(Self::Legacy)
    }
}

/// A length, then the brace of the JSON header. The length counts as a sign only if it is a
/// possible one, unless the file says by its name that it is meant as such.
fn starts_as_safetensors(start: &[u8], named_so: bool) -> bool {
    let Some(&length) = start.first_chunk::<8>() else {
        return false;
    };
    let possible = u64::from_le_bytes(length) <= MAX_SAFETENSORS_HEADER;
    start.get(8) == Some(&b'{') && (possible || named_so)
}
