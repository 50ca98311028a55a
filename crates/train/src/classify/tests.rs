//! A tiny classifier on drawn pictures of two colours.

use super::*;
use crate::{BUILT_IN, Ending, Event, Observer, Plan, RunFolder, Source, resolve, run};
use kestrel_core::{Categories, ImageSize, RgbImage};
use kestrel_data::{Augmentation, ObjectBox, write_picture};
use kestrel_resnet::{ClassifierModel, InputConfig, Variant, top_k};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Reddish and bluish squares, noisy so that no two are alike.
fn drawn(folder: &Path, count: u64) {
    for (class, red) in [("blue", false), ("red", true)] {
        for number in 0..count {
            let path = folder.join(class).join(format!("{number}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let level = |place: u64| ((place * 7 + number * 31) % 90) as u8;
            let pixel = |place| match red {
                true => [150 + level(place), level(place), level(place)],
                false => [level(place), level(place), 150 + level(place)],
            };
            let pixels = (0..20 * 24).flat_map(pixel).collect();
            let picture = RgbImage::new(ImageSize::new(20, 24), pixels).unwrap();
            write_picture(&path, &picture).unwrap();
        }
    }
}

fn config(folder: &Path) -> TrainConfig {
    let source = Source::File(CLASSIFY_CONFIG.as_ref());
    let mut config: TrainConfig = resolve(source, &[], BUILT_IN).unwrap().value;
    config.data.path = Some(folder.into());
    config.model.architecture.backbone =
        ResNetConfig { blocks: [1; 4], base_channels: 8, ..Variant::ResNet18.config() };
    config.classify.input_side = Some(32);
    if let Augmentation::RandomResizedCrop(crop) = &mut config.loader.augment[0] {
        crop.side = 32;
    }
    config.loader.batches.batch_size = 8;
    config.loader.threads = 0;
    (config.train.steps, config.train.schedule.warmup_steps) = (Some(12), 2);
    (config.train.lr, config.train.lr_batch_size) = (0.05, None);
    config
}

struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event<'_>) -> Result<(), TrainError> {
        Ok(())
    }

    fn wants_stop(&self) -> bool {
        false
    }
}

fn trained(config: &TrainConfig, folder: &TempDir) -> (RunFolder, Ending) {
    let folder = RunFolder::new(folder.path());
    let data = ClassificationData::open(config, folder.path(), false, &|_| ()).unwrap();
    let task = ClassificationTask::new(config, &data, Device::Cpu).unwrap();
    let plan = Plan::new(config, &data.train).unwrap();
    let train = Arc::new(data.train);
    let ending = run(&task, &train, config, &plan, &folder, &mut Quiet).unwrap();
    (folder, ending)
}

#[test]
fn two_colours_are_learnt_and_the_file_says_so() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 20);
    let runs = tempfile::tempdir().unwrap();
    let (folder, ending) = trained(&config(pictures.path()), &runs);
    assert_eq!(ending, Ending::Finished { step: 12 });
    let weights = StateDict::read(&folder.model()).unwrap();
    let metadata = ClassifierMetadata::of(&weights, None, InputConfig::default()).unwrap();
    assert_eq!(metadata.classes, ["blue", "red"]);
    assert_eq!(metadata.architecture.input, InputConfig::square(32));
    assert_eq!(metadata.notes["score.accuracy"], "1");
    let model = ClassifierModel::load(&metadata.architecture, &weights, Device::Cpu).unwrap();
    let red = RgbImage::filled(ImageSize::new(50, 40), [190, 40, 40]);
    let found = top_k(&model.classify(&[red]).unwrap()[0], 1)[0];
    assert_eq!(metadata.classes[found.class], "red");
}

#[test]
fn a_detector_starts_from_the_file() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 6);
    let runs = tempfile::tempdir().unwrap();
    let mut config = config(pictures.path());
    config.train.steps = Some(1);
    let (folder, _) = trained(&config, &runs);
    let weights = StateDict::read(&folder.model()).unwrap();
    let mut architecture = config.model.architecture.clone();
    architecture.num_classes = Categories::numbered(3).len();
    let store = tch::nn::VarStore::new(Device::Cpu);
    let _detector = architecture.build(&store.root());
    let variables: BTreeMap<String, Tensor> = store.variables().into_iter().collect();
    let report = start::take_over(&variables, &weights, "backbone.body.").unwrap();
    let body = variables.keys().filter(|name| name.starts_with("backbone.body."));
    assert_eq!((report.num_taken, report.other_shape.len()), (body.count(), 0));
}

#[test]
fn one_picture_is_a_batch_and_none_is_no_loss() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 4);
    let runs = tempfile::tempdir().unwrap();
    let config = config(pictures.path());
    let data = ClassificationData::open(&config, runs.path(), false, &|_| ()).unwrap();
    let task = ClassificationTask::new(&config, &data, Device::Cpu).unwrap();
    let mut draw = Draw::of_step(0, 1);
    let sample = data.train.sample(0, false, &kestrel_data::DecodeLimits::default()).unwrap();
    for samples in [vec![sample], Vec::new()] {
        let losses = task.backward(&task.batches.make(samples), &mut draw, 1.0).unwrap();
        assert!(losses[0].1.is_finite(), "{losses:?}");
    }
    let is_finite = |tensor: &Tensor| tensor.isfinite().all().int64_value(&[]) == 1;
    assert!(task.variables().values().all(is_finite));
}

#[test]
fn the_data_decides_the_side_and_a_lone_class_is_refused() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 4);
    let runs = tempfile::tempdir().unwrap();
    let mut config = config(pictures.path());
    config.classify.input_side = None;
    let data = ClassificationData::open(&config, runs.path(), false, &|_| ()).unwrap();
    assert!(data.settle(&mut config) && !data.settle(&mut config));
    assert_eq!(config.classify.input_side, Some(64));
    assert_eq!(ClassifyConfig::training_side(&config.loader.augment, 9), 64);
    fs::remove_dir_all(pictures.path().join("red")).unwrap();
    assert!(ClassificationData::open(&config, runs.path(), false, &|_| ()).is_err());
}

/// Class folders as one COCO file in `to`, with other boxes.
fn as_coco(pictures: &Path, to: &Path, change: impl Fn(&mut ObjectBox)) -> PathBuf {
    let coco = to.join("all.json");
    let read = kestrel_data::read_collection(pictures).unwrap();
    let mut dataset = read.splits[0].dataset.clone().named_from(to);
    let objects = dataset.images.iter_mut().flat_map(|image| &mut image.objects);
    objects.for_each(|object| change(&mut object.bbox));
    kestrel_data::write_coco(&dataset, &coco).unwrap();
    coco
}

#[test]
fn class_folders_that_were_converted_are_still_whole_pictures() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 3);
    let runs = tempfile::tempdir().unwrap();
    let coco = as_coco(pictures.path(), runs.path(), |_| ());
    let data = ClassificationData::open(&config(&coco), runs.path(), false, &|_| ()).unwrap();
    assert_eq!(data.classes(), ["blue", "red"]);
    assert!(data.crops.is_none() && data.train.images[0].path.is_file());
}

/// Boxes that are not the whole picture are cut out, and the part held back before is scored on.
#[test]
fn objects_that_are_cut_out_are_held_back_with_their_pictures() {
    let pictures = tempfile::tempdir().unwrap();
    drawn(pictures.path(), 8);
    let runs = tempfile::tempdir().unwrap();
    let coco = as_coco(pictures.path(), runs.path(), |bbox| {
        *bbox = ObjectBox::from_corners(1.0, 1.0, 23.0, 19.0);
    });
    // No name of a folder.
    let text = fs::read_to_string(&coco).unwrap().replace("\"red\"", "\"red/rot\"");
    fs::write(&coco, text).unwrap();
    for (share, is_scored) in [(0.25, true), (0.0, false)] {
        let folder = runs.path().join(share.to_string());
        let mut config = config(&coco);
        config.data.val_share = Some(share);
        for goes_on in [false, true] {
            let data = ClassificationData::open(&config, &folder, goes_on, &|_| ()).unwrap();
            assert_eq!(data.val.is_some(), is_scored);
            assert_eq!(data.classes(), ["blue", "red/rot"]);
        }
        let error = ClassificationData::open(&config, &folder, false, &|_| ()).unwrap_err();
        assert!(error.to_string().contains("found a folder where the objects"), "{error}");
    }
}
