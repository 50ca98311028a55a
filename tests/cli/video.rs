//! `kestrel video`, `kestrel eval tracks` and `kestrel data synth sequence`. Tests that need ffmpeg say
//! that they were skipped where there is none.

use crate::support::{Answer, Workplace, answer};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Where ffmpeg is, or a line that says what is skipped.
fn ffmpeg() -> Option<PathBuf> {
    let found = kestrel_video::Ffmpeg::find(kestrel_zoo::cache_root().as_deref());
    match found {
        Ok(ffmpeg) => Some(ffmpeg.path().to_owned()),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// The program with this ffmpeg: the workplace has a cache of its own.
fn command(work: &Workplace, ffmpeg: &PathBuf, arguments: &str) -> std::process::Command {
    let mut command = work.command();
    command.env("KESTREL_FFMPEG", ffmpeg).args(arguments.split_whitespace());
    command
}

fn run(work: &Workplace, ffmpeg: &PathBuf, arguments: &str) -> Answer {
    answer(command(work, ffmpeg, arguments))
}

/// A clip of six frames of four nuclei in `seq/`.
fn with_clip(ffmpeg: &PathBuf) -> Workplace {
    let work = Workplace::new();
    let drawing =
        "data synth sequence -o seq --frames 6 --side 96 --nuclei 4 --divisions 0 --seed 2";
    run(&work, ffmpeg, drawing).done();
    work
}

fn json_lines(work: &Workplace, name: &str) -> Vec<Value> {
    work.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json(work: &Workplace, name: &str) -> Value {
    serde_json::from_str(&work.read(name)).unwrap()
}

fn length(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

#[test]
fn a_clip_is_followed_and_written_in_every_format() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let work = with_clip(&ffmpeg);
    let options =
        "--format json,mot,csv,coco --line middle=48,0,48,96 --zone all=0,0,96,0,96,96,0,96";
    let answer =
        run(&work, &ffmpeg, &format!("video seq/sequence.mp4 -o seen.mp4 {options}")).done();
    assert!(answer.stdout.contains("track   category") && answer.stdout.contains("zone all: "));
    assert!(answer.stderr.contains("6 frames, ") && answer.stderr.contains("busy: decode"));

    let frames = json_lines(&work, "seen.jsonl");
    let times: Vec<f64> = frames.iter().map(|frame| frame["time"].as_f64().unwrap()).collect();
    assert_eq!(times, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    let num_objects: usize = frames.iter().map(|frame| length(&frame["detections"])).sum();
    assert!(num_objects >= 12, "{num_objects} objects");
    let first = &frames[0]["detections"][0];
    assert!(first["track"].is_u64() && first["mask"]["size"] == Value::from([96, 96]));

    assert_eq!(work.read("seen.mot.txt").lines().count(), num_objects);
    assert_eq!(work.read("seen.csv").lines().count(), num_objects + 1);
    let coco = json(&work, "seen.coco.json");
    assert_eq!((length(&coco["images"]), length(&coco["annotations"])), (6, num_objects));
    assert_eq!(
        (&coco["videos"][0]["length"], &coco["images"][5]["frame_id"]),
        (&6.into(), &5.into())
    );

    let summary = json(&work, "seen.summary.json");
    assert_eq!((&summary["frames"], &summary["is_complete"]), (&6.into(), &true.into()));
    let visitors = summary["zones"][0]["visitors"]["nucleus"].as_u64().unwrap() as usize;
    assert_eq!(visitors, length(&summary["tracks"]));
    assert_eq!(length(&summary["stages"]), 5);

    // The clip that was written is one itself.
    run(&work, &ffmpeg, "video seen.mp4 --no-video -o again.mp4 --every 2").done();
    assert_eq!(json_lines(&work, "again.jsonl").len(), 3);
    assert!(!work.path("again.mp4").exists());

    let scores = run(&work, &ffmpeg, "eval tracks seen.mot.txt --truth seq/truth.mot.txt --json -");
    let scores: Value = serde_json::from_str(&scores.done().stdout).unwrap();
    assert!(scores[0]["idf1"].as_f64().unwrap() > 0.8, "{scores}");
}

#[test]
fn pictures_need_no_ffmpeg() {
    let work = Workplace::new();
    let drawing = "data synth sequence -o seq --frames 3 --side 96 --nuclei 4 --no-video";
    work.run(drawing).done();
    assert!(!work.path("seq/sequence.mp4").exists());
    let video = "video seq --no-video --no-track --fps 2 --start 0.5 -o seen.mp4";
    let mut command = work.command();
    command.env("PATH", "").args(video.split(' '));
    answer(command).done();
    let frames = json_lines(&work, "seen.jsonl");
    assert_eq!(
        frames.iter().map(|frame| frame["time"].as_f64().unwrap()).collect::<Vec<_>>(),
        [0.5, 1.0]
    );
    assert!(frames[0]["detections"][0].get("track").is_none());
    assert_eq!(length(&json(&work, "seen.summary.json")["tracks"]), 0);

    let mut command = work.command();
    command.env("PATH", "").args(["video", "seq"]);
    let error = answer(command).refused();
    assert!(
        error.contains("found no ffmpeg; install it") && error.contains("xtask setup"),
        "{error}"
    );
}

#[test]
fn clips_that_cannot_be_read_are_failed_inputs() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let work = Workplace::new();
    work.write("empty.mp4", "");
    work.write("text.mp4", "no clip");
    for (name, reason) in
        [("empty.mp4", "the file is empty"), ("text.mp4", "finds no picture in it")]
    {
        let answer = run(&work, &ffmpeg, &format!("video {name} -o out.mp4")).ended(1);
        assert_eq!(answer.errors().len(), 1, "{answer:?}");
        assert!(answer.errors()[0].starts_with(name) && answer.errors()[0].contains(reason));
    }
    assert_eq!(work.names().len(), 2, "{:?}", work.names());
}

#[test]
fn a_part_behind_the_end_is_not_taken_for_a_broken_clip() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let work = with_clip(&ffmpeg);
    let before = work.names();
    for (input, length) in [("seq/sequence.mp4", "0.6 s"), ("seq", "0.24 s")] {
        let answer = run(&work, &ffmpeg, &format!("video {input} --start 10:00")).ended(1);
        let said =
            format!("{input}: found no picture from 600 s on; the clip ends after {length}; ");
        assert!(answer.errors().len() == 1 && answer.errors()[0].starts_with(&said), "{answer:?}");
    }
    assert_eq!(work.names(), before);
}

#[test]
fn wrong_use_is_refused_before_the_run() {
    let work = Workplace::new();
    work.write("clip.mp4", "x");
    for (options, reason) in [
        ("gone.mp4", "gone.mp4: found no such file, expected a clip"),
        ("clip.mp4 -o clip.mp4", "is read by this run and would be overwritten"),
        ("clip.mp4 -o out.avi", "found out.avi, expected a name that ends in .mp4"),
        ("clip.mp4 -o no/out.mp4", "cannot write to no/out.mp4: no such folder"),
        ("clip.mp4 --line a=1,2", "expected NAME=X1,Y1,X2,Y2"),
        ("clip.mp4 --zone a=1,2,3,4", "at least three corners"),
        ("clip.mp4 --start soon", "expected seconds"),
        (
            "clip.mp4 --start 5 --end 2",
            "--end: found 2 s, expected a time after --start, which is 5",
        ),
        ("clip.mp4 --end 0", "--end: found 0 s, expected a time after --start, which is 0 s"),
        ("clip.mp4 --fps 0", "expected frames a second"),
        (
            "clip.mp4 --fps 3",
            "--fps: found a rate for clip.mp4, which has its own; expected it with a",
        ),
        ("clip.mp4 --weak-score 0.95 --score 0.9", "--weak-score: found 0.95, expected at most"),
        ("clip.mp4 --zone z=0,0,1,0,1,1 --line z=0,0,9,0", "--line and --zone: found `z` twice"),
        ("clip.mp4 --no-track --line a=1,2,3,4", "cannot be used with"),
        ("clip.mp4 --no-track --weak-score 0.3", "cannot be used with"),
        ("clip.mp4 --no-track --max-gap 9", "cannot be used with"),
        ("clip.mp4 --classes nucleu", "did you mean `nucleus`?"),
    ] {
        let error = work.run(&format!("video {options}")).refused();
        assert!(error.contains(reason), "{options}: {error}");
    }
    assert_eq!(work.names().len(), 1);
}

/// As Ctrl-C does.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_it_has() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let work = Workplace::with_micrographs(60);
    let mut command = command(&work, &ffmpeg, "video drawn -o out.mp4 --format json,coco");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // Once the encoder has something, which is after the first frames.
    let is_running = || {
        let entries = fs::read_dir(work.path(".")).unwrap().flatten();
        let clips =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".kestrel-"));
        clips.count() >= 3
    };
    while !is_running() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(1500));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("interrupted; everything up to there is written"), "{stderr}");
    let num_frames = json_lines(&work, "out.jsonl").len();
    assert!((1..60).contains(&num_frames), "{num_frames} frames");
    assert_eq!(length(&json(&work, "out.coco.json")["images"]), num_frames);
    let summary = json(&work, "out.summary.json");
    assert_eq!((&summary["frames"], &summary["is_complete"]), (&num_frames.into(), &false.into()));
    assert!(work.names().iter().all(|name| !name.starts_with(".kestrel-")), "{:?}", work.names());
    run(&work, &ffmpeg, "video out.mp4 --no-video -o again.mp4").done();
    assert_eq!(json_lines(&work, "again.jsonl").len(), num_frames);
}

/// How many processes have `needle` among their arguments.
#[cfg(target_os = "linux")]
fn num_processes_with(needle: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(needle)).count()
}

/// As a camera that hangs.
#[cfg(target_os = "linux")]
#[test]
fn a_stream_that_sends_nothing_can_be_interrupted() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let work = Workplace::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let url = format!("tcp://{}", silent.local_addr().unwrap());
    let mut command = command(&work, &ffmpeg, &format!("video {url} -o out.mp4"));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Held until the end, or ffmpeg would see one itself.
    let _connection = loop {
        if let Ok(connection) = silent.accept() {
            break connection;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it connected");
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(num_processes_with(&url), 2, "kestrel and its ffmpeg");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.ends_with("interrupted before the first frame; nothing is written\n"),
        "{stderr}"
    );
    assert_eq!(num_processes_with(&url), 0, "no ffmpeg is left");
    assert!(work.names().is_empty(), "{:?}", work.names());
}

#[test]
fn a_sequence_divides_and_its_tracks_are_its_own_best_result() {
    let work = Workplace::new();
    let drawing =
        "data synth sequence -o seq --frames 12 --side 128 --nuclei 9 --divisions 0.05 --no-video";
    let answer = work.run(drawing).done();
    assert!(answer.stdout.starts_with("12 pictures of "), "{answer:?}");
    let truth = json(&work, "seq/truth.json");
    let nuclei = truth["annotations"].as_array().unwrap();
    assert!(nuclei.iter().any(|nucleus| nucleus["parent_track_id"].is_u64()), "none divided");
    assert_eq!(
        (&truth["images"][11]["frame_id"], &truth["videos"][0]["length"]),
        (&11.into(), &12.into())
    );
    assert_eq!(work.read("seq/truth.mot.txt").lines().count(), nuclei.len());
    let answer = work.run("eval tracks seq/truth.mot.txt --truth seq/truth.mot.txt").done();
    let numbers = "100.0   100.0   100.0   100.0   100.0   100.0   100.0    100.0";
    assert!(answer.stdout.contains(numbers), "{}", answer.stdout);
    let error = work.run("eval tracks a.txt b.txt --truth a.txt").refused();
    assert!(error.contains("found 1 file for 2 files of tracks"), "{error}");
    let error = work.run("data synth sequence -o x --divisions 0.5 --no-video").refused();
    assert!(error.contains("motion.division_chance: found 0.5, expected 0 to 0.1"), "{error}");
}
