//! Running other programs, and where things lie.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// The folder outside the checkout where downloads are kept: `KESTREL_CACHE`, else
/// `XDG_CACHE_HOME/kestrel`, else `~/.cache/kestrel`.
pub fn cache() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("KESTREL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("kestrel")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/kestrel")))
        .context("no cache folder: neither KESTREL_CACHE, XDG_CACHE_HOME nor HOME is set")
}

/// A `cargo` command in the root of the checkout.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// Prints the command, runs it, and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let words: Vec<String> =
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let line = format!("{name} {}", words.join(" "));
    println!("==> {line}");
    let status = command.status().with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Whether a program answers `--version`, that is, is installed.
pub fn is_installed(command: &mut Command) -> bool {
    command.arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs Kestrel itself as it stands.
pub fn kestrel(arguments: &[&str]) -> Result<()> {
    // Both its programs, of which `run` builds only the one it starts.
    run(&mut cargo(&["build", "--quiet", "--package", "kestrel"]))?;
    let program = ["run", "--quiet", "--package", "kestrel", "--"];
    run(&mut cargo(&[&program, arguments].concat()))
}
