//! The project's own commands: `cargo xtask setup | demo | test | check | oracle | bench`.

mod bench;
mod check;
mod demo;
mod ffmpeg;
mod oracle;
mod python;
mod setup;
mod shell;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup    bring libtorch 2.11.0 to .libtorch, and ffmpeg where there is none (nothing to do
           when they are there)
  demo     set-up, build, and find the nuclei in a drawn micrograph
  test     set-up and everything CI checks: format, lints, all tests, docs
  check    the same without the tests
  bench    time Kestrel and torchvision on the same work, in turns; `bench ROW..` for some rows
  oracle   compare full-size models with torchvision in a throw-away Python environment
           (downloads about 3 GB the first time); `oracle fixtures` rewrites tests/fixtures";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["setup"] => setup::run().and_then(|_| ffmpeg::run()),
        ["demo"] => demo::run(),
        ["test"] => check::test(),
        ["check"] => check::check(),
        ["bench", rows @ ..] => bench::run(rows),
        ["oracle"] => oracle::compare(),
        ["oracle", "fixtures"] => oracle::write_fixtures(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command `{}`\n\n{USAGE}", other.join(" ")),
    }
}
