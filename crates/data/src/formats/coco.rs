//! COCO json: one file a split with lists of images, annotations and categories.
//!
//! Source: the COCO data format (<https://cocodataset.org/#format-data>), and the file names of
//! COCO itself (`annotations/instances_val2017.json`) and of Roboflow
//! (`valid/_annotations.coco.json`).
//!
//! Difference from pycocotools: one bad record is a finding and the rest is read, ids may be written
//! as `1.0`, and `area`, `iscrowd` and, where there is a shape, `bbox` may be missing. A `difficult`
//! mark, which some converters from Pascal VOC write, is read as VOC's.

use super::FormatError;
use super::locate::{
    ImageFolders, Lines, SplitName, distinct, entries, files_with, folder_of, has_extension,
    read_text, stem,
};
use crate::{Category, Dataset, Finding, FindingKind, ImageRecord, Place, Split};
use document::{Content, Document};
use rayon::prelude::*;
use record::{Annotation, Problem, Rejected};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

mod document;
mod export;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::print_stderr)]
mod real_data_tests;
mod record;
mod segmentation;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

/// Whether `root` is a COCO file or a folder with one.
pub(super) fn recognises(root: &Path) -> bool {
    !annotation_files(root).is_empty()
}

/// The splits of a file or folder, each named after its file or the folder around it.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let files = annotation_files(root);
    let names = split_names(&files);
    files.iter().zip(names).map(|(file, name)| read_split(file, &name, &[])).collect()
}

/// One file. Its pictures lie in one of `image_folders`, or where COCO sets usually have them.
pub(super) fn read_split(
    file: &Path,
    split: &str,
    image_folders: &[PathBuf],
) -> Result<Split, FormatError> {
    let text = read_text(file)?;
    let document = Document::parse(&text, file)?;
    let mut report = Report { file, lines: Lines::new(&text), findings: Vec::new() };
    let categories = read_categories(&document, &mut report);
    let candidates = image_folders.iter().cloned().chain(usual_image_folders(file));
    let mut images = read_images(&document, ImageFolders::new(candidates), &mut report);
    read_annotations(&document, &mut images, &mut report);
    let dataset = Dataset { categories, images };
    Ok(Split { name: split.into(), dataset, findings: report.findings })
}

/// What was wrong with the records of a file.
struct Report<'t> {
    file: &'t Path,
    lines: Lines<'t>,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn add(&mut self, record: &RawValue, annotation: Option<u64>, problem: Problem) {
        let line = Some(self.lines.line_of(record.get()));
        let place = Place { file: self.file.into(), line, annotation };
        self.findings.push(Finding { kind: problem.kind, place, detail: problem.detail });
    }

    /// A record without an id to find it by: it is number `index`, from 0, of a list.
    fn add_numbered(&mut self, record: &RawValue, list: &str, index: usize, problem: Problem) {
        let detail = format!("`{list}` number {}: {}", index + 1, problem.detail);
        self.add(record, None, Problem { detail, ..problem });
    }
}

fn read_categories(document: &Document, report: &mut Report) -> Vec<Category> {
    let mut categories = Vec::new();
    for (index, raw) in document.categories.iter().enumerate() {
        match record::category(raw) {
            Ok(category) => categories.push(category),
            Err(problem) => report.add_numbered(raw, "categories", index, problem),
        }
    }
    categories.sort_by_key(|category| category.id);
    categories
}

fn read_images(
    document: &Document,
    mut folders: ImageFolders,
    report: &mut Report,
) -> Vec<ImageRecord> {
    let mut images = Vec::with_capacity(document.images.len());
    for (index, raw) in document.images.iter().enumerate() {
        match record::image(raw) {
            Ok(image) => {
                if let Some(problem) = image.lacking {
                    report.add_numbered(raw, "images", index, problem);
                }
                images.push(ImageRecord {
                    id: image.id,
                    path: folders.path_of(&image.name),
                    name: image.name,
                    stated_size: image.stated_size,
                    objects: Vec::new(),
                    place: Place::file(report.file),
                });
            }
            Err(problem) => report.add_numbered(raw, "images", index, problem),
        }
    }
    images
}

/// Gives each image its objects. Of images that share an id the first gets them.
fn read_annotations(document: &Document, images: &mut [ImageRecord], report: &mut Report) {
    let mut index_of_id = HashMap::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        index_of_id.entry(image.id).or_insert(index);
    }
    let file = report.file;
    let read: Vec<Result<Annotation, Rejected>> =
        document.annotations.par_iter().map(|raw| record::annotation(raw, file)).collect();
    for (index, (raw, annotation)) in document.annotations.iter().zip(read).enumerate() {
        match annotation {
            Ok(Annotation { image_id, object, lacking }) => {
                let id = Some(object.id);
                lacking.into_iter().for_each(|problem| report.add(raw, id, problem));
                match index_of_id.get(&image_id) {
                    Some(&index) => images[index].objects.push(object),
                    None => report.add(raw, id, without_image(image_id)),
                }
            }
            Err(Rejected { id: None, problem }) => {
                report.add_numbered(raw, "annotations", index, problem);
            }
            Err(Rejected { id, problem }) => report.add(raw, id, problem),
        }
    }
}

fn without_image(image_id: u64) -> Problem {
    let detail = format!("`image_id` is {image_id}, expected the id of one of the images read");
    Problem { kind: FindingKind::MalformedAnnotation, detail }
}

/// The COCO files of a folder: beside its pictures, else in `annotations/`, else one a sub-folder.
fn annotation_files(root: &Path) -> Vec<PathBuf> {
    if root.is_file() {
        let is_coco = has_extension(root, &["json"]) && document::look(root) != Content::Other;
        return if is_coco { vec![root.into()] } else { Vec::new() };
    }
    let subfolders = entries(root).1;
    let annotations = subfolders.iter().filter(|folder| {
        folder.file_name().is_some_and(|name| name.eq_ignore_ascii_case("annotations"))
    });
    let in_one = std::iter::once(root).chain(annotations.map(PathBuf::as_path));
    in_one
        .map(files_of_folder)
        .find(|files| !files.is_empty())
        .unwrap_or_else(|| subfolders.iter().flat_map(|folder| files_of_folder(folder)).collect())
}

/// The COCO files that lie in one folder. Looked into are those with a name such files have, and a
/// json that is alone: a folder may as well hold thousands of LabelMe's.
fn files_of_folder(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_with(folder, &["json"]);
    let is_alone = files.len() == 1;
    files.retain(|file| match (document::look(file), is_named_like_coco(&stem(file))) {
        (Content::Coco, is_named) => is_named || is_alone,
        (Content::Broken, is_named) => is_named,
        (Content::Other, _) => false,
    });
    // Beside `instances_*` COCO has the captions and key points of the same pictures.
    if files.iter().any(|file| is_instances(file)) {
        files.retain(|file| is_instances(file));
    }
    files
}

fn is_instances(file: &Path) -> bool {
    stem(file).starts_with("instances")
}

fn is_named_like_coco(stem: &str) -> bool {
    SplitName::within(stem).is_some() || is_general(stem)
}

/// Whether a name tells the format alone, not the split.
fn is_general(stem: &str) -> bool {
    let mut words = stem.split(|c: char| !c.is_alphanumeric());
    words.any(|word| ["instances", "annotations", "annotation", "coco", "labels"].contains(&word))
}

/// Names for the splits in `files`: by the word for a split in the file's name or its folder's, by
/// the whole of either where that gives two files one name.
fn split_names(files: &[PathBuf]) -> Vec<String> {
    let schemes: [fn(&Path) -> String; 3] = [
        |file| match SplitName::within(&stem(file)).or_else(|| SplitName::of_path(file.parent()?)) {
            Some(split) => split.as_str().into(),
            None if is_general(&stem(file)) => "all".into(),
            None => stem(file),
        },
        stem,
        |file| file.parent().map(stem).unwrap_or_default(),
    ];
    let by_scheme = schemes.map(|name| files.iter().map(|file| name(file)).collect::<Vec<_>>());
    let found = by_scheme.into_iter().find(|names| distinct(names));
    found.unwrap_or_else(|| files.iter().map(|file| file.display().to_string()).collect())
}

/// Around `annotations/instances_val2017.json`, around `val.json`, and beside a file of any name.
fn usual_image_folders(file: &Path) -> Vec<PathBuf> {
    let folder = folder_of(file);
    let above = match folder.file_name() {
        Some(_) => folder_of(&folder),
        None => folder.join(".."),
    };
    let bases = [folder, above];
    let name = stem(file);
    let mut within = vec![name.strip_prefix("instances_").unwrap_or(&name).to_owned()];
    let aliases = SplitName::within(&name).map(SplitName::aliases).unwrap_or_default();
    within.extend(aliases.iter().map(|&alias| alias.to_owned()));
    within.extend(within.clone().into_iter().map(|name| format!("images/{name}")));
    within.extend(["images", "JPEGImages", "data"].map(str::to_owned));
    let nested = bases.iter().flat_map(|base| within.iter().map(|name| base.join(name)));
    std::iter::once(bases[0].clone()).chain(nested).chain([bases[1].clone()]).collect()
}
