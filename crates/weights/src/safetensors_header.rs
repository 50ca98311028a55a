//! The safetensors format, read: eight bytes with the length of a JSON header, the header, the
//! numbers. The `safetensors` crate checks that the header's offsets, shapes and types agree; what
//! is checked here is that the file is as long as the header says.

use crate::archive::{Entry, read_error};
use crate::container::MAX_SAFETENSORS_HEADER;
use crate::{Container, WeightsError};
use safetensors::tensor::{Metadata, TensorInfo};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

const LENGTH_BYTES: u64 = 8;

/// The free text of a file, and its tensors.
type Contents<'a> = (BTreeMap<String, String>, BTreeMap<String, Entry<'a>>);

/// Reads the header; the numbers are read from `source` when they are asked for.
pub(crate) fn read<'a>(
    source: impl Read + Seek + 'a,
    file: &str,
) -> Result<Contents<'a>, WeightsError> {
    contents(source).map_err(|error| read_error(file, Container::Safetensors, error))
}

fn contents<'a, R: Read + Seek + 'a>(mut source: R) -> io::Result<Contents<'a>> {
    let size = source.seek(SeekFrom::End(0))?;
    let header = header(&mut source, size)?;
    let numbers_at = size - header.data_len() as u64;
    let source = Rc::new(RefCell::new(source));
    let entry = |(name, info): (String, &TensorInfo)| {
        let (start, end) = info.data_offsets;
        let source = Rc::clone(&source);
        let read =
            move || read_at(&mut *source.borrow_mut(), numbers_at + start as u64, end - start);
        let (element, shape) = (info.dtype.into(), info.shape.clone());
        (name, Entry { element, shape, read: Box::new(read) })
    };
    let entries = header.tensors().into_iter().map(entry).collect();
    let metadata = header.metadata().iter().flatten();
    let metadata = metadata.map(|(key, text)| (key.clone(), text.clone())).collect();
    Ok((metadata, entries))
}

/// The header, checked against the `size` of the whole file.
fn header(source: &mut (impl Read + Seek), size: u64) -> io::Result<Metadata> {
    source.rewind()?;
    let mut length = [0; LENGTH_BYTES as usize];
    source.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let room = size.saturating_sub(LENGTH_BYTES).min(MAX_SAFETENSORS_HEADER);
    if length > room {
        return Err(damaged(format!("a header of {length} bytes where {room} are possible")));
    }
    let text = read_at(source, LENGTH_BYTES, length as usize)?;
    let header: Metadata =
        serde_json::from_slice(&text).map_err(|error| damaged(format!("header: {error}")))?;
    let expected = LENGTH_BYTES + length + header.data_len() as u64;
    if size != expected {
        return Err(damaged(format!("{size} bytes where its header promises {expected}")));
    }
    Ok(header)
}

fn read_at(source: &mut (impl Read + Seek), at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn damaged(detail: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, detail)
}
