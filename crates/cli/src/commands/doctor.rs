//! `kestrel doctor`: what this machine and this installation can do.

use crate::model_source::{self, BUILT_IN};
use crate::{Outcome, device};
use anyhow::Result;
use kestrel_core::{ImageSize, RgbImage};
use kestrel_rcnn::Model;
use kestrel_zoo::Cache;
use std::fmt::Display;
use std::time::Instant;
use tch::Device;

/// Looks at one thing after the other; what does not work is said, and why.
pub(crate) fn run() -> Result<Outcome> {
    line("kestrel", env!("CARGO_PKG_VERSION"));
    line("libtorch", libtorch_version());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    line("threads", format!("{} of {cores} cores", tch::get_num_threads()));
    line("vector units", vector_units());
    match device::load_cuda() {
        Ok(()) => line("cuda", format!("{} cards", tch::Cuda::device_count())),
        Err(_) => line("cuda", "not in this libtorch; the CPU serves"),
    }
    let mut all_well = true;
    match writable_cache() {
        Ok(folder) => line("model cache", folder),
        Err(error) => {
            all_well = false;
            line("model cache", format!("{error:#}"));
        }
    }
    for model in &BUILT_IN {
        match try_model(model.name) {
            Ok(secs) => line(model.name, format!("works, {secs:.2} s a picture of 256x256")),
            Err(error) => {
                all_well = false;
                line(model.name, format!("{error:#}"));
            }
        }
    }
    Ok(if all_well { Outcome::Done } else { Outcome::SomeInputsFailed })
}

fn line(name: &str, value: impl Display) {
    println!("{name:<14}{value}");
}

/// The version set-up wrote beside the library, which `tch` has checked while building.
fn libtorch_version() -> String {
    let folder = std::env::var_os("LIBTORCH").map(std::path::PathBuf::from);
    let version =
        folder.and_then(|folder| std::fs::read_to_string(folder.join("build-version")).ok());
    version.map_or_else(|| "2.11.0 (as built)".to_owned(), |text| text.trim().to_owned())
}

fn vector_units() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
        ];
        let there = known.iter().filter(|(_, there)| *there).map(|(name, _)| *name);
        there.collect::<Vec<_>>().join(" ")
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH.to_owned()
}

fn writable_cache() -> Result<String> {
    let cache = Cache::from_env()?;
    std::fs::create_dir_all(cache.folder())?;
    tempfile::tempfile_in(cache.folder())?;
    Ok(cache.folder().display().to_string())
}

/// Loads a model and detects in a dark picture, twice: the first run warms up.
fn try_model(name: &str) -> Result<f64> {
    let (weights, metadata) = model_source::open(name, None)?;
    let model = Model::load(&metadata.architecture, &weights, Device::Cpu)?;
    let picture = [RgbImage::filled(ImageSize::new(256, 256), [20, 20, 20])];
    model.detect(&picture)?;
    let started = Instant::now();
    model.detect(&picture)?;
    Ok(started.elapsed().as_secs_f64())
}
