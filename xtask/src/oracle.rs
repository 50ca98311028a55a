//! `cargo xtask oracle`: full-size models beside torchvision's own.
//!
//! Python is needed here and nowhere else. It lives in an environment of its own in the cache,
//! which may be deleted at any time; what it writes goes to `target/oracle`.

use crate::{python, setup, shell};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The reference. 2.11.0 is also the libtorch that Kestrel runs on.
const PACKAGES: [&str; 5] =
    ["torch==2.11.0", "torchvision==0.26.0", "pycocotools==2.0.11", "numpy", "pillow==12.0.0"];

/// Writes the reference outputs and compares every stage; the rows printed are those of PARITY.md.
pub fn compare() -> Result<()> {
    setup::run()?;
    let folder = shell::root().join("target/oracle");
    let mut write = Command::new(environment()?);
    shell::run(write.arg(script("oracle.py")).arg(&folder))?;
    let test = ["test", "-p", "kestrel-rcnn", "--test", "parity", "full_size"];
    let mut compare = shell::cargo(&test);
    // One after the other: each takes several GB.
    compare.args(["--", "--nocapture", "--test-threads=1"]);
    shell::run(compare.env("KESTREL_ORACLE_DIR", &folder))?;
    compare_trained(&folder.join("trained"))
}

/// Trains a few steps, and lets torchvision take the weights and find the same. The built-in model is
/// the start, so that there is something to find.
fn compare_trained(folder: &Path) -> Result<()> {
    let place = |name: &str| folder.join(name).display().to_string();
    let [pictures, run, model, found] =
        ["pictures", "run", "run/model.safetensors", "found.json"].map(place);
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    shell::kestrel(&["data", "synth", "micrograph", "--output", &pictures, "--count", "8"])?;
    let few_steps = ["train.steps=10", "train.lr=0.001", "loader.threads=1"];
    let few_steps = few_steps.map(|change| ["--set", change]);
    let train = ["train", "custom/nuclei.yaml", "--data", &pictures, "--output", &run];
    shell::kestrel(&[&train, few_steps.as_flattened(), &["--start", "nuclei"]].concat())?;
    shell::kestrel(&["detect", &pictures, "--model", &model, "--output", &found])?;
    let mut compare = Command::new(environment()?);
    shell::run(compare.arg(script("trained.py")).args([&model, &pictures, &found]))
}

/// Writes the small fixtures of the repository anew.
pub fn write_fixtures() -> Result<()> {
    shell::run(Command::new(environment()?).arg(script("make_fixtures.py")))
}

fn script(name: &str) -> PathBuf {
    shell::root().join("tests/parity").join(name)
}

/// The Python that has the reference installed.
pub fn environment() -> Result<PathBuf> {
    let folder = shell::cache()?.join("oracle-python");
    let python = folder.join("bin/python");
    let finished = folder.join("installed");
    let wanted = PACKAGES.join(" ");
    if fs::read_to_string(&finished).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    shell::run(Command::new(python::with_pip()?).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    shell::run(Command::new(&python).args(install).args(PACKAGES))?;
    fs::write(&finished, wanted).context("cannot mark the Python environment as installed")?;
    Ok(python)
}
