//! `kestrel detect` with a trained model of the bundled one's kind, against what torchvision 0.26 found
//! with the same weights in the same 40 tiles.

use crate::results::{Difference, Found, Picture, pictures};
use crate::support::{Workplace, root, shared};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Of a score: the same float32 sums in another order differ by some 1e-6 here; 1e-3 is what a
/// user could notice.
const SCORE_TOLERANCE: f32 = 1e-3;
/// Of a box's edge, in pixels: a hundredth of the smallest nucleus. Rounding gives some 1e-4.
const EDGE_TOLERANCE: f32 = 0.05;
/// A mask is a probability cut at one half: where that is one half to rounding, a pixel of a small
/// nucleus may change sides.
const SMALLEST_IOU: f64 = 0.99;
/// Over all masks such pixels must be rare.
const MEAN_IOU: f64 = 0.999;

/// The bundled model's, but that torchvision's saw pictures as they are.
fn architecture() -> String {
    let yaml = fs::read_to_string(root().join("models/nuclei.yaml")).unwrap();
    yaml.replace("min_size: 416", "min_size: 256").replace("max_size: 832", "max_size: 512")
}

/// What torchvision found, and where.
struct Oracle {
    tiles: Vec<PathBuf>,
    expected: BTreeMap<String, Vec<Found>>,
    weights: PathBuf,
}

impl Oracle {
    fn open() -> Option<Self> {
        let folder = shared("oracle/nuclei")?;
        let pictures = shared("data/nuclei256/val")?;
        let tiles = fs::read_to_string(folder.join("tiles.txt")).unwrap();
        let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
        Some(Self {
            tiles: tiles.lines().map(|name| pictures.join(name)).collect(),
            expected: serde_json::from_str(&expected).unwrap(),
            weights: folder.join("model.pth"),
        })
    }

    /// The weights as one float32 file.
    fn convert(&self, work: &Workplace) {
        work.write("nuclei.yaml", architecture());
        let weights = self.weights.to_str().unwrap();
        let arguments = ["model", "convert", weights, "--float", "f32", "-o", "nuclei.safetensors"];
        work.run_with(arguments.into_iter().chain(["--architecture", "nuclei.yaml"])).done();
    }

    /// What `kestrel detect` finds in the first `count` tiles, with further arguments.
    fn detect(&self, work: &Workplace, count: usize, arguments: &str) -> String {
        let tiles = self.tiles.iter().take(count).map(|tile| tile.to_str().unwrap());
        let arguments = ["detect"].into_iter().chain(arguments.split(' ')).chain(tiles);
        work.run_with(arguments).done().stdout
    }

    #[track_caller]
    fn compare(&self, found: &[Picture]) -> Difference {
        let mut difference = Difference::NONE;
        for picture in found {
            let expected = &self.expected[picture.name()];
            difference.add(&picture.detections, expected, picture.name());
        }
        difference
    }
}

#[track_caller]
fn assert_the_same(difference: &Difference) {
    let (smallest_iou, mean_iou) = (difference.smallest_iou(), difference.mean_iou());
    eprintln!(
        "{} masks: score {:e}, edge {:e} px, IoU {smallest_iou} to mean {mean_iou}",
        difference.mask_ious.len(),
        difference.largest_score,
        difference.largest_edge
    );
    assert!(difference.largest_score <= SCORE_TOLERANCE);
    assert!(difference.largest_edge <= EDGE_TOLERANCE);
    assert!(smallest_iou >= SMALLEST_IOU && mean_iou >= MEAN_IOU);
}

#[test]
fn finds_what_torchvision_finds() {
    let Some(oracle) = Oracle::open() else { return };
    let work = Workplace::new();
    oracle.convert(&work);
    let text = oracle.detect(&work, oracle.tiles.len(), "--model nuclei.safetensors -o -");
    let found = pictures(&text);
    assert_eq!(found.len(), 40);
    let objects: usize = found.iter().map(|picture| picture.detections.len()).sum();
    assert!(objects > 500, "{objects} objects are no test");
    assert!(found[0].detections.iter().all(|found| found.category.as_deref() == Some("class 1")));
    assert_the_same(&oracle.compare(&found));
}

/// The same weights, straight from the checkpoint: the same bytes.
#[test]
fn a_checkpoint_and_its_architecture_do_as_well() {
    let Some(oracle) = Oracle::open() else { return };
    let work = Workplace::new();
    oracle.convert(&work);
    let direct = format!("--model {} --architecture nuclei.yaml", oracle.weights.display());
    let direct = oracle.detect(&work, 8, &direct);
    assert_the_same(&oracle.compare(&pictures(&direct)));
    assert_eq!(direct, oracle.detect(&work, 8, "--model nuclei.safetensors"));
}

/// Pictures of a batch share a padded tensor. These tiles are of one size and need no padding, so
/// all that can change is the order of sums, and the tolerances of one by one hold.
#[test]
fn sixteen_bits_find_nearly_the_same() {
    let work = Workplace::new();
    work.run("data synth micrograph --count 2 -o drawn").done();
    let found = ["float32", "bfloat16"].map(|precision| {
        pictures(&work.run(&format!("detect drawn --precision {precision}")).done().stdout)
    });
    let counts = found
        .map(|pictures| -> usize { pictures.iter().map(|picture| picture.detections.len()).sum() });
    let [exact, near] = counts;
    // A score at the threshold may fall on the other side: it moves in the third digit.
    assert!(exact > 50 && exact.abs_diff(near) <= 3, "{counts:?}");
}

#[test]
fn a_batch_gives_the_same() {
    let Some(oracle) = Oracle::open() else { return };
    let work = Workplace::new();
    oracle.convert(&work);
    let text = oracle.detect(&work, oracle.tiles.len(), "--model nuclei.safetensors --batch 4");
    let found = pictures(&text);
    assert_eq!(found.len(), 40);
    assert_the_same(&oracle.compare(&found));
}

/// The same command gives the same bytes. Another number of threads may not: libtorch splits its
/// 1x1 convolutions by it, and so adds in another order. Rounding is all it may change.
#[test]
fn the_number_of_threads_changes_rounding_alone() {
    let Some(oracle) = Oracle::open() else { return };
    let work = Workplace::new();
    let [one, two, again] = ["1", "2", "2"]
        .map(|threads| oracle.detect(&work, 10, &format!("--model nuclei --threads {threads}")));
    assert!(two == again, "two runs of one command differ");
    let (one, two) = (pictures(&one), pictures(&two));
    assert_eq!((one.len(), two.len()), (10, 10));
    let mut difference = Difference::NONE;
    for (one, two) in one.iter().zip(&two) {
        difference.add(&one.detections, &two.detections, two.name());
    }
    assert_the_same(&difference);
}
