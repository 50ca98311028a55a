//! Who reads the streams: a terminal, a program that has seen enough, nobody; and runs that end
//! before their end.

use crate::results::pictures;
use crate::support::{PROGRAM, Workplace};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What a person sees who runs this, which ends with `code`; `None` where there is no program that acts
/// as a terminal.
fn on_a_terminal(work: &Workplace, arguments: &str, code: i32) -> Option<String> {
    let mut command = Command::new("script");
    let line = format!("'{PROGRAM}' {arguments}");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.current_dir(work.path(".")).env("KESTREL_CACHE", work.path("cache"));
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.code() == Some(code) => {
            Some(String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n"))
        }
        Ok(output) => panic!("{output:?}"),
        Err(_) => {
            eprintln!("skipped: no program `script` here to act as a terminal");
            None
        }
    }
}

#[test]
fn a_terminal_shows_a_table_and_no_json() {
    let work = Workplace::with_micrographs(2);
    let Some(seen) = on_a_terminal(&work, "detect drawn", 0) else { return };
    assert!(seen.contains("best score") && seen.contains(" objects in 2 pictures, "), "{seen}");
    assert!(!seen.contains("\"detections\""), "{seen}");
    let seen = on_a_terminal(&work, "detect drawn -o -", 0).unwrap();
    assert!(!seen.contains("best score"), "{seen}");
    let lines: Vec<&str> = seen.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(pictures(&lines.join("\n")).len(), 2, "{seen}");
}

#[test]
fn a_terminal_is_no_clip() {
    let work = Workplace::new();
    let Some(seen) = on_a_terminal(&work, "video -", 2) else { return };
    let refusal = "error: -: found a terminal, expected a clip; pipe a clip in, or name a file\n";
    assert_eq!(seen, refusal);
}

/// As `head -1` does.
#[test]
fn a_reader_may_stop_reading() {
    let work = Workplace::with_micrographs(3);
    for arguments in ["detect drawn", "detect drawn --format csv", "model info nuclei", "doctor"] {
        let mut command = work.command();
        command.args(arguments.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.ends_with('\n'));
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments}: {stderr}");
        assert!(!stderr.contains("error") && !stderr.contains("panicked"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_once() {
    let work = Workplace::with_micrographs(1);
    let error = work.run("detect drawn -o /dev/full").refused();
    assert!(error.contains("cannot write to /dev/full: No space left"), "{error}");
    assert_eq!(error.matches("No space left").count(), 1, "{error}");
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for arguments in ["detect drawn", "model list", "model info nuclei", "doctor"] {
        let mut command = work.command();
        let output = command.args(arguments.split(' ')).stdout(full()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("cannot write to standard output: No space left"), "{error}");
    }
    // Nobody hears the notes; the results come all the same.
    let mut command = work.command();
    let output = command.args(["detect", "drawn"]).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(pictures(&String::from_utf8(output.stdout).unwrap()).len(), 1);
}

#[test]
fn a_run_that_fails_midway_leaves_the_old_results() {
    let work = Workplace::with_micrographs(3);
    work.write("found.json", "old");
    // The second picture cannot be written where a folder has its name.
    fs::create_dir_all(work.path("new/micrograph-0002.png/full")).unwrap();
    let before = work.names();
    let error = work.run("detect drawn -o found.json --save-images new").refused();
    assert!(error.contains("--save-images: new/micrograph-0002.png: cannot write"), "{error}");
    assert_eq!(work.read("found.json"), "old");
    assert_eq!(work.names(), before, "no half file beside it");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_the_old_results() {
    let work = Workplace::with_micrographs(40);
    work.write("found.json", "old");
    let mut command = work.command();
    command.args(["detect", "drawn", "-o", "found.json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_writing = || work.names().iter().any(|name| name.starts_with(".kestrel-"));
    while !is_writing() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it wrote");
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    assert_eq!(work.read("found.json"), "old");
}
