//! Data that leaves something to be desired: a clear message, or a run that works.

use crate::scene::{Notes, collection, config, drawn, train};
use kestrel_data::{Dataset, Outline};
use kestrel_train::{DataConfig, Ending, MaskUse, TrainError, TrainingData};
use std::fs;

const NOTHING_HELD_BACK: DataConfig = DataConfig {
    path: None,
    train: None,
    val: None,
    val_share: Some(0.0),
    val_group: None,
    masks: MaskUse::IfPresent,
};

/// The ending of a short run on a data set after a change.
fn after(
    num_images: u64,
    data: &DataConfig,
    change: impl FnOnce(&mut Dataset),
) -> Result<(Ending, Notes), TrainError> {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = drawn(folder.path(), num_images);
    change(&mut dataset);
    let mut config = config();
    config.data = data.clone();
    config.train.steps = Some(4);
    let data = TrainingData::of(collection([("all", dataset)]), data, 0)?;
    let mut notes = Notes::default();
    let ending = train(&config, &data, &folder.path().join("run"), &mut notes)?;
    Ok((ending, notes))
}

fn works(num_images: u64, change: impl FnOnce(&mut Dataset)) -> Notes {
    let (ending, notes) = after(num_images, &NOTHING_HELD_BACK, change).unwrap();
    assert_eq!(ending, Ending::Finished { step: 4 });
    assert!(notes.losses().iter().all(|(_, loss)| loss.is_finite()));
    notes
}

fn fails(change: impl FnOnce(&mut Dataset)) -> String {
    after(3, &NOTHING_HELD_BACK, change).err().unwrap().to_string()
}

#[test]
fn one_image_and_one_class_work() {
    works(1, |_| {});
    works(2, |dataset| {
        dataset.categories.truncate(1);
        let only = dataset.categories[0].id;
        for image in &mut dataset.images {
            image.objects.iter_mut().for_each(|object| object.category = only);
        }
    });
}

#[test]
fn no_objects_at_all_work() {
    works(3, |dataset| dataset.images.iter_mut().for_each(|image| image.objects.clear()));
}

#[test]
fn some_images_without_objects_work() {
    works(4, |dataset| dataset.images[1].objects.clear());
}

#[test]
fn faulty_objects_are_left_out() {
    works(3, |dataset| {
        let objects = &mut dataset.images[0].objects;
        objects[0].bbox.width = 0.0;
        objects[1].bbox.x = f64::NAN;
        dataset.images[1].objects[0].bbox.x = 1e9;
        dataset.images[1].objects[1].category.0 = 77;
        dataset.images[2].objects[0].outline = Some(Outline::Polygons(vec![vec![1.0, 2.0]]));
        dataset.images[2].objects[1].crowd = true;
    });
}

#[test]
fn unreadable_pictures_are_named_and_left_out() {
    let notes = works(3, |dataset| {
        fs::write(&dataset.images[0].path, b"no picture").unwrap();
        dataset.images[1].path = "nowhere.png".into();
    });
    assert!(notes.num_unreadable > 0);
}

#[test]
fn a_set_of_nothing_but_unreadable_pictures_ends_the_run() {
    let error = fails(|dataset| {
        for image in &mut dataset.images {
            image.path = "nowhere.png".into();
        }
    });
    assert!(error.contains("step 1") && error.contains("nowhere.png"), "{error}");
}

#[test]
fn no_images_and_no_classes_are_said() {
    assert!(fails(|dataset| dataset.images.clear()).contains("no image to learn from"));
    assert!(fails(|dataset| dataset.categories.clear()).contains("no class"));
}

#[test]
fn masks_are_learnt_where_they_are() {
    let boxes_only = |dataset: &mut Dataset| {
        for image in &mut dataset.images {
            image.objects.iter_mut().for_each(|object| object.outline = None);
        }
    };
    let has_mask_loss = |notes: &Notes| match &notes.metrics[0] {
        kestrel_train::record::Metric::Step { losses, .. } => losses.contains_key("loss_mask"),
        kestrel_train::record::Metric::Validation { .. } => false,
    };
    assert!(has_mask_loss(&works(3, |_| {})));
    assert!(!has_mask_loss(&works(3, boxes_only)));
    // A crowd is not learnt, with or without an outline.
    assert!(!has_mask_loss(&works(3, |dataset| {
        boxes_only(dataset);
        dataset.images[0].objects[0].crowd = true;
    })));
    let never = DataConfig { masks: MaskUse::Never, ..NOTHING_HELD_BACK };
    assert!(!has_mask_loss(&after(3, &never, |_| {}).unwrap().1));
    let always = DataConfig { masks: MaskUse::Always, ..NOTHING_HELD_BACK };
    let error = after(3, &always, boxes_only).err().unwrap().to_string();
    assert!(error.contains("have no outline"), "{error}");
}

#[test]
fn ground_truth_that_cannot_be_scored_against_is_refused_before_the_first_step() {
    let half = DataConfig { val_share: Some(0.5), ..NOTHING_HELD_BACK };
    let twice = |dataset: &mut Dataset| {
        for image in &mut dataset.images {
            image.objects[1].id = image.objects[0].id;
        }
    };
    let error = after(4, &half, twice).err().unwrap().to_string();
    assert!(error.contains("ground truth") && error.contains("kestrel data check"), "{error}");
}

#[test]
fn pictures_to_be_scored_on_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, mut val) = (drawn(folder.path(), 4), drawn(folder.path(), 2));
    val.images[0].path = "nowhere.png".into();
    let both = collection([("train", whole), ("val", val)]);
    let data = TrainingData::of(both, &DataConfig::default(), 0).unwrap();
    let mut notes = Notes::default();
    train(&config(), &data, &folder.path().join("run"), &mut notes).unwrap();
    // At both looks.
    assert_eq!(notes.num_unreadable, 2);
}

#[test]
fn a_lone_split_called_val_is_not_scored_on_itself() {
    let folder = tempfile::tempdir().unwrap();
    let only = || collection([("val", drawn(folder.path(), 10))]);
    let data = TrainingData::of(only(), &DataConfig::default(), 0).unwrap();
    assert_eq!((data.train.images.len(), data.val.unwrap().images.len()), (9, 1));
    // Unless that is asked for.
    let itself = DataConfig { val: Some("val".to_owned()), ..DataConfig::default() };
    let data = TrainingData::of(only(), &itself, 0).unwrap();
    assert_eq!(data.val.unwrap().images.len(), 10);
}

#[test]
fn splits_are_chosen_by_name_and_share_their_classes() {
    let folder = tempfile::tempdir().unwrap();
    let whole = drawn(folder.path(), 4);
    let mut val = whole.clone();
    val.images.truncate(1);
    // The same names under other numbers, and one class more.
    for (category, id) in val.categories.iter_mut().zip([50, 40, 30, 20, 10]) {
        category.id.0 = id;
    }
    val.images[0].objects.iter_mut().for_each(|object| object.category.0 = 50);
    let mut other = val.categories[0].clone();
    (other.id.0, other.name) = (1, "star".to_owned());
    val.categories.push(other);
    let both = || collection([("train", whole.clone()), ("val", val.clone())]);
    let data = TrainingData::of(both(), &DataConfig::default(), 0).unwrap();
    let val = data.val.unwrap();
    assert_eq!(val.categories, data.train.categories);
    assert_eq!(val.categories.len(), 6);
    let disc = data.train.categories.iter().find(|category| category.name == "disc").unwrap();
    assert!(val.images[0].objects.iter().all(|object| object.category == disc.id));

    let missing = DataConfig { val: Some("validation".to_owned()), ..DataConfig::default() };
    let error = TrainingData::of(both(), &missing, 0).unwrap_err().to_string();
    assert!(error.contains("data.val") && error.contains("`train`"), "{error}");
    let held_back = DataConfig { val_share: Some(0.25), ..DataConfig::default() };
    let data = TrainingData::of(both(), &held_back, 0).unwrap();
    assert_eq!((data.train.images.len(), data.val.unwrap().images.len()), (3, 1));
}
