//! What `--help` says, as reviewed snapshots. `INSTA_UPDATE=always cargo test -p kestrel help`
//! writes them anew.

use crate::support::{PROGRAM, Workplace};

/// Help is wrapped at the terminal's width, and at 100 columns where there is none.
#[test]
fn every_command_explains_itself() {
    let work = Workplace::new();
    for command in [
        "",
        "detect",
        "video",
        "classify",
        "model",
        "model info",
        "model convert",
        "model list",
        "model fetch",
        "data",
        "data check",
        "data convert",
        "data crops",
        "data split",
        "data preview",
        "data synth",
        "data synth micrograph",
        "data synth shapes",
        "data synth sequence",
        "eval",
        "eval compare",
        "config",
        "config init",
        "config show",
        "config check",
        "eval tracks",
        "doctor",
    ] {
        let answer = work.run(&format!("{command} --help")).done();
        assert!(answer.stderr.is_empty(), "{answer:?}");
        let name = format!("help {command}").trim_end().replace(' ', "_");
        insta::assert_snapshot!(name, answer.stdout);
    }
}

#[test]
fn help_has_examples_that_run_as_printed() {
    let work = Workplace::new();
    for (command, example) in [
        ("data synth micrograph", "kestrel data synth micrograph -o drawn --seed 7"),
        ("model info", "kestrel model info nuclei"),
        ("model list", "kestrel model list"),
        ("config show", "kestrel config show custom/nuclei.yaml"),
        ("config check", "kestrel config check custom/finetune-masks.yaml"),
        ("doctor", "kestrel doctor"),
    ] {
        let help = work.run(&format!("{command} --help")).done().stdout;
        assert!(help.lines().any(|line| line.trim() == example), "{example} is not in {help}");
        work.run(example.strip_prefix("kestrel ").unwrap()).done();
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let answer = Workplace::new().run("--version").done();
    assert_eq!(answer.stdout, format!("kestrel {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_asked_is_wrong_use_and_explained() {
    for command in ["", "model", "data", "data synth", "eval", "config"] {
        let answer = Workplace::new().run(command).ended(2);
        assert!(answer.stdout.is_empty() && answer.stderr.contains("Usage: kestrel"), "{command}");
    }
}

/// What needs no network needs no engine; the rest says what is missing.
#[test]
fn without_its_engine_it_can_only_answer() {
    let work = Workplace::new();
    let alone = work.path("kestrel");
    std::fs::copy(PROGRAM, &alone).unwrap();
    let run = |argument: &str| std::process::Command::new(&alone).arg(argument).output().unwrap();
    assert!(run("--help").status.success());
    let refused = run("doctor");
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.starts_with("error: found no "), "{message}");
    assert!(message.contains("kestrel-engine; kestrel needs it in its own folder"), "{message}");
}
