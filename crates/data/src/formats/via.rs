//! VIA: the JSON of the VGG Image Annotator, one file for all images.
//!
//! Source: A. Dutta, A. Zisserman, "The VIA Annotation Software for Images, Audio and Video", ACM
//! Multimedia 2019, and the files of its versions 1 and 2. A file is a map of images, or a project
//! that holds that map as `_via_img_metadata`; `regions` is a list, or in version 1 a map by number.
//! Version 3 has another layout and is not read.
//!
//! What becomes of each shape is told in [`super::marked`], which attribute is the class in
//! [`class`]. A picture lies beside the file or in `images/` beside or above it.

mod class;
mod region;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use super::FormatError;
use super::locate::{SplitName, by_use, stem};
use super::marked::{self, MarkedImage, MarkedObject, MarkedSplit};
use super::marking_json::{kind, kind_at, locate, read_bytes, read_map, text, with_slashes};
use super::split_folders::{WHOLE, files, split_folders};
use crate::dataset::{Finding, FindingKind, Place, Split};
use class::ClassAttribute;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

const EXPECTED: &str = "a VIA file: a map of images with \"filename\" and \"regions\"";
/// What the names of a project's own settings begin with.
const SETTING: &str = "_via_";
const IMAGES: &str = "_via_img_metadata";
const PICTURE_FOLDERS: [&str; 2] = ["images", "../images"];

/// Whether `root` is a VIA file, or it or a split in it holds one. A name does not tell, so the
/// first entry of each JSON file is looked at.
pub(super) fn recognises(root: &Path) -> bool {
    !sources(root).is_empty()
}

/// Reads all VIA files; one that stands in a folder with others is a split.
///
/// # Errors
/// When there is none, or one is no JSON.
pub(super) fn read(root: &Path) -> Result<Vec<Split>, FormatError> {
    let sources = sources(root);
    if sources.is_empty() {
        return Err(FormatError::Unknown { path: root.into(), found: "no VIA json".into() });
    }
    let files = sources.into_iter().map(ViaFile::read).collect::<Result<Vec<_>, _>>()?;
    let regions = files.iter().flat_map(|file| &file.images).flat_map(|image| &image.regions);
    let attribute = ClassAttribute::of(regions.filter_map(|region| region.value.as_object()));
    Ok(marked::splits(files.into_iter().map(|file| file.marked(&attribute)).collect()))
}

/// A file and the split it stands for.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    split: String,
    path: PathBuf,
}

fn sources(root: &Path) -> Vec<Source> {
    if root.is_file() {
        let source = Source { split: WHOLE.into(), path: root.into() };
        return if is_via(root) { vec![source] } else { Vec::new() };
    }
    let folders = split_folders(root, |folder| !via_files(folder).is_empty());
    let of_folder = |(name, path): (&str, &Path)| {
        let mut files = via_files(path);
        if files.len() == 1 && name != WHOLE {
            return vec![Source { split: name.into(), path: files.remove(0) }];
        }
        split_by_name(files)
    };
    let mut sources: Vec<Source> =
        folders.iter().flat_map(|folder| of_folder((&folder.name, &folder.path))).collect();
    sources.sort_by_key(|source| by_use(&source.split));
    sources
}

fn via_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = files(folder, &["json"]).unwrap_or_default();
    found.retain(|path| is_via(path));
    found
}

/// Files of one folder: `train`, `via_val`, `test-2` are called after the split; a file whose split
/// another has already is called after itself, and one that is alone and says nothing is all.
fn split_by_name(files: Vec<PathBuf>) -> Vec<Source> {
    let is_alone = files.len() == 1;
    let mut sources: Vec<Source> = Vec::new();
    for path in files {
        let stem = stem(&path);
        let split = match SplitName::within(&stem).map(SplitName::as_str) {
            Some(name) if sources.iter().all(|source| source.split != name) => name.into(),
            None if is_alone => WHOLE.into(),
            _ => stem,
        };
        sources.push(Source { split, path });
    }
    sources
}

/// Whether the first entry of a JSON map is an image of VIA's or a setting.
fn is_via(path: &Path) -> bool {
    let Ok(bytes) = read_bytes(path) else { return false };
    let mut is_via = false;
    // The visitor stops after one entry, which serde takes for an error.
    let _ = serde_json::Deserializer::from_slice(&bytes).deserialize_map(FirstEntry(&mut is_via));
    is_via
}

struct FirstEntry<'a>(&'a mut bool);

impl<'de> Visitor<'de> for FirstEntry<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(key) = map.next_key::<String>()? {
            *self.0 = key.starts_with(SETTING) || {
                let image: BTreeMap<String, IgnoredAny> = map.next_value()?;
                image.contains_key("filename") && image.contains_key("regions")
            };
        }
        Ok(())
    }
}

/// A file, before it is known which attribute is the class.
struct ViaFile {
    source: Source,
    images: Vec<ViaImage>,
    findings: Vec<Finding>,
}

struct ViaImage {
    filename: String,
    regions: Vec<NumberedRegion>,
}

struct NumberedRegion {
    /// Counted from 1 in the file.
    number: u64,
    value: Value,
}

impl ViaFile {
    fn read(source: Source) -> Result<Self, FormatError> {
        let mut map = read_map(&source.path, EXPECTED)?;
        let images = match map.remove(IMAGES) {
            Some(Value::Object(images)) => images,
            Some(other) => {
                return Err(FormatError::Content {
                    path: source.path,
                    line: None,
                    found: format!("{} as {IMAGES}", kind(&other)),
                    expected: EXPECTED.into(),
                });
            }
            None => map,
        };
        let mut file = Self { source, images: Vec::new(), findings: Vec::new() };
        let mut num_regions = 0;
        let mut images: Vec<(String, Value)> =
            images.into_iter().filter(|(key, _)| !key.starts_with(SETTING)).collect();
        images.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (key, image) in images {
            match ViaImage::of(image, &mut num_regions) {
                Ok(image) => file.images.push(image),
                Err(detail) => {
                    let (kind, place) =
                        (FindingKind::MalformedAnnotation, Place::file(&file.source.path));
                    let detail = format!("image \"{key}\": {detail}");
                    file.findings.push(Finding { kind, place, detail });
                }
            }
        }
        Ok(file)
    }

    fn marked(self, attribute: &ClassAttribute) -> MarkedSplit {
        let Self { source, images, mut findings } = self;
        let images = images.into_iter().map(|image| {
            let name = with_slashes(&image.filename);
            let path = locate(&source.path, &name, &PICTURE_FOLDERS);
            let mut objects = Vec::new();
            for region in image.regions {
                let place = Place::annotation(&source.path, region.number);
                match object(&region.value, attribute, place.clone()) {
                    Ok(object) => objects.push(object),
                    Err((kind, detail)) => {
                        findings.push(Finding { kind, place, detail: format!("{name}: {detail}") });
                    }
                }
            }
            let place = Place::file(&source.path);
            MarkedImage { name, path, stated_size: None, place, objects }
        });
        MarkedSplit { images: images.collect(), name: source.split, findings }
    }
}

impl ViaImage {
    fn of(image: Value, num_regions: &mut u64) -> Result<Self, String> {
        let Value::Object(mut image) = image else {
            return Err(format!("found {}, expected a map", kind(&image)));
        };
        let filename = text(&image, "filename").map(str::to_owned).ok_or_else(|| {
            format!("found {} as \"filename\", expected a text", kind_at(&image, "filename"))
        })?;
        let values: Vec<Value> = match image.remove("regions") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(regions)) => regions,
            Some(Value::Object(regions)) => by_number(regions),
            Some(other) => {
                let found = kind(&other);
                return Err(format!("found {found} as \"regions\", expected a list or a map"));
            }
        };
        let numbered = values.into_iter().map(|value| {
            *num_regions += 1;
            NumberedRegion { number: *num_regions, value }
        });
        Ok(Self { filename, regions: numbered.collect() })
    }
}

/// The regions of version 1, whose keys are numbers written as text.
fn by_number(regions: Map<String, Value>) -> Vec<Value> {
    let mut regions: Vec<(String, Value)> = regions.into_iter().collect();
    let rank = |key: &str| (key.parse::<u64>().unwrap_or(u64::MAX), key.to_owned());
    regions.sort_by_cached_key(|(key, _)| rank(key));
    regions.into_iter().map(|(_, region)| region).collect()
}

fn object(
    region: &Value,
    attribute: &ClassAttribute,
    place: Place,
) -> Result<MarkedObject, (FindingKind, String)> {
    let malformed = |detail| (FindingKind::MalformedAnnotation, detail);
    let map = region
        .as_object()
        .ok_or_else(|| malformed(format!("found {} as a region, expected a map", kind(region))))?;
    let shape = map.get("shape_attributes").and_then(Value::as_object).ok_or_else(|| {
        let found = kind_at(map, "shape_attributes");
        malformed(format!("found {found} as \"shape_attributes\", expected a map"))
    })?;
    let regions = vec![region::of(shape)?];
    let class = attribute.class_of(map).map_err(|detail| (FindingKind::UnknownClass, detail))?;
    Ok(MarkedObject { class, regions, place })
}
