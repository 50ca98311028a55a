//! Pascal VOC: one xml an image, and lists of names for the splits.
//!
//! Source: the development kit of the VOC 2012 challenge, sections 2 to 4
//! (<http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf>). Read are its layout
//! (`Annotations/`, `JPEGImages/`, `ImageSets/Main/train.txt`), xml beside the pictures, and either of
//! them within folders named after splits. Where `train` and `val` are listed, `trainval`, which is
//! both, is no further split; and what no list names is in none, as in VOC itself.
//!
//! Classes are those of a `labels.txt` beside the folders, which Kestrel and hotcoco write, and then
//! those found, by name; they are numbered from 1. What the coordinates mean is told in `boxes`.
//!
//! Difference from torchvision, which hands the xml over as it is: a picture belongs to the xml of
//! its name, whatever `filename` says, since annotators rename and copy files; where there is none,
//! `filename` may be the way to it from the xml. `part`s, poses and polygons are not read.

use super::FormatError;
use super::locate::{
    PicturesByStem, SplitName, SplitPlace, entries, files_with, folder_of, read_text, stem,
};
use super::split_folders::name;
use crate::{
    Category, CategoryId, Dataset, Finding, FindingKind, ImageRecord, Object, Place, Split,
};
use boxes::Origin;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use xml::Annotated;

pub(super) mod boxes;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod real_data_tests;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod xml;

/// A list of classes, one a line, in the order of their numbers.
pub(super) const LABELS: &str = "labels.txt";
/// The folder of the lists of names.
pub(super) const LISTS: &str = "ImageSets/Main";

/// Files of one split, not yet read.
struct Part {
    name: String,
    xmls: Vec<PathBuf>,
    /// Where its pictures may lie, best first.
    picture_folders: Vec<PathBuf>,
    /// Names in a list without an xml.
    findings: Vec<Finding>,
}

/// A split whose files are read and whose classes have no numbers yet.
struct Read {
    name: String,
    images: Vec<(PathBuf, Annotated)>,
    pictures: PicturesByStem,
    picture_folder: PathBuf,
    findings: Vec<Finding>,
}

/// Whether `root` holds VOC's xml in one of the layouts.
pub(super) fn recognises(root: &Path) -> bool {
    let is_whole = |folder: &Path| !xml_folder(folder).1.is_empty();
    is_whole(root) || split_folders(root).iter().any(|(_, folder)| is_whole(folder))
}

/// The splits of a folder.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let declared = declared_classes(root)?;
    Ok(numbered(parts(root)?.into_iter().map(Part::read).collect(), declared))
}

/// Splits of all xml in folders, with the classes that `root` declares.
pub(super) fn read_places(root: &Path, places: &[SplitPlace]) -> Result<Vec<Split>, FormatError> {
    let read = |place: &SplitPlace| {
        let mut part = Part::of_folder(place.annotations.as_deref().unwrap_or(root), &place.name);
        part.picture_folders.splice(..0, place.images.iter().cloned());
        part.read()
    };
    Ok(numbered(places.iter().map(read).collect(), declared_classes(root)?))
}

fn parts(root: &Path) -> Result<Vec<Part>, FormatError> {
    let whole = Part::of_folder(root, "all");
    if whole.xmls.is_empty() {
        let folders = split_folders(root);
        let parts = folders.iter().map(|(split, folder)| Part::of_folder(folder, split.as_str()));
        return Ok(parts.filter(|part| !part.xmls.is_empty()).collect());
    }
    let lists = lists(root);
    if lists.is_empty() {
        return Ok(vec![whole]);
    }
    lists.iter().map(|list| whole.listed(list)).collect()
}

/// Folders named after splits.
fn split_folders(root: &Path) -> Vec<(SplitName, PathBuf)> {
    let folders = entries(root).1.into_iter();
    folders.filter_map(|folder| Some((SplitName::of_path(&folder)?, folder))).collect()
}

/// The lists that are splits. Those of single classes are called `cat_train`.
fn lists(root: &Path) -> Vec<PathBuf> {
    let mut lists = files_with(&root.join(LISTS), &["txt"]);
    let is_of_class = |name: &str| {
        let end = name.rsplit_once('_').map(|(_, end)| end);
        end.is_some_and(|end| end == "trainval" || SplitName::from_word(end).is_some())
    };
    lists.retain(|list| !is_of_class(&stem(list)));
    let has = |name: &str| lists.iter().any(|list| stem(list) == name);
    if has("train") && has("val") {
        lists.retain(|list| stem(list) != "trainval");
    }
    lists
}

/// The folder with the xml, `root` or `Annotations` in it, and the xml.
fn xml_folder(root: &Path) -> (PathBuf, Vec<PathBuf>) {
    let is_annotations = |folder: &PathBuf| {
        folder.file_name().is_some_and(|name| name.eq_ignore_ascii_case("annotations"))
    };
    let inner = entries(root).1.into_iter().filter(is_annotations);
    let folders = inner.chain([root.to_path_buf()]);
    let mut with_files = folders.map(|folder| {
        let mut files = files_with(&folder, &["xml"]);
        files.retain(|file| !xml::is_of_another_kind(file));
        (folder, files)
    });
    with_files.find(|(_, files)| !files.is_empty()).unwrap_or_default()
}

/// The classes of `labels.txt`, if there is one.
fn declared_classes(root: &Path) -> Result<Vec<String>, FormatError> {
    let path = root.join(LABELS);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let names = read_text(&path)?;
    Ok(names.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

impl Part {
    /// All xml of a folder.
    fn of_folder(root: &Path, split: &str) -> Self {
        let (folder, xmls) = xml_folder(root);
        let beside = ["JPEGImages", "images", "Images", "imgs"].map(|name| root.join(name));
        let picture_folders = beside.into_iter().chain([root.to_path_buf(), folder]);
        let picture_folders = picture_folders.filter(|folder| folder.is_dir()).collect();
        Self { name: split.into(), xmls, picture_folders, findings: Vec::new() }
    }

    /// Those of its xml that a list names: the first word of a line, VOC's own lists of classes have
    /// a second.
    fn listed(&self, list: &Path) -> Result<Self, FormatError> {
        let by_stem: BTreeMap<String, &PathBuf> =
            self.xmls.iter().map(|xml| (stem(xml), xml)).collect();
        let mut part = Self {
            name: SplitName::of_path(list)
                .map_or_else(|| stem(list), |split| split.as_str().into()),
            xmls: Vec::new(),
            picture_folders: self.picture_folders.clone(),
            findings: Vec::new(),
        };
        for (line, text) in (1..).zip(read_text(list)?.lines()) {
            let Some(name) = text.split_whitespace().next() else { continue };
            match by_stem.get(name).or_else(|| by_stem.get(&stem(Path::new(name)))) {
                Some(xml) => part.xmls.push(xml.to_path_buf()),
                None => part.findings.push(Finding {
                    kind: FindingKind::MalformedAnnotation,
                    place: Place::line(list, line),
                    detail: format!("`{name}` is listed, expected an xml of that name"),
                }),
            }
        }
        Ok(part)
    }

    fn read(self) -> Read {
        let images = self.xmls.into_par_iter().map(|path| {
            let annotated = xml::read(&path);
            (path, annotated)
        });
        Read {
            images: images.collect(),
            pictures: PicturesByStem::of(&self.picture_folders),
            picture_folder: self.picture_folders.into_iter().next().unwrap_or_default(),
            name: self.name,
            findings: self.findings,
        }
    }
}

/// Gives the classes numbers and the boxes their meaning, which both take the whole set to tell.
fn numbered(reads: Vec<Read>, declared: Vec<String>) -> Vec<Split> {
    let objects = || reads.iter().flat_map(|read| &read.images).flat_map(|(_, xml)| &xml.objects);
    let origin = Origin::of(objects().map(|object| object.corners));
    let found: BTreeSet<&str> = objects().map(|object| object.class.as_str()).collect();
    let mut names: Vec<String> = Vec::new();
    for name in declared.iter().map(String::as_str).chain(found) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let ids: BTreeMap<&str, CategoryId> =
        names.iter().map(String::as_str).zip((1..).map(CategoryId)).collect();
    let category = |(name, &id): (&&str, &CategoryId)| Category {
        id,
        name: (*name).to_owned(),
        supercategory: None,
    };
    let mut categories: Vec<Category> = ids.iter().map(category).collect();
    categories.sort_by_key(|category| category.id);
    reads.iter().map(|read| read.split(&categories, &ids, origin)).collect()
}

impl Read {
    fn split(
        &self,
        categories: &[Category],
        ids: &BTreeMap<&str, CategoryId>,
        origin: Origin,
    ) -> Split {
        let mut findings = self.findings.clone();
        let mut object_ids = 1..;
        let mut images = Vec::with_capacity(self.images.len());
        for (image_id, (file, annotated)) in (1..).zip(&self.images) {
            findings.extend(annotated.findings.iter().cloned());
            let mut record = self.record(image_id, file, annotated);
            record.objects = annotated
                .objects
                .iter()
                .zip(&mut object_ids)
                .map(|(object, id)| {
                    let bbox = origin.to_box(object.corners);
                    let place = Place::line(file, object.line);
                    let category = ids.get(object.class.as_str()).copied().unwrap_or_default();
                    let difficult = object.difficult;
                    Object {
                        id,
                        category,
                        bbox,
                        outline: None,
                        area: None,
                        crowd: false,
                        difficult,
                        place,
                    }
                })
                .collect();
            images.push(record);
        }
        let dataset = Dataset { categories: categories.to_vec(), images };
        Split { name: self.name.clone(), dataset, findings }
    }

    /// The image of an xml, without its objects.
    fn record(&self, id: u64, file: &Path, annotated: &Annotated) -> ImageRecord {
        let named = annotated.filename.as_deref().map(|name| name.replace('\\', "/"));
        let stem_of_name = named.as_deref().map(|name| stem(Path::new(name)));
        let found = self.pictures.get(&stem(file));
        let found = found.or_else(|| self.pictures.get(stem_of_name.as_deref()?));
        let last = named.as_deref().and_then(|name| name.rsplit('/').next());
        let followed = || {
            let way = named.clone()?;
            let path = folder_of(file).join(&way);
            path.is_file().then_some((path, way))
        };
        let within_folder = |path: PathBuf| {
            let name = name(&path);
            (path, name)
        };
        let expected = || last.map_or_else(|| stem(file) + ".jpg", str::to_owned);
        let (path, name) = found
            .map(|picture| within_folder(picture.to_path_buf()))
            .or_else(followed)
            .unwrap_or_else(|| within_folder(self.picture_folder.join(expected())));
        let stated_size = annotated.size;
        ImageRecord { id, name, path, stated_size, objects: Vec::new(), place: Place::file(file) }
    }
}
