//! `cargo xtask test` and `cargo xtask check`: everything CI looks at.

use crate::{ffmpeg, setup, shell};
use anyhow::Result;

/// Set-up, all checks, all tests.
pub fn test() -> Result<()> {
    check()?;
    shell::run(&mut shell::cargo(&["test", "--workspace", "--no-fail-fast"]))
}

/// Set-up, format, lints, documentation; `cargo deny` and `typos` where they are installed.
pub fn check() -> Result<()> {
    setup::run()?;
    ffmpeg::run()?;
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut shell::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ]))?;
    shell::run(
        shell::cargo(&["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    optional("cargo deny", &mut shell::cargo(&["deny"]), &mut shell::cargo(&["deny", "check"]))?;
    let typos = || std::process::Command::new("typos");
    optional("typos", &mut typos(), typos().current_dir(shell::root()))
}

fn optional(
    name: &str,
    probe: &mut std::process::Command,
    command: &mut std::process::Command,
) -> Result<()> {
    if shell::is_installed(probe) {
        return shell::run(command);
    }
    println!("==> {name}: not installed, skipped");
    Ok(())
}
