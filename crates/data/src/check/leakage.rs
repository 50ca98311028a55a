//! Pictures that are in a data set twice: what a detector has seen in training it need not detect in
//! validation.
//!
//! Pictures are the same when their pixels as seen are, whatever the files are called and however
//! they are packed. Scaled or compressed copies are not found.

use super::pictures::{PictureFacts, PictureState};
use crate::{Collection, Finding, FindingKind, ImageRecord, Place};
use std::collections::BTreeMap;
use std::path::Path;

/// A readable picture of a split.
#[derive(Clone, Copy)]
struct Seen<'a> {
    split: &'a str,
    record: &'a ImageRecord,
    facts: &'a PictureFacts,
}

/// What makes two pictures the same one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity<'a> {
    Pixels([u8; 32]),
    /// Where the pixels were not asked for.
    File(&'a Path),
}

impl<'a> Seen<'a> {
    fn identity(&self) -> Identity<'a> {
        self.facts.sha256.map_or(Identity::File(&self.record.path), Identity::Pixels)
    }

    fn file_name(&self) -> &'a str {
        let name = &self.record.name;
        name.rsplit_once('/').map_or(name, |(_, file_name)| file_name)
    }
}

/// Pictures that are in several splits or twice in one, and names that stand for two pictures.
/// `pictures` has a list for each split, an entry for each image.
pub(super) fn findings(collection: &Collection, pictures: &[Vec<PictureState>]) -> Vec<Finding> {
    let mut by_identity = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    let mut found = Vec::new();
    for picture in readable(collection, pictures) {
        let first = *by_identity.entry(picture.identity()).or_insert(picture);
        if !std::ptr::eq(first.record, picture.record) {
            found.push(duplicate(&first, &picture));
            continue;
        }
        let namesake = *by_name.entry(picture.file_name()).or_insert(picture);
        if namesake.split != picture.split {
            found.push(shared_name(&namesake, &picture));
        }
    }
    found
}

fn readable<'a>(
    collection: &'a Collection,
    pictures: &'a [Vec<PictureState>],
) -> impl Iterator<Item = Seen<'a>> {
    let splits = collection.splits.iter().zip(pictures);
    splits.flat_map(|(split, pictures)| {
        let images = split.dataset.images.iter().zip(pictures);
        images.filter_map(|(record, picture)| match picture {
            PictureState::Readable(facts) => Some(Seen { split: &split.name, record, facts }),
            _ => None,
        })
    })
}

fn duplicate(first: &Seen, again: &Seen) -> Finding {
    let path = first.record.path.display();
    let detail = match first.facts.sha256 {
        Some(_) => format!("the pixels are those of {path}"),
        None => "the file is listed again".to_owned(),
    };
    let splits = if first.split == again.split {
        format!("both in split {}", first.split)
    } else {
        format!("in split {}; this one is in split {}", first.split, again.split)
    };
    let place = Place::file(&again.record.path);
    Finding::new(FindingKind::DuplicateImage, place, format!("{detail}, {splits}"))
}

fn shared_name(first: &Seen, again: &Seen) -> Finding {
    let compared = if first.facts.sha256.is_some() { "with other pixels" } else { "not compared" };
    let path = first.record.path.display();
    let detail = format!("{path} in split {} has this name too, {compared}", first.split);
    Finding::new(FindingKind::SharedName, Place::file(&again.record.path), detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::{collection, dataset, kinds_of, picture};
    use kestrel_core::ImageSize;

    const SIZE: ImageSize = ImageSize::new(4, 4);

    /// Two splits; each picture is its file name and what its pixels hash to.
    fn kinds(splits: [&[(&str, Option<u8>)]; 2]) -> Vec<FindingKind> {
        let with = |folder: &str, files: &[(&str, Option<u8>)]| {
            let mut data = dataset(SIZE, &["cat"], vec![Vec::new(); files.len()]);
            for (image, (name, _)) in data.images.iter_mut().zip(files) {
                image.name = format!("{folder}/{name}");
                image.path = image.name.clone().into();
            }
            data
        };
        let read = |files: &[(&str, Option<u8>)]| -> Vec<PictureState> {
            let hashed = |hash: Option<u8>| hash.map(|byte| [byte; 32]);
            let facts = files
                .iter()
                .map(|&(_, hash)| PictureFacts { sha256: hashed(hash), ..picture(SIZE) });
            facts.map(PictureState::Readable).collect()
        };
        let collection = collection(vec![with("train", splits[0]), with("val", splits[1])]);
        kinds_of(&findings(&collection, &splits.map(read)))
    }

    #[test]
    fn one_picture_in_two_splits_leaks_whatever_it_is_called() {
        let leak = [FindingKind::DuplicateImage];
        assert_eq!(kinds([&[("a", Some(1))], &[("a", Some(1))]]), leak);
        assert_eq!(kinds([&[("a", Some(1))], &[("b", Some(1))]]), leak);
        assert_eq!(kinds([&[("a", Some(1))], &[("b", Some(2))]]), []);
        assert_eq!(kinds([&[], &[("a", Some(1)), ("b", Some(1)), ("c", Some(1))]]), [leak[0]; 2]);
        assert_eq!(kinds([&[], &[]]), []);
    }

    #[test]
    fn one_name_for_two_pictures_is_noted() {
        assert_eq!(kinds([&[("a", Some(1))], &[("a", Some(2))]]), [FindingKind::SharedName]);
        assert_eq!(kinds([&[("a", None)], &[("a", None)]]), [FindingKind::SharedName]);
        assert_eq!(kinds([&[("a", Some(1)), ("a", Some(2))], &[]]), [], "within one split");
    }

    #[test]
    fn without_pixels_a_file_listed_twice_is_found() {
        assert_eq!(kinds([&[("a", None), ("a", None)], &[]]), [FindingKind::DuplicateImage]);
    }
}
