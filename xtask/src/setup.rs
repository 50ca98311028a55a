//! `cargo xtask setup`: libtorch 2.11.0 at `.libtorch`, where `.cargo/config.toml` points.
//!
//! A user's `LIBTORCH` wins. Otherwise the CPU parts of the `torch` wheel on PyPI and of the two
//! small CUDA runtime wheels that `libtorch_cpu.so` links to are unpacked into the cache outside
//! the checkout; `.libtorch` is a link to that folder, so a second checkout downloads nothing.

use crate::{python, shell};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The version `tch` 0.24.0 is generated from.
const VERSION: &str = "2.11.0";

/// What pip is asked for; pip refuses any file whose SHA-256 differs.
const REQUIREMENTS: &str = "\
torch==2.11.0 --hash=sha256:0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-cupti==13.0.85 --hash=sha256:4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8
";

/// The manylinux tags the three wheels carry.
const PLATFORMS: [&str; 4] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_25_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
];

/// The shared libraries taken from the wheels; everything else in them is Python or CUDA.
const LIBRARIES: [&str; 5] = [
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libc10.so",
    "torch/lib/libgomp.so.1",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
];

/// Brings libtorch and returns the folder it lies in.
pub fn run() -> Result<PathBuf> {
    let link = shell::root().join(".libtorch");
    if let Some(theirs) = user_libtorch(&link) {
        require_libtorch(&theirs).context("LIBTORCH does not name a usable libtorch")?;
        point(&link, &theirs)?;
        println!("libtorch: using LIBTORCH={}", theirs.display());
        return Ok(theirs);
    }
    if require_libtorch(&link).is_ok() {
        println!("libtorch {VERSION} is in place");
        return Ok(link);
    }
    let unpacked = shell::cache()?.join(format!("libtorch-{VERSION}-cpu"));
    if require_libtorch(&unpacked).is_err() {
        download(&unpacked)?;
    }
    point(&link, &unpacked)?;
    println!("libtorch {VERSION} is in {}", unpacked.display());
    Ok(link)
}

/// `LIBTORCH` as the user set it, or `None` where it is only our own `.cargo/config.toml` speaking.
fn user_libtorch(link: &Path) -> Option<PathBuf> {
    let set = PathBuf::from(std::env::var_os("LIBTORCH").filter(|value| !value.is_empty())?);
    (set != link).then_some(set)
}

/// Fails unless `folder` holds headers, the library, and, if it says so, the right version.
fn require_libtorch(folder: &Path) -> Result<()> {
    for part in
        ["include/torch/csrc/api/include/torch/torch.h", "lib/libtorch_cpu.so", "lib/libtorch.so"]
    {
        if !folder.join(part).exists() {
            bail!("{} is missing in {}", part, folder.display());
        }
    }
    let version = fs::read_to_string(folder.join("build-version")).unwrap_or_default();
    if !version.is_empty() && !version.trim().starts_with(VERSION) {
        bail!("found libtorch {}, expected {VERSION}", version.trim());
    }
    Ok(())
}

/// Makes `.libtorch` a link to `target`, in place of an older link.
fn point(link: &Path, target: &Path) -> Result<()> {
    if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(link).with_context(|| format!("cannot replace {}", link.display()))?;
    } else if link.exists() {
        bail!("{} is in the way and is not a link: move it away and try again", link.display());
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, link)
        .with_context(|| format!("cannot link {} to {}", link.display(), target.display()))?;
    #[cfg(not(unix))]
    bail!("only Unix is supported by set-up: set LIBTORCH to {} by hand", target.display());
    Ok(())
}

fn download(unpacked: &Path) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "set-up knows libtorch for x86-64 Linux only: set LIBTORCH to an unpacked libtorch {VERSION}"
        );
    }
    let wheels = shell::cache()?.join("wheels");
    fs::create_dir_all(&wheels).with_context(|| format!("cannot make {}", wheels.display()))?;
    println!("libtorch {VERSION}: fetching 544 MB from PyPI (once; kept in {})", wheels.display());
    let requirements = wheels.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    python::download_wheels(&requirements, &PLATFORMS, &wheels)?;

    // Unpacked beside its final name and renamed, so that an interrupted set-up leaves no half.
    let partial = unpacked.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    for entry in fs::read_dir(&wheels)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            unpack(&path, &partial).with_context(|| format!("cannot unpack {}", path.display()))?;
        }
    }
    finish(&partial)?;
    fs::rename(&partial, unpacked)?;
    fs::remove_dir_all(&wheels)?;
    Ok(())
}

/// Copies the headers and `LIBRARIES` out of one wheel, which is a zip file.
fn unpack(wheel: &Path, folder: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry.enclosed_name() else { continue };
        let to = match name.strip_prefix("torch/include") {
            Ok(header) if entry.is_file() => folder.join("include").join(header),
            _ if LIBRARIES.iter().any(|library| Path::new(library) == name) => {
                folder.join("lib").join(name.file_name().unwrap_or_default())
            }
            _ => continue,
        };
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        std::io::copy(&mut entry, &mut File::create(&to)?)?;
    }
    Ok(())
}

/// The linker asks for `-ltorch`; in the CPU wheel that is an empty stub, so a link serves.
fn finish(folder: &Path) -> Result<()> {
    fs::write(folder.join("build-version"), VERSION)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("libtorch_cpu.so", folder.join("lib/libtorch.so"))?;
    require_libtorch(folder)?;
    for library in LIBRARIES.iter().filter_map(|library| Path::new(library).file_name()) {
        if !folder.join("lib").join(library).exists() {
            bail!("{} was in none of the wheels", library.display());
        }
    }
    Ok(())
}
