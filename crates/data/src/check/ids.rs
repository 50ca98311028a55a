//! Ids and names that are used twice within a split. Between splits they may be, since each is read
//! on its own.

use crate::{Dataset, Finding, FindingKind, ImageRecord, Place};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Debug;

/// What is to be said of the ids and names of a split; `classes` is the place of its class list.
pub(super) fn findings(dataset: &Dataset, classes: &Place) -> Vec<Finding> {
    let Dataset { categories, images } = dataset;
    let objects = images.iter().flat_map(|image| &image.objects);
    let picture = |image: &ImageRecord| Place::file(&image.path);
    let found = [
        repeated(
            FindingKind::DuplicateId,
            "image id",
            images.iter().map(|image| (image.id, picture(image))),
        ),
        repeated(
            FindingKind::DuplicateName,
            "image name",
            images.iter().map(|image| (&image.name, picture(image))),
        ),
        repeated(
            FindingKind::DuplicateId,
            "object id",
            objects.map(|object| (object.id, object.place.clone())),
        ),
        repeated(
            FindingKind::DuplicateId,
            "class id",
            categories.iter().map(|category| (category.id.0, classes.clone())),
        ),
        repeated(
            FindingKind::DuplicateName,
            "class name",
            categories.iter().map(|category| (&category.name, classes.clone())),
        ),
    ];
    found.concat()
}

/// A finding for each key that came before.
fn repeated<K: Ord + Debug>(
    kind: FindingKind,
    what: &str,
    keys: impl Iterator<Item = (K, Place)>,
) -> Vec<Finding> {
    let mut first_places = BTreeMap::new();
    let mut found = Vec::new();
    for (key, place) in keys {
        match first_places.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
            Entry::Occupied(entry) => {
                let detail = format!("{what} {:?} is used in {} too", entry.key(), entry.get());
                found.push(Finding::new(kind, place, detail));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectBox;
    use crate::check::samples::{dataset, kinds_of, object};
    use kestrel_core::ImageSize;

    /// Two images with two objects each, two classes, nothing twice.
    fn distinct() -> Dataset {
        let objects = vec![vec![object(ObjectBox::default()); 2]; 2];
        dataset(ImageSize::new(5, 5), &["cat", "dog"], objects)
    }

    fn kinds(change: impl Fn(&mut Dataset)) -> Vec<FindingKind> {
        let mut data = distinct();
        change(&mut data);
        kinds_of(&findings(&data, &Place::file("set")))
    }

    #[test]
    fn an_id_or_name_used_once_is_fine() {
        assert_eq!(kinds(|_| {}), []);
        assert_eq!(kinds(|data| data.images.clear()), []);
    }

    #[test]
    fn each_repeated_id_and_name_is_found() {
        let id = [FindingKind::DuplicateId];
        assert_eq!(kinds(|data| data.images[1].id = 1), id);
        assert_eq!(kinds(|data| data.images[1].objects[1].id = 2), id, "over images");
        assert_eq!(kinds(|data| data.categories[1].id.0 = 1), id);
        let name = [FindingKind::DuplicateName];
        assert_eq!(kinds(|data| data.images[1].name = "1.png".into()), name);
        assert_eq!(kinds(|data| data.categories[1].name = "cat".into()), name);
    }
}
