//! `kestrel data synth micrograph` and `shapes`.

use crate::support::{Workplace, names_in};
use serde_json::Value;
use std::fs;

fn truth(work: &Workplace, folder: &str) -> Value {
    serde_json::from_str(&work.read(&format!("{folder}/truth.json"))).unwrap()
}

#[test]
fn pictures_come_with_their_truth() {
    let work = Workplace::with_micrographs(3);
    let names = names_in(&work.path("drawn"));
    let pictures = ["micrograph-0001.png", "micrograph-0002.png", "micrograph-0003.png"];
    assert_eq!(names, pictures.into_iter().chain(["truth.json"]).map(str::to_owned).collect());
    let truth = truth(&work, "drawn");
    let files: Vec<&Value> =
        truth["images"].as_array().unwrap().iter().map(|image| &image["file_name"]).collect();
    assert_eq!(files, pictures);
    let nuclei = truth["annotations"].as_array().unwrap();
    // A nucleus at the border may show too little to count.
    assert!((15..=21).contains(&nuclei.len()), "{} nuclei of 21", nuclei.len());
    assert!(
        nuclei.iter().all(|nucleus| nucleus["segmentation"]["size"] == Value::from([128, 128]))
    );
    assert_eq!(truth["categories"][0]["name"], "nucleus");
}

#[test]
fn a_seed_gives_the_same_bytes() {
    let work = Workplace::new();
    for (folder, seed) in [("a", 7), ("b", 7), ("c", 8)] {
        work.run(&format!("data synth micrograph -o {folder} --side 96 --seed {seed}")).done();
    }
    let picture = |folder: &str| fs::read(work.path(folder).join("micrograph-0001.png")).unwrap();
    assert_eq!(picture("a"), picture("b"));
    assert_ne!(picture("a"), picture("c"));
    assert_eq!(work.read("a/truth.json"), work.read("b/truth.json"));
}

#[test]
fn frames_of_one_scene_say_which_nucleus_is_which() {
    let work = Workplace::new();
    let answer = work.run("data synth micrograph -o f --side 96 --nuclei 4 --moving --count 2");
    assert!(answer.done().stdout.starts_with("2 pictures of "));
    let truth = truth(&work, "f");
    let tracks = |image: u64| -> Vec<u64> {
        let nuclei = truth["annotations"].as_array().unwrap().iter();
        let nuclei = nuclei.filter(|nucleus| nucleus["image_id"] == image);
        nuclei.map(|nucleus| nucleus["track_id"].as_u64().unwrap()).collect()
    };
    let (first, second) = (tracks(1), tracks(2));
    assert!(!first.is_empty() && first.iter().any(|track| second.contains(track)));
}

#[test]
fn small_pictures_have_small_nuclei() {
    let work = Workplace::new();
    for side in [1, 8] {
        work.run(&format!("data synth micrograph -o s{side} --side {side} --nuclei 1")).done();
        assert!(work.path(&format!("s{side}/micrograph-0001.png")).is_file());
    }
}

#[test]
fn the_last_seed_is_followed_by_the_first() {
    let work = Workplace::new();
    let last = format!("data synth micrograph -o last --side 64 --count 2 --seed {}", u64::MAX);
    work.run(&last).done();
    work.run("data synth micrograph -o first --side 64 --seed 0").done();
    let picture = |name: &str| fs::read(work.path(name)).unwrap();
    assert_eq!(picture("last/micrograph-0002.png"), picture("first/micrograph-0001.png"));
}

#[test]
fn what_cannot_be_drawn_is_refused_and_leaves_nothing() {
    let work = Workplace::new();
    for (options, reason) in [
        ("--side 0", "size: found 0x0, expected 1 to 8192"),
        ("--side 100000", "expected 1 to 8192 pixels a side"),
        ("--nuclei 100000", "num_nuclei: found 100000, expected at most 10000"),
        ("--count 0", "expected a whole number, at least 1"),
        ("--seed=-1", "invalid value '-1' for '--seed"),
    ] {
        let error = work.run(&format!("data synth micrograph -o drawn {options}")).refused();
        assert!(error.contains(reason), "{error}");
    }
    assert!(work.names().is_empty());
}

#[test]
fn a_file_is_no_folder() {
    let work = Workplace::new();
    work.write("notes.txt", "mine");
    let error = work.run("data synth micrograph -o notes.txt").refused();
    assert!(error.contains("notes.txt: not a directory; name a folder"), "{error}");
    assert_eq!(work.read("notes.txt"), "mine");
}
