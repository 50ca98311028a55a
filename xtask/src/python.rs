//! The Python found on this machine, used for pip only: nothing of Kestrel runs in it.

use crate::shell;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// The first of `python3`, `python` that has pip.
pub fn with_pip() -> Result<&'static str> {
    for name in ["python3", "python"] {
        if shell::is_installed(Command::new(name).args(["-m", "pip"])) {
            return Ok(name);
        }
    }
    bail!(
        "no Python with pip found: set-up fetches libtorch from PyPI with `python3 -m pip`; \
         install Python 3 and pip, or set LIBTORCH to an unpacked libtorch 2.11.0"
    )
}

/// Downloads the wheels that `requirements` names, with their hashes checked by pip, into `folder`.
/// The platform is fixed, so the same files come whatever Python is installed.
pub fn download_wheels(requirements: &Path, platforms: &[&str], folder: &Path) -> Result<()> {
    let mut pip = Command::new(with_pip()?);
    pip.args(["-m", "pip", "download", "--disable-pip-version-check", "--no-deps"])
        .args([
            "--only-binary=:all:",
            "--python-version=3.12",
            "--implementation=cp",
            "--abi=cp312",
            "--abi=none",
        ])
        .args(platforms.iter().map(|platform| format!("--platform={platform}")))
        .arg("--require-hashes")
        .arg("--dest")
        .arg(folder)
        .arg("--requirement")
        .arg(requirements);
    shell::run(&mut pip)
}
