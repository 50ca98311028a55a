//! Mask folders: a folder an image, with the picture in `images/` and one PNG an instance in `masks/`.
//!
//! Source: stage 1 of the Data Science Bowl 2018 (Caicedo et al., "Nucleus segmentation across imaging
//! experiments", Nature Methods 2019). Any pixel that is not 0 belongs to the instance. Masks that
//! overlap are kept as they are; one without pixels is a finding and no object.
//!
//! There is one class: `nucleus` where a folder's name speaks of nuclei or is one of the contest's,
//! else `object`.

use super::FormatError;
use super::assemble::{box_around, number_from_one};
use super::index_png::{IndexPicture, IndexPngError};
use super::locate::{listed, stem};
use super::split_folders::{files, name, split_folders};
use crate::dataset::{
    Category, CategoryId, Dataset, Finding, FindingKind, ImageRecord, Object, Outline, Place, Split,
};
use crate::inputs::PICTURE_EXTENSIONS;
use kestrel_core::Mask;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

const PICTURES: &str = "images";
const MASKS: &str = "masks";
const CLASS: CategoryId = CategoryId(1);
/// Words in a folder's name, in lower case, that tell what the instances are.
const NUCLEUS_WORDS: [&str; 4] = ["nuclei", "nucleus", "dsb2018", "stage1_train"];

/// Whether `root`, or a split in it, holds folders with pictures and masks.
pub(super) fn recognises(root: &Path) -> bool {
    !split_folders(root, is_set).is_empty()
}

/// Reads the masks of all splits.
///
/// # Errors
/// When there is no such set, or a folder cannot be listed.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let folders = split_folders(root, is_set);
    if folders.is_empty() {
        let found = format!("no folder that holds {PICTURES}/ and {MASKS}/");
        return Err(FormatError::Unknown { path: root.into(), found });
    }
    let class = class_name(root);
    folders.iter().map(|folder| read_split(&folder.name, &folder.path, class)).collect()
}

fn is_set(folder: &Path) -> bool {
    listed(folder).is_ok_and(|entries| entries.iter().any(|folder| is_image(folder)))
}

/// Whether a folder is one image: a split of many may have folders of the same names.
fn is_image(folder: &Path) -> bool {
    let pictures = folder.join(PICTURES);
    let has_one = || files(&pictures, PICTURE_EXTENSIONS).is_ok_and(|pictures| pictures.len() < 2);
    pictures.is_dir() && folder.join(MASKS).is_dir() && has_one()
}

/// What the name of the folder, or of the one it lies in, speaks of.
fn class_name(root: &Path) -> &'static str {
    // A root such as "." has no name of its own.
    let root = root.canonicalize().unwrap_or_else(|_| root.into());
    let names = root.ancestors().take(2).map(|path| name(path).to_lowercase());
    let says_nuclei = |name: String| NUCLEUS_WORDS.iter().any(|word| name.contains(word));
    if names.into_iter().any(says_nuclei) { "nucleus" } else { "object" }
}

fn read_split(name: &str, folder: &Path, class: &str) -> Result<Split, FormatError> {
    let mut folders = listed(folder)?;
    folders.retain(|image| image.join(PICTURES).is_dir());
    let read = folders.par_iter().map(|image| read_image(folder, image));
    let read = read.collect::<Result<Vec<_>, _>>()?;
    let categories = vec![Category { id: CLASS, name: class.into(), supercategory: None }];
    let mut dataset = Dataset { categories, images: Vec::new() };
    let mut findings = Vec::new();
    for (record, found) in read {
        dataset.images.push(record);
        findings.extend(found);
    }
    number_from_one(&mut dataset);
    Ok(Split { name: name.into(), dataset, findings })
}

/// The record of an image, yet without numbers, and what was wrong.
fn read_image(root: &Path, folder: &Path) -> Result<(ImageRecord, Vec<Finding>), FormatError> {
    let mut findings = Vec::new();
    let path = picture(folder)?;
    let mut objects = Vec::new();
    let mut stated_size = None;
    for file in mask_files(folder, &mut findings)? {
        match read_mask(&file) {
            Ok(mask) => {
                stated_size.get_or_insert(mask.size());
                match object(mask, &file) {
                    Some(object) => objects.push(object),
                    None => findings.push(empty_mask(&file)),
                }
            }
            Err(error) => findings.push(Finding {
                kind: FindingKind::InvalidMask,
                place: Place::file(file),
                detail: error.to_string(),
            }),
        }
    }
    let parts = path.strip_prefix(root).unwrap_or(&path).iter().map(|part| part.to_string_lossy());
    let name = parts.collect::<Vec<_>>().join("/");
    let place = Place::file(folder.join(MASKS));
    Ok((ImageRecord { id: 0, name, path, stated_size, objects, place }, findings))
}

/// The picture called like its folder, else the first, else where it should be.
fn picture(folder: &Path) -> Result<PathBuf, FormatError> {
    let mut pictures = files(&folder.join(PICTURES), PICTURE_EXTENSIONS)?;
    let id = name(folder);
    if let Some(place) = pictures.iter().position(|path| stem(path) == id) {
        return Ok(pictures.swap_remove(place));
    }
    let expected = || folder.join(PICTURES).join(format!("{id}.png"));
    Ok(pictures.into_iter().next().unwrap_or_else(expected))
}

fn mask_files(folder: &Path, findings: &mut Vec<Finding>) -> Result<Vec<PathBuf>, FormatError> {
    let masks = folder.join(MASKS);
    if masks.is_dir() {
        return files(&masks, &["png"]);
    }
    let detail = format!("found no folder {MASKS}/ beside {PICTURES}/; the image has no objects");
    findings.push(Finding {
        kind: FindingKind::MalformedAnnotation,
        place: Place::file(folder),
        detail,
    });
    Ok(Vec::new())
}

fn read_mask(file: &Path) -> Result<Mask, IndexPngError> {
    Ok(IndexPicture::read(file)?.foreground())
}

fn object(mask: Mask, file: &Path) -> Option<Object> {
    Some(Object {
        id: 0,
        category: CLASS,
        bbox: box_around(&mask)?,
        outline: Some(Outline::Mask(mask)),
        area: None,
        crowd: false,
        difficult: false,
        place: Place::file(file),
    })
}

fn empty_mask(file: &Path) -> Finding {
    let detail = "found no pixel above 0, expected those of one instance; it is no object".into();
    Finding { kind: FindingKind::EmptyMask, place: Place::file(file), detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::index_png::tests::{write_grey, write_png};
    use super::*;
    use crate::dataset::ObjectBox;
    use crate::{DecodeLimits, MicrographConfig, micrograph, write_picture};
    use kestrel_core::ImageSize;
    use png::{BitDepth, ColorType};
    use std::fs;
    use tempfile::TempDir;

    const SIZE: ImageSize = ImageSize::new(2, 3);

    fn folder(folders: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in folders {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        folder
    }

    /// Bytes of a mask in row order.
    fn bitmap(mask: &Mask) -> Vec<u8> {
        let mut bitmap = vec![0; mask.size().area()];
        for (x, top, end) in mask.column_runs() {
            for y in top..end {
                bitmap[y * mask.size().width + x] = 255;
            }
        }
        bitmap
    }

    #[test]
    fn drawn_nuclei_come_back_pixel_by_pixel() {
        let folder = folder(&[]);
        let root = folder.path().join("nuclei");
        let config = MicrographConfig { size: ImageSize::new(64, 80), ..Default::default() };
        let drawn: Vec<_> = (0..3).map(|seed| micrograph(&config, seed).unwrap()).collect();
        for (number, drawn) in drawn.iter().enumerate() {
            let image = root.join(format!("id{number}"));
            fs::create_dir_all(image.join(MASKS)).unwrap();
            fs::create_dir_all(image.join(PICTURES)).unwrap();
            write_picture(&image.join(format!("images/id{number}.png")), &drawn.image).unwrap();
            for (instance, mask) in drawn.nuclei.iter().enumerate() {
                let file = image.join(format!("masks/{instance:03}.png"));
                write_grey(&file, mask.size(), &bitmap(mask));
            }
        }
        assert!(recognises(&root));
        let splits = read(&root).unwrap();
        assert_eq!((splits.len(), splits[0].findings.len()), (1, 0));
        let dataset = &splits[0].dataset;
        assert_eq!(dataset.categories[0].name, "nucleus");
        for (index, drawn) in drawn.iter().enumerate() {
            let sample = dataset.sample(index, true, &DecodeLimits::default()).unwrap();
            assert_eq!(sample.image, drawn.image);
            assert_eq!(sample.target.masks().unwrap(), drawn.nuclei);
        }
        assert_eq!(dataset.images[2].name, "id2/images/id2.png");
    }

    #[test]
    fn overlapping_masks_stay_and_empty_ones_are_named() {
        let folder = folder(&["a/images", "a/masks"]);
        let masks = folder.path().join("a/masks");
        write_grey(&masks.join("1.png"), SIZE, &[1, 1, 0, 0, 0, 0]);
        write_grey(&masks.join("2.png"), SIZE, &[0, 255, 7, 0, 0, 0]);
        write_grey(&masks.join("3.png"), SIZE, &[0; 6]);
        write_png(
            &masks.join("4.png"),
            SIZE,
            ColorType::Rgba,
            BitDepth::Eight,
            &[0, 0, 0, 255].repeat(6),
        );
        fs::write(masks.join("5.png"), "no PNG").unwrap();
        let split = read(folder.path()).unwrap().remove(0);
        let image = &split.dataset.images[0];
        let boxes: Vec<_> = image.objects.iter().map(|it| (it.id, it.bbox)).collect();
        let expected = [
            (1, ObjectBox { x: 0.0, y: 0.0, width: 2.0, height: 1.0 }),
            (2, ObjectBox { x: 1.0, y: 0.0, width: 2.0, height: 1.0 }),
        ];
        assert_eq!(boxes, expected);
        assert_eq!((image.stated_size, image.name.as_str()), (Some(SIZE), "a/images/a.png"));
        let found: Vec<_> =
            split.findings.iter().map(|it| (it.kind, name(&it.place.file))).collect();
        let expected = [
            (FindingKind::EmptyMask, "3.png".to_owned()),
            (FindingKind::EmptyMask, "4.png".to_owned()),
            (FindingKind::InvalidMask, "5.png".to_owned()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_image_may_have_no_objects_but_not_no_masks() {
        let folder = folder(&["train/a/images", "train/a/masks", "train/b/images", "readme"]);
        assert!(recognises(folder.path()));
        let split = read(folder.path()).unwrap().remove(0);
        assert_eq!((split.name.as_str(), split.dataset.images.len()), ("train", 2));
        assert_eq!((split.dataset.num_objects(), split.findings.len()), (0, 1));
        assert_eq!(name(&split.findings[0].place.file), "b");
        assert_eq!(split.dataset.categories[0].name, "object");
    }

    #[test]
    fn other_folders_are_not_recognised() {
        let many = &["train/masks", "train/images/a.png", "train/images/b.png"][..];
        for folders in [&["images", "masks"][..], &["a/images"], &[], many] {
            let (pictures, folders): (Vec<_>, Vec<_>) =
                folders.iter().partition(|path| path.ends_with(".png"));
            let folder = folder(&[folders, vec!["train/images"]].concat());
            for picture in pictures {
                fs::write(folder.path().join(picture), "").unwrap();
            }
            assert!(!recognises(folder.path()));
            assert!(matches!(read(folder.path()), Err(FormatError::Unknown { .. })));
        }
    }
}
