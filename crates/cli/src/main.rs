//! `kestrel`: reads the command line, and leaves the work to `kestrel-engine` beside it.
//!
//! The engine is linked to libtorch, which takes a fifth of a second to load. What needs none of it, as
//! `--help`, `--version` and the refusal of a word that is misspelt, is answered here in milliseconds.

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const ENGINE: &str = "kestrel-engine";

fn main() -> ExitCode {
    // Ends the program where there is nothing to do but to answer.
    drop(kestrel_args::Arguments::parse());
    hand_over().unwrap_or_else(|error| {
        let _ =
            std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("error: {error:#}\n"));
        ExitCode::from(2)
    })
}

/// Lets the engine do what this program was called for.
fn hand_over() -> Result<ExitCode> {
    let path = engine()?;
    let mut engine = Command::new(&path);
    engine.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // In place of this one: signals, pipes and the exit code are the engine's.
        let error = engine.arg0("kestrel").exec();
        Err(error).with_context(|| format!("cannot start {}", path.display()))
    }
    #[cfg(not(unix))]
    {
        let status = engine.status().with_context(|| format!("cannot start {}", path.display()))?;
        Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
    }
}

fn engine() -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot find where this program lies")?;
    let path = this.with_file_name(format!("{ENGINE}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        bail!(
            "found no {}; kestrel needs it in its own folder: copy both, or build both with `cargo \
             build --package kestrel`",
            path.display()
        );
    }
    Ok(path)
}
