//! Crops of drawn pictures in which each object has a colour of its own.

use super::*;
use crate::{
    Category, CategoryId, Dataset, Format, ImageRecord, Object, ObjectBox, Place, read_collection,
};
use kestrel_core::RgbImage;
use tempfile::TempDir;

const SIZE: ImageSize = ImageSize::new(60, 80);

fn object(category: u64, [x1, y1, x2, y2]: [f64; 4]) -> Object {
    Object {
        id: 1,
        category: CategoryId(category),
        bbox: ObjectBox::from_corners(x1, y1, x2, y2),
        outline: None,
        area: None,
        crowd: false,
        difficult: false,
        place: Place::default(),
    }
}

/// One picture a list of objects; white, and black where objects are.
fn collection(folder: &Path, classes: &[&str], images: &[Vec<Object>]) -> Collection {
    let category = |(id, name): (u64, &&str)| Category {
        id: CategoryId(id),
        name: (*name).to_owned(),
        supercategory: None,
    };
    let record = |(id, objects): (u64, &Vec<Object>)| {
        let path = folder.join(format!("{id}.png"));
        let mut picture = RgbImage::filled(SIZE, [255; 3]);
        for ObjectBox { x, y, width, height } in objects.iter().map(|object| object.bbox) {
            for row in y as usize..(y + height) as usize {
                let start = 3 * (row * SIZE.width + x as usize);
                picture.pixels_mut()[start..start + 3 * width as usize].fill(0);
            }
        }
        write_picture(&path, &picture).unwrap();
        ImageRecord {
            id,
            name: format!("{id}.png"),
            path,
            stated_size: Some(SIZE),
            objects: objects.clone(),
            place: Place::default(),
        }
    };
    let categories = (1..).zip(classes).map(category).collect();
    let dataset = Dataset { categories, images: (1..).zip(images).map(record).collect() };
    let split = Split { name: "all".into(), dataset, findings: Vec::new() };
    Collection { format: Format::Coco, root: folder.into(), splits: vec![split] }
}

fn written(collection: &Collection, config: &CropsConfig) -> (TempDir, CropsSummary) {
    let folder = tempfile::tempdir().unwrap();
    let summary = write_crops(collection, &folder.path().join("crops"), config, &|_| ()).unwrap();
    (folder, summary)
}

#[test]
fn objects_come_back_as_a_class_folder_set() {
    let pictures = tempfile::tempdir().unwrap();
    let images = [
        vec![object(1, [10.0, 10.0, 30.0, 20.0]), object(2, [50.0, 0.0, 53.0, 4.0])],
        vec![object(2, [60.0, 40.0, 80.0, 60.0])],
    ];
    let set = collection(pictures.path(), &["a/b", "disc"], &images);
    let config = CropsConfig { margin: 0.25, background_ratio: Some(0.0), ..Default::default() };
    let (folder, summary) = written(&set, &config);
    assert_eq!((summary.num_too_small, summary.unreadable.len()), (1, 0));
    let counts = BTreeMap::from([("a/b".to_owned(), 1), ("disc".to_owned(), 1)]);
    assert_eq!(summary.splits, [("all".to_owned(), counts)]);
    let read = read_collection(&folder.path().join("crops")).unwrap();
    let dataset = &read.splits[0].dataset;
    assert_eq!((read.format, dataset.images.len()), (Format::ClassFolders, 2));
    assert_eq!(dataset.label_names().names(), ["background", "a_b", "disc"]);
    // 20 pixels and a quarter of it on both sides; the second one is moved off the corner.
    let sizes: Vec<_> = dataset.images.iter().map(|image| image.stated_size.unwrap()).collect();
    assert_eq!(sizes, [ImageSize::new(30, 30); 2]);
    let corner = decode(&dataset.images[1].path, &DecodeLimits::default()).unwrap();
    assert_eq!((corner.pixels()[0], corner.pixels().last()), (255, Some(&0)));
}

#[test]
fn background_shows_no_object_and_equal_seeds_give_equal_files() {
    let pictures = tempfile::tempdir().unwrap();
    let images = vec![vec![object(1, [10.0, 10.0, 26.0, 26.0]); 3]; 4];
    let set = collection(pictures.path(), &["cell"], &images);
    let (folder, summary) = written(&set, &CropsConfig::default());
    assert_eq!(
        summary.splits[0].1,
        BTreeMap::from([("background".into(), 12), ("cell".into(), 12)])
    );
    let read = read_collection(&folder.path().join("crops")).unwrap();
    let background = &read.splits[0].dataset.images[..12];
    let mut places = BTreeSet::new();
    for image in background {
        assert!(image.name.starts_with("background/"), "{}", image.name);
        let picture = decode(&image.path, &DecodeLimits::default()).unwrap();
        let dark = picture.pixels().iter().filter(|&&value| value == 0).count();
        assert!(
            dark as f32 <= MAX_DARK * picture.pixels().len() as f32,
            "{dark} in {}",
            image.name
        );
        places.insert(picture.pixels().to_vec());
    }
    let (again, _) = written(&set, &CropsConfig::default());
    for image in &read.splits[0].dataset.images {
        let other = again.path().join("crops").join(&image.name);
        assert_eq!(fs::read(&image.path).unwrap(), fs::read(other).unwrap());
    }
}

/// A corner of an object may be seen.
const MAX_DARK: f32 = 0.05;

#[test]
fn what_is_too_large_is_shrunk_and_what_cannot_be_read_is_named() {
    let pictures = tempfile::tempdir().unwrap();
    let images = [vec![object(1, [0.0, 0.0, 80.0, 60.0])], vec![object(1, [0.0, 0.0, 9.0, 9.0])]];
    let set = collection(pictures.path(), &["cell"], &images);
    fs::write(pictures.path().join("2.png"), "no picture").unwrap();
    let config = CropsConfig { max_side_px: 40, ..Default::default() };
    let (folder, summary) = written(&set, &config);
    assert_eq!(summary.unreadable.len(), 1);
    assert!(summary.unreadable[0].1.contains("2.png"), "{:?}", summary.unreadable);
    let crop = folder.path().join("crops/cell/1_0_0.png");
    let crop = decode(&crop, &DecodeLimits::default()).unwrap();
    assert_eq!(crop.size(), ImageSize::new(30, 40));
}

#[test]
fn no_objects_and_full_folders_are_refused_and_leave_nothing() {
    let pictures = tempfile::tempdir().unwrap();
    let set = collection(pictures.path(), &["cell"], &[Vec::new()]);
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, config: &CropsConfig| {
        write_crops(&set, path, config, &|_| ()).unwrap_err().to_string()
    };
    let error = refused(&folder.path().join("crops"), &CropsConfig::default());
    assert!(error.contains("no object to cut out"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::write(folder.path().join("old"), "").unwrap();
    let error = refused(folder.path(), &CropsConfig::default());
    assert!(error.contains("name another one"), "{error}");
    let config = CropsConfig { margin: -1.0, ..Default::default() };
    assert!(refused(folder.path(), &config).contains("margin is -1; expected 0 to 10"));
}

#[cfg(unix)]
#[test]
fn a_link_to_an_empty_folder_is_filled_and_stays() {
    let pictures = tempfile::tempdir().unwrap();
    let set = collection(pictures.path(), &["cell"], &[vec![object(1, [0.0, 0.0, 9.0, 9.0])]]);
    let root = tempfile::tempdir().unwrap();
    let (folder, link) = (root.path().join("folder"), root.path().join("link"));
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    write_crops(&set, &link, &CropsConfig::default(), &|_| ()).unwrap();
    assert!(link.is_symlink() && folder.join("cell/1_0_0.png").is_file());
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing hidden stays");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "cell and background");
}

/// Both were written into `site_1`.
#[test]
fn splits_are_not_mixed_in_one_folder() {
    let pictures = tempfile::tempdir().unwrap();
    let objects = vec![object(1, [0.0, 0.0, 9.0, 9.0])];
    let mut set = collection(pictures.path(), &["cell"], &[objects]);
    set.splits.push(set.splits[0].clone());
    for (split, name) in set.splits.iter_mut().zip(["site/1", "site_1"]) {
        split.name = name.into();
    }
    let (folder, _) = written(&set, &CropsConfig::default());
    for split in ["site_1", "site_1_2"] {
        assert!(
            folder.path().join("crops").join(split).join("cell/1_0_0.png").is_file(),
            "{split}"
        );
    }
}
