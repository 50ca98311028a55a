//! `kestrel doctor`: what this machine and this installation can do.

use crate::commands::video::find_ffmpeg;
use crate::console::counted;
use crate::model_source::{self, BUILT_IN};
use crate::{Outcome, console, cuda};
use anyhow::{Result, bail};
use kestrel_core::{ImageSize, RgbImage};
use kestrel_rcnn::Model;
use kestrel_video::Ffmpeg;
use kestrel_zoo::Cache;
use std::fmt::Display;
use std::time::Instant;
use tch::Device;

/// Looks at one thing after the other; what does not work is said, and why.
pub(crate) fn run() -> Result<Outcome> {
    line("kestrel", env!("CARGO_PKG_VERSION"))?;
    line("libtorch", libtorch_version())?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    line("threads", format!("{} of {cores} cores", tch::get_num_threads()))?;
    line("vector units", vector_units())?;
    match cuda::load() {
        Ok(()) => line("cuda", counted(tch::Cuda::device_count() as usize, "card"))?,
        Err(error) if std::env::var_os("LIBTORCH").is_some() => {
            line("cuda", console::message(&error))?;
        }
        Err(_) => line("cuda", "not in this libtorch; the CPU serves")?,
    }
    // Only `kestrel video` needs it: a hint, and no fault of the installation.
    let ffmpeg = find_ffmpeg();
    line(
        "ffmpeg",
        ffmpeg.map_or_else(|error| console::message(&error), |found| described(&found)),
    )?;
    let mut all_well = check("model cache", writable_cache())?;
    for model in &BUILT_IN {
        let works =
            try_model(model.name).map(|secs| format!("works, {secs:.2} s a picture of 256x256"));
        all_well &= check(model.name, works)?;
    }
    Ok(if all_well { Outcome::Done } else { Outcome::SomeInputsFailed })
}

fn described(ffmpeg: &Ffmpeg) -> String {
    format!("{} at {}", ffmpeg.version(), ffmpeg.path().display())
}

fn line(name: &str, value: impl Display) -> Result<()> {
    console::print(format_args!("{name:<14}{value}"))
}

/// Says how `outcome` is; whether it is well.
fn check(name: &str, outcome: Result<String>) -> Result<bool> {
    let well = outcome.is_ok();
    line(name, outcome.unwrap_or_else(|error| console::message(&error)))?;
    Ok(well)
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
    let try_it = || {
        std::fs::create_dir_all(cache.folder())?;
        tempfile::tempfile_in(cache.folder())
    };
    let folder = cache.folder().display().to_string();
    match try_it() {
        Ok(_) => Ok(folder),
        Err(error) => bail!("cannot write to {folder}: {error}; set KESTREL_CACHE to a folder"),
    }
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
