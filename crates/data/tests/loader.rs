//! Loading real pictures, where `../shared/data/coco-mini` lies beside the workspace.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use kestrel_core::ImageSize;
use kestrel_data::augment::{
    Blur, CopyPaste, Flip, Noise, Photometric, RandomCrop, Rotate, Rotate90, ScaleJitter,
};
use kestrel_data::{
    Augmentation, BatchOrderConfig, Dataset, Loader, LoaderConfig, LoaderRun, Sample,
    read_collection,
};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

const COCO_MINI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/coco-mini");

fn coco_mini() -> Option<Arc<Dataset>> {
    if !Path::new(COCO_MINI).exists() {
        eprintln!("skipped: {COCO_MINI} is not there");
        return None;
    }
    let mut collection = read_collection(Path::new(COCO_MINI)).unwrap();
    Some(Arc::new(collection.splits.remove(0).dataset))
}

fn augment() -> Vec<Augmentation> {
    let size = ImageSize::new(256, 256);
    vec![
        Augmentation::HorizontalFlip(Flip::default()),
        Augmentation::VerticalFlip(Flip::default()),
        Augmentation::RandomCrop(RandomCrop::default()),
        Augmentation::ScaleJitter(ScaleJitter { size, ..ScaleJitter::default() }),
        Augmentation::Rotate90(Rotate90::default()),
        Augmentation::Rotate(Rotate::default()),
        Augmentation::CopyPaste(CopyPaste::default()),
        Augmentation::Photometric(Photometric::default()),
        Augmentation::Blur(Blur::default()),
        Augmentation::Noise(Noise::default()),
    ]
}

fn digest(samples: Vec<Sample>) -> Result<String, Infallible> {
    let mut hash = Sha256::new();
    for sample in samples {
        hash.update(sample.image.pixels());
        hash.update(format!("{} {} {:?}", sample.image_id, sample.image.size(), sample.target));
    }
    Ok(format!("{:x}", hash.finalize()))
}

#[test]
fn one_two_and_four_threads_give_the_same_bytes() {
    let Some(dataset) = coco_mini() else { return };
    let digests = |threads: usize, seed: u64| -> Vec<String> {
        let batches = BatchOrderConfig { batch_size: 4, ..BatchOrderConfig::default() };
        let config = LoaderConfig { batches, augment: augment(), threads, prefetch: 4 };
        let run = LoaderRun::one_epoch(seed, true);
        let loader = Loader::new(Arc::clone(&dataset), &config, run, digest).unwrap();
        let loaded = loader.inspect(|loaded| assert!(loaded.unreadable.is_empty()));
        loaded.map(|loaded| loaded.batch.unwrap()).collect()
    };
    let alone = digests(1, 3);
    assert_eq!(alone.len(), 54);
    assert_eq!(digests(2, 3), alone);
    assert_eq!(digests(4, 3), alone);
    assert!(digests(4, 4).iter().all(|digest| !alone.contains(digest)));
}
