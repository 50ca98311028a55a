//! Equality with pycocotools: on invented data (`tests/fixtures/eval`, written by
//! `tests/parity/make_eval_fixtures.py` alone), on COCO's own example where the shared data is
//! there, and on any data the script was pointed at. `-- --nocapture` prints the worst difference
//! of each.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use hotcoco::Dataset;
use kestrel_eval::{EvalOptions, Evaluation, MaskChoice, Scores, Truth, evaluate, read_results};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The twelve numbers are equal to the last bit; this is for the means taken over other orders of
/// summation (one class, one IoU), of at most 80 * 101 numbers below 1.
const MEAN_TOLERANCE: f64 = 1e-12;

/// EXPECTED.txt has 12 digits.
const TEXT_TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Expected {
    pycocotools: String,
    boxes: Numbers,
    masks: Numbers,
}

#[derive(Deserialize)]
struct Numbers {
    stats: [f64; 12],
    class_ap: Vec<Option<f64>>,
    class_ar: Vec<Option<f64>>,
    ap_at_iou: Vec<Option<f64>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn truth(path: &Path) -> Truth {
    let dataset: Dataset = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Truth::new(dataset).unwrap()
}

fn evaluation(truth_file: &Path, results: &Path, masks: MaskChoice) -> Evaluation {
    let truth = truth(truth_file);
    let results = read_results(results, &truth).unwrap();
    evaluate(&truth, results, &EvalOptions { masks, ..EvalOptions::default() }).unwrap()
}

/// The twelve, with pycocotools' -1 for what has no value.
fn twelve(scores: &Scores) -> [f64; 12] {
    scores.rows().map(|row| row.value.unwrap_or(-1.0))
}

fn worst_of(found: &[Option<f64>], expected: &[Option<f64>], what: &str) -> f64 {
    assert_eq!(found.len(), expected.len(), "{what}");
    let mut worst = 0.0f64;
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.is_some(), expected.is_some(), "{what} {index}");
        worst = worst.max((found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs());
    }
    assert!(worst <= MEAN_TOLERANCE, "{what}: {worst:e}");
    worst
}

fn check_scores(name: &str, scores: &Scores, expected: &Numbers) {
    let found = twelve(scores);
    let bits = |numbers: &[f64; 12]| numbers.map(f64::to_bits);
    assert_eq!(bits(&found), bits(&expected.stats), "{name}: {found:?}, {:?}", expected.stats);
    let class_ap: Vec<_> = scores.classes.iter().map(|class| class.ap).collect();
    let class_ar: Vec<_> = scores.classes.iter().map(|class| class.ar).collect();
    let ap_at_iou: Vec<_> = scores.ap_at_iou.iter().map(|at| at.ap).collect();
    let worst = worst_of(&class_ap, &expected.class_ap, "AP of a class")
        .max(worst_of(&class_ar, &expected.class_ar, "AR of a class"))
        .max(worst_of(&ap_at_iou, &expected.ap_at_iou, "AP at an IoU"));
    println!("{name}: twelve numbers equal to the last bit, means to {worst:.1e}");
}

fn check_folder(folder: &Path) {
    let file = |name: &str| folder.join(name);
    let expected: Expected =
        serde_json::from_slice(&std::fs::read(file("expected.json")).unwrap()).unwrap();
    assert_eq!(expected.pycocotools, "2.0.11");
    let found = evaluation(&file("truth.json"), &file("results.json"), MaskChoice::Always);
    let name = folder.file_name().unwrap().to_string_lossy();
    check_scores(&format!("{name}, boxes"), &found.boxes, &expected.boxes);
    check_scores(&format!("{name}, masks"), found.masks.as_ref().unwrap(), &expected.masks);
}

fn folders_of(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[test]
fn invented_data() {
    let folders = folders_of(&root().join("tests/fixtures/eval"));
    assert_eq!(folders.len(), 3, "{folders:?}");
    folders.iter().for_each(|folder| check_folder(folder));
}

#[test]
fn data_of_the_scripts_choice() {
    match std::env::var_os("KESTREL_EVAL_ORACLE") {
        Some(folder) => {
            folders_of(Path::new(&folder)).iter().for_each(|folder| check_folder(folder))
        }
        None => eprintln!("skipped: KESTREL_EVAL_ORACLE names no folder"),
    }
}

#[test]
fn cocos_own_example() {
    let folder = root().join("../shared/data/coco-eval-oracle");
    let Ok(text) = std::fs::read_to_string(folder.join("EXPECTED.txt")) else {
        eprintln!("skipped: no ../shared/data/coco-eval-oracle");
        return;
    };
    let mut compared = 0;
    for kind in ["bbox", "segm"] {
        let line = text.lines().find(|line| line.starts_with(kind)).unwrap();
        let (_, expected) = line.split_once("detections").unwrap();
        let results = folder.join(format!("instances_val2014_fake{kind}100_results.json"));
        let truth = folder.join("instances_val2014_100.json");
        let found = evaluation(&truth, &results, MaskChoice::IfPresent);
        let scores = if kind == "segm" { found.masks.as_ref().unwrap() } else { &found.boxes };
        assert_eq!(found.masks.is_some(), kind == "segm");
        for (row, expected) in scores.rows().iter().zip(expected.split_whitespace()) {
            let difference = (row.value.unwrap() - expected.parse::<f64>().unwrap()).abs();
            assert!(difference <= TEXT_TOLERANCE, "{kind} {}: {difference:e}", row.name);
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}
