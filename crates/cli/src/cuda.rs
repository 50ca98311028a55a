//! The half of libtorch that runs on cards.

use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// The library that gives libtorch its CUDA operations.
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// Opens the CUDA part of libtorch, which registers itself. One program thus serves machines with
/// and without it.
pub(crate) fn load() -> Result<()> {
    let folder = std::env::var_os("LIBTORCH").map(|folder| PathBuf::from(folder).join("lib"));
    let path = folder.unwrap_or_default().join(CUDA_LIBRARY);
    open_for_good(&path).map_err(|error| {
        anyhow!(
            "--device cuda: cannot open {}: {error}; set LIBTORCH to a libtorch 2.11.0 with CUDA, \
             such as the `torch` folder of the PyPI wheel, and LD_LIBRARY_PATH to its `lib`, or \
             leave --device out",
            path.display()
        )
    })
}

#[allow(unsafe_code)]
fn open_for_good(path: &std::path::Path) -> Result<()> {
    // SAFETY: opening runs the library's initialisers. This is libtorch's own second half, made to
    // be opened so; it is never closed, so nothing it registered can dangle.
    let library = unsafe { libloading::Library::new(path) }?;
    std::mem::forget(library);
    Ok(())
}
