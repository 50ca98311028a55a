//! Memory over many epochs; in a program of its own, since other tests take memory too.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use kestrel_data::augment::{Flip, ShortSide};
use kestrel_data::{Augmentation, Loader, LoaderConfig, LoaderRun, Sample, read_collection};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

const COCO_MINI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/coco-mini");

/// Bytes of the process in memory, on Linux with its usual pages of 4 KiB.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<u64>().ok()? * 4096)
}

#[test]
fn memory_does_not_grow_over_epochs() {
    if !Path::new(COCO_MINI).exists() || resident_bytes().is_none() {
        eprintln!("skipped: {COCO_MINI} or /proc/self/statm is not there");
        return;
    }
    let dataset = read_collection(Path::new(COCO_MINI)).unwrap().splits.remove(0).dataset;
    let sides = ShortSide { sizes: vec![240, 480], ..ShortSide::default() };
    let augment =
        vec![Augmentation::HorizontalFlip(Flip::default()), Augmentation::ShortSide(sides)];
    let config = LoaderConfig { augment, threads: 4, ..LoaderConfig::default() };
    let run = LoaderRun { num_epochs: 5, ..LoaderRun::one_epoch(1, true) };
    let keep = |samples: Vec<Sample>| Ok::<_, Infallible>(samples);
    let mut after_epoch = [0; 5];
    for loaded in Loader::new(Arc::new(dataset), &config, run, keep).unwrap() {
        assert!(loaded.batch.is_ok());
        after_epoch[loaded.position.epoch as usize] = resident_bytes().unwrap();
    }
    // Pictures kept would be 0.6 MB each, 120 MB an epoch. What the allocator holds for the five
    // batches of two that may exist, and for four decoders, moves by less than 40 MB.
    let grown = after_epoch[4].saturating_sub(after_epoch[0]);
    assert!(grown < 40 << 20, "resident after each epoch: {after_epoch:?}");
}
