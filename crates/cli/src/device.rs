//! Where the network runs.

use anyhow::{Context, Result, anyhow, bail};
use kestrel_args::ComputeArgs;
use std::path::PathBuf;
use tch::Device;

/// The library that gives libtorch its CUDA operations.
const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// Sets the number of threads and finds the device.
pub(crate) fn prepare(arguments: &ComputeArgs) -> Result<Device> {
    if let Some(threads) = arguments.threads {
        tch::set_num_threads(i32::try_from(threads.get()).unwrap_or(i32::MAX));
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
            .context("cannot start the threads")?;
    }
    match arguments.device.split_once(':') {
        None if arguments.device == "cpu" => Ok(Device::Cpu),
        None if arguments.device == "cuda" => cuda(0),
        Some(("cuda", card)) => cuda(card.parse().map_err(|_| unknown(&arguments.device))?),
        _ => Err(unknown(&arguments.device)),
    }
}

fn unknown(device: &str) -> anyhow::Error {
    anyhow!("--device: found `{device}`, expected cpu, cuda, or cuda:1 for the second card")
}

fn cuda(card: usize) -> Result<Device> {
    load_cuda()?;
    let cards = tch::Cuda::device_count();
    if card as i64 >= cards {
        bail!(
            "--device cuda:{card}: found {cards} CUDA cards, expected at least {}; check the \
             driver with nvidia-smi, or leave --device out",
            card + 1
        );
    }
    Ok(Device::Cuda(card))
}

/// Opens the CUDA part of libtorch, which registers itself. One program thus serves machines with
/// and without it.
pub(crate) fn load_cuda() -> Result<()> {
    let folder = std::env::var_os("LIBTORCH").map(|folder| PathBuf::from(folder).join("lib"));
    let path = folder.unwrap_or_default().join(CUDA_LIBRARY);
    open_for_good(&path).map_err(|error| {
        anyhow!(
            "--device cuda: cannot open {}: {error}; set LIBTORCH to a libtorch 2.11.0 with CUDA, \
             such as the `torch` folder of the PyPI wheel, or leave --device out",
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
