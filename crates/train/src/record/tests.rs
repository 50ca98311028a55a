//! Runs that are killed, taken up again, and looked at.

use super::*;
use crate::error::TrainError;
use kestrel_core::{BBox, Categories, Detection, Detections, ImageSize, Label, RgbImage, Target};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn numbers<const N: usize>(values: [(&str, f64); N]) -> BTreeMap<String, f64> {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn step(step: u64) -> Metric {
    let loss = 3.0 / (step as f64).sqrt();
    Metric::Step {
        step,
        epoch: step / 10,
        lr: 0.02,
        losses: numbers([("loss", loss), ("loss_mask", loss / 3.0)]),
        grad_norm: 1.5,
        images_per_sec: 12.25,
        memory_bytes: Some(3 << 30),
    }
}

fn look(step: u64) -> Metric {
    Metric::Validation {
        step,
        epoch: 1,
        losses: BTreeMap::new(),
        scores: numbers([("box_ap", 0.25)]),
        secs: 2.0,
    }
}

fn metrics(folder: &Path) -> Vec<Metric> {
    let log = read_log(&folder.join(LOG_FILE)).unwrap();
    log.lines.into_iter().map(|line| line.metric).collect()
}

fn event_file(folder: &Path) -> std::path::PathBuf {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut events = names.filter(|path| path.to_str().unwrap().contains("tfevents"));
    let only = events.next().unwrap();
    assert_eq!(events.next(), None);
    only
}

#[test]
fn a_run_taken_up_again_drops_what_it_does_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Recorder::open(folder.path(), 0).unwrap();
    for metric in [step(1), step(20), look(20), step(40), step(60)] {
        first.write(&metric).unwrap();
    }
    let (before, old_events) =
        (fs::read(event_file(folder.path())).unwrap(), event_file(folder.path()));
    drop(first);
    let mut second = Recorder::open(folder.path(), 40).unwrap();
    assert_eq!(metrics(folder.path()), [step(1), step(20), look(20), step(40)]);
    second.write(&step(60)).unwrap();
    assert_eq!(metrics(folder.path()), [step(1), step(20), look(20), step(40), step(60)]);
    // Equal but for the moment the file began and the last line came.
    assert_ne!(event_file(folder.path()), old_events);
    assert_eq!(fs::read(event_file(folder.path())).unwrap().len(), before.len());
    Recorder::open(folder.path(), 0).unwrap();
    assert_eq!(metrics(folder.path()), []);
}

#[test]
fn records_of_a_run_are_where_they_are_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("runs/a");
    let mut recorder = Recorder::open(&inner, 0).unwrap();
    recorder.write(&look(5)).unwrap();
    recorder.finish().unwrap();
    recorder.write_sheet(&[], &Categories::numbered(2), 0.5).unwrap();
    let events = event_file(&inner).file_name().unwrap().to_str().unwrap().to_owned();
    let names: Vec<String> = fs::read_dir(&inner)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(names, [CURVES_FILE, &events, LOG_FILE, SHEET_FILE]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_log_cut_off_anywhere_keeps_its_whole_lines(cut in 0usize..700, junk in any::<[u8; 3]>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE);
        let mut recorder = Recorder::open(folder.path(), 0).unwrap();
        let all = [step(1), step(2), step(3)];
        all.iter().for_each(|metric| recorder.write(metric).unwrap());
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(cut);
        let whole = bytes.iter().filter(|&&byte| byte == b'\n').count();
        bytes.extend(junk.iter().filter(|&&byte| byte != b'\n'));
        fs::write(&path, &bytes).unwrap();
        prop_assert!(read_log(&path).unwrap().num_torn <= 1);
        Recorder::open(folder.path(), 9).unwrap();
        prop_assert_eq!(metrics(folder.path()), all[..whole].to_vec());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), 0).unwrap();
    recorder.redirect_log(Path::new("/dev/full"));
    let error: TrainError = recorder.write(&step(1)).unwrap_err();
    let message = error.to_string();
    assert!(message.contains(LOG_FILE) && message.contains("No space left"), "{message}");
    assert!(message.contains("free space"), "{message}");
}

#[test]
fn a_folder_that_is_a_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = Recorder::open(&file, 0).unwrap_err().to_string();
    assert!(message.starts_with(file.to_str().unwrap()), "{message}");
}

fn measured(metrics: impl IntoIterator<Item = Metric>) -> Vec<Measured> {
    metrics.into_iter().map(|metric| Measured { unix_secs: 0.0, metric }).collect()
}

#[test]
fn curves_can_be_drawn_of_anything() {
    let empty = draw_curves(&[]);
    let mut odd = step(3);
    if let Metric::Step { losses, lr, .. } = &mut odd {
        *lr = 0.0;
        losses.insert("loss".into(), f64::NAN);
        losses.insert("loss_mask".into(), -1e30);
    }
    for lines in [measured([step(1)]), measured([odd]), measured([look(0), look(7)])] {
        assert_ne!(draw_curves(&lines), empty);
    }
    let many = measured((1..3000).map(step));
    assert_eq!(draw_curves(&many), draw_curves(&many));
}

#[test]
fn a_sheet_shows_truth_and_answer_side_by_side() {
    let size = ImageSize::new(40, 60);
    let bbox = BBox::new(5.0, 5.0, 30.0, 30.0);
    let object = |score| Detection { bbox, label: Label(1), score, mask: None };
    let looked = Looked {
        name: "a.png".into(),
        image: RgbImage::filled(size, [90; 3]),
        target: Target::new(size, vec![bbox], vec![Label(1)], None).unwrap(),
        detections: Detections { image_size: size, objects: vec![object(0.9), object(0.2)] },
    };
    let names = Categories::numbered(2);
    let sheet = |pictures: &[Looked], score| draw_sheet(pictures, &names, score);
    let one = sheet(std::slice::from_ref(&looked), 0.5);
    assert_ne!(one, sheet(std::slice::from_ref(&looked), 0.95));
    assert!(one.size().width > 2 * 240);
    let none = Looked { detections: Detections { image_size: size, objects: vec![] }, ..looked };
    let none = [none];
    assert_ne!(sheet(&none, 0.5), one);
    assert!(sheet(&[], 0.5).size().height < 40);
}
