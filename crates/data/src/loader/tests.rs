//! A loader over small drawn pictures; real ones are in `tests/`.

use super::*;
use crate::augment::{Flip, Noise};
use crate::{Category, CategoryId, ImageRecord, Object, ObjectBox, Place, write_picture};
use kestrel_core::{ImageSize, RgbImage};
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Pictures of 6x8 pixels and one object each, in a folder of their own.
struct Drawn {
    folder: TempDir,
    dataset: Arc<Dataset>,
}

fn drawn(num_images: u64) -> Drawn {
    let folder = tempfile::tempdir().unwrap();
    let image = |id: u64| {
        let path = folder.path().join(format!("{id}.png"));
        let pixels = (0..144).map(|place| (place * (id + 1)) as u8).collect();
        write_picture(&path, &RgbImage::new(ImageSize::new(6, 8), pixels).unwrap()).unwrap();
        ImageRecord {
            id,
            name: format!("{id}.png"),
            path,
            stated_size: Some(ImageSize::new(6, 8)),
            objects: vec![object()],
            place: Place::default(),
        }
    };
    let categories =
        vec![Category { id: CategoryId(3), name: "thing".into(), supercategory: None }];
    let images = (0..num_images).map(image).collect();
    let dataset = Arc::new(Dataset { categories, images });
    Drawn { folder, dataset }
}

fn object() -> Object {
    Object {
        id: 1,
        category: CategoryId(3),
        bbox: ObjectBox { x: 1.0, y: 1.0, width: 4.0, height: 3.0 },
        outline: None,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::default(),
    }
}

fn config(threads: usize) -> LoaderConfig {
    let augment =
        vec![Augmentation::HorizontalFlip(Flip::default()), Augmentation::Noise(Noise::default())];
    LoaderConfig { augment, threads, ..LoaderConfig::default() }
}

fn run(num_epochs: u64) -> LoaderRun {
    LoaderRun { num_epochs, ..LoaderRun::one_epoch(5, false) }
}

/// All batches of a run with their positions.
fn batches(drawn: &Drawn, threads: usize, run: LoaderRun) -> Vec<(LoaderPosition, Vec<Sample>)> {
    let keep = Ok::<_, Infallible>;
    let loader = Loader::new(Arc::clone(&drawn.dataset), &config(threads), run, keep).unwrap();
    loader.map(|loaded| (loaded.position, loaded.batch.unwrap())).collect()
}

#[test]
fn threads_change_nothing_and_epochs_differ() {
    let drawn = drawn(11);
    let here = batches(&drawn, 0, run(3));
    assert_eq!(here.len(), 3 * 6);
    for threads in [1, 2, 4] {
        assert_eq!(batches(&drawn, threads, run(3)), here, "{threads} threads");
    }
    let ids = |epoch: usize| -> Vec<u64> {
        let batches = &here[epoch * 6..(epoch + 1) * 6];
        batches.iter().flat_map(|(_, samples)| samples).map(|sample| sample.image_id).collect()
    };
    assert_ne!(ids(0), ids(1));
    let mut sorted = ids(2);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..11).collect::<Vec<_>>());
}

#[test]
fn a_run_taken_up_again_is_the_tail() {
    let drawn = drawn(11);
    let whole = batches(&drawn, 2, run(3));
    for used in [0, 1, 5, 6, 7, 17, 18] {
        let mut loader =
            Loader::new(Arc::clone(&drawn.dataset), &config(2), run(3), Ok::<_, Infallible>)
                .unwrap();
        assert_eq!(loader.by_ref().take(used).count(), used);
        let rest = LoaderRun { start_at: loader.position(), ..run(3) };
        drop(loader);
        assert_eq!(batches(&drawn, 2, rest), whole[used..], "after {used}");
    }
    let after_the_end = LoaderPosition { epoch: 3, batch: 0 };
    assert!(batches(&drawn, 1, LoaderRun { start_at: after_the_end, ..run(3) }).is_empty());
}

#[test]
fn no_images_are_no_batches() {
    for threads in [0, 2] {
        assert!(batches(&drawn(0), threads, run(u64::MAX)).is_empty());
        assert!(batches(&drawn(3), threads, run(0)).is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_named_beside_the_rest() {
    let drawn = drawn(4);
    let broken = drawn.folder.path().join("2.png");
    std::fs::write(&broken, b"no picture").unwrap();
    for threads in [0, 3] {
        let mut config = config(threads);
        config.batches.batch_size = 4;
        let loader =
            Loader::new(Arc::clone(&drawn.dataset), &config, run(1), Ok::<_, Infallible>).unwrap();
        let mut loaded: Vec<_> = loader.collect();
        assert_eq!(loaded.len(), 1);
        let Loaded { batch, unreadable, .. } = loaded.remove(0);
        let mut ids: Vec<u64> = batch.unwrap().iter().map(|sample| sample.image_id).collect();
        ids.sort_unstable();
        assert_eq!(ids, [0, 1, 3]);
        assert_eq!((unreadable.len(), unreadable[0].image_id), (1, 2));
        assert_eq!(unreadable[0].path, broken);
        assert!(unreadable[0].to_string().contains("2.png"), "{}", unreadable[0]);
    }
}

#[test]
fn a_batch_without_a_readable_picture_is_an_error() {
    let drawn = drawn(2);
    for record in &drawn.dataset.images {
        std::fs::remove_file(&record.path).unwrap();
    }
    let mut loader =
        Loader::new(Arc::clone(&drawn.dataset), &config(1), run(1), Ok::<_, Infallible>).unwrap();
    let loaded = loader.next().unwrap();
    assert!(matches!(loaded.batch, Err(BatchError::NoPicture { found: 2 })));
    assert_eq!(loaded.unreadable.len(), 2);
    assert!(loader.next().is_none());
}

#[test]
fn a_panic_and_an_error_of_the_caller_come_out_in_place() {
    let drawn = drawn(6);
    for threads in [0, 1, 3] {
        let collate = |samples: Vec<Sample>| {
            assert!(!samples.iter().any(|sample| sample.image_id == 2), "image 2 is a bug");
            match samples.iter().any(|sample| sample.image_id == 5) {
                true => Err(SampleTooOdd),
                false => Ok(samples.len()),
            }
        };
        let mut config = config(threads);
        config.batches = BatchOrderConfig { batch_size: 1, shuffle: false, ..config.batches };
        let loader = Loader::new(Arc::clone(&drawn.dataset), &config, run(1), collate).unwrap();
        let seen: Vec<String> = loader
            .map(|loaded| loaded.batch.map_or_else(|error| error.to_string(), |n| n.to_string()))
            .collect();
        let panicked = "making the batch panicked: image 2 is a bug";
        assert_eq!(seen, ["1", "1", panicked, "1", "1", "too odd"], "{threads} threads");
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too odd")]
struct SampleTooOdd;

/// How many batches exist.
#[derive(Default)]
struct Census {
    alive: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
}

/// One of them.
struct Counted(Arc<Census>);

impl Counted {
    fn new(census: &Arc<Census>) -> Self {
        census.begun.fetch_add(1, Ordering::SeqCst);
        let alive = census.alive.fetch_add(1, Ordering::SeqCst) + 1;
        census.most.fetch_max(alive, Ordering::SeqCst);
        Self(Arc::clone(census))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

fn counting(
    drawn: &Drawn,
    config: &LoaderConfig,
    census: &Arc<Census>,
) -> Loader<Counted, Infallible> {
    let census = Arc::clone(census);
    let collate = move |_| Ok(Counted::new(&census));
    Loader::new(Arc::clone(&drawn.dataset), config, run(u64::MAX), collate).unwrap()
}

#[test]
fn batches_do_not_pile_up_before_a_slow_caller() {
    let drawn = drawn(20);
    for (threads, prefetch) in [(1, 1), (4, 1), (4, 3), (2, 8)] {
        let census = Arc::new(Census::default());
        let config = LoaderConfig { prefetch, ..config(threads) };
        let mut loader = counting(&drawn, &config, &census);
        for _ in 0..30 {
            let _used = loader.next().unwrap();
            thread::sleep(Duration::from_millis(1));
        }
        let most = census.most.load(Ordering::SeqCst);
        assert!(most <= prefetch + 1, "{most} with {threads} threads, prefetch {prefetch}");
        drop(loader);
        assert_eq!(census.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn batches_do_not_pile_up_behind_a_slow_batch() {
    let drawn = drawn(20);
    let census = Arc::new(Census::default());
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let collate = {
        let (census, gate) = (Arc::clone(&census), Arc::clone(&gate));
        move |_| {
            let batch = Counted::new(&census);
            if census.begun.load(Ordering::SeqCst) == 1 {
                drop(gate.lock());
            }
            Ok::<_, Infallible>(batch)
        }
    };
    let config = LoaderConfig { prefetch: 3, ..config(4) };
    let dataset = Arc::clone(&drawn.dataset);
    let mut loader = Loader::new(dataset, &config, run(u64::MAX), collate).unwrap();
    while census.begun.load(Ordering::SeqCst) < 3 {
        thread::yield_now();
    }
    // Long enough for a fourth batch, if anything let it begin.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(census.begun.load(Ordering::SeqCst), 3);
    drop(closed);
    assert!(loader.by_ref().take(10).all(|loaded| loaded.batch.is_ok()));
}

#[test]
fn a_loader_dropped_in_the_middle_leaves_nothing_behind() {
    let drawn = drawn(20);
    for used in [0, 1, 7] {
        let census = Arc::new(Census::default());
        let mut loader = counting(&drawn, &config(4), &census);
        assert_eq!(loader.by_ref().take(used).count(), used);
        drop(loader);
        assert_eq!(census.alive.load(Ordering::SeqCst), 0);
        // The threads held the other counts.
        assert_eq!((Arc::strong_count(&census), Arc::strong_count(&drawn.dataset)), (1, 1));
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let drawn = drawn(1);
    let refused = |config: LoaderConfig| {
        let loader = Loader::new(Arc::clone(&drawn.dataset), &config, run(1), Ok::<_, Infallible>);
        loader.map_or_else(|error| error.to_string(), |_| "accepted".into())
    };
    let message = refused(LoaderConfig { prefetch: 0, ..LoaderConfig::default() });
    assert_eq!(message, "loader prefetch: found 0, expected at least 1");
    assert!(refused(config(5000)).contains("threads: found 5000"));
    let flip = Augmentation::VerticalFlip(Flip { probability: 2.0 });
    let message = refused(LoaderConfig { augment: vec![flip], ..LoaderConfig::default() });
    assert!(message.contains("vertical_flip"), "{message}");
}

#[test]
fn a_config_reads_as_it_is_documented() {
    let yaml = "batches: {batch_size: 8, repeat_threshold: 0.001}\naugment:\n- noise: {}\n";
    let text = serde_yaml::Deserializer::from_str(yaml);
    let config: LoaderConfig =
        serde_yaml::with::singleton_map_recursive::deserialize(text).unwrap();
    assert_eq!((config.batches.batch_size, config.batches.repeat_threshold), (8, Some(0.001)));
    assert_eq!(config.augment, [Augmentation::Noise(Noise::default())]);
    assert_eq!(config.prefetch, 4);
}
