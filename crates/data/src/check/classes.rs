//! The classes of a data set: undeclared ones, how often each comes, and whether the splits agree.

use super::annotated::AnnotatedImage;
use crate::{Category, CategoryId, Collection, Dataset, Finding, FindingKind, Place};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A row of the class table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassRow {
    /// Its id in the files.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its objects, crowds left out.
    pub objects: usize,
    /// Images with at least one of them.
    pub images: usize,
    /// `objects` divided by those of all declared classes; `None` where there are none at all.
    pub share: Option<f64>,
}

/// The classes of a split in the order of [`Dataset::categories`]. Where two classes share an id the
/// objects are the first one's.
pub(super) fn table(dataset: &Dataset) -> Vec<ClassRow> {
    let mut objects: BTreeMap<CategoryId, usize> = BTreeMap::new();
    let mut images: BTreeMap<CategoryId, usize> = BTreeMap::new();
    for image in &dataset.images {
        let counted = image.objects.iter().filter(|object| !object.crowd);
        let classes: Vec<CategoryId> = counted.map(|object| object.category).collect();
        classes.iter().for_each(|&class| *objects.entry(class).or_default() += 1);
        let shown: BTreeSet<CategoryId> = classes.into_iter().collect();
        shown.into_iter().for_each(|class| *images.entry(class).or_default() += 1);
    }
    let row = |category: &Category| ClassRow {
        id: category.id.0,
        name: category.name.clone(),
        objects: objects.remove(&category.id).unwrap_or(0),
        images: images.remove(&category.id).unwrap_or(0),
        share: None,
    };
    with_shares(dataset.categories.iter().map(row).collect())
}

fn with_shares(mut rows: Vec<ClassRow>) -> Vec<ClassRow> {
    let all: usize = rows.iter().map(|row| row.objects).sum();
    for row in &mut rows {
        row.share = (all > 0).then(|| row.objects as f64 / all as f64);
    }
    rows
}

/// Objects of classes that are not among `declared`.
pub(super) fn unknown(image: &AnnotatedImage, declared: &BTreeSet<CategoryId>) -> Vec<Finding> {
    let undeclared = image.record.objects.iter().filter(|o| !declared.contains(&o.category));
    let finding = undeclared.map(|object| {
        let detail = format!("no class has the id {}", object.category.0);
        image.finding(FindingKind::UnknownClass, object, detail)
    });
    finding.collect()
}

/// Regions with uncounted objects.
pub(super) fn crowds(image: &AnnotatedImage) -> Vec<Finding> {
    let crowds = image.record.objects.iter().filter(|object| object.crowd);
    let detail = "neither a hit nor a miss in evaluation, and not trained on";
    crowds.map(|object| image.finding(FindingKind::Crowd, object, detail.to_owned())).collect()
}

/// Classes with fewer than `min_objects` objects in a split.
pub(super) fn rare(
    rows: &[ClassRow],
    min_objects: usize,
    split: &str,
    place: &Place,
) -> Vec<Finding> {
    let rare = rows.iter().filter(|row| row.objects < min_objects).map(|row| {
        let found = match row.objects {
            0 => "no object".to_owned(),
            1 => "1 object".to_owned(),
            objects => format!("{objects} objects"),
        };
        let detail =
            format!("{found} of class {} \"{}\" in split {split}", row.id, row.name.escape_debug());
        Finding::new(FindingKind::RareClass, place.clone(), detail)
    });
    rare.collect()
}

/// Ids that mean one class in one split and another in a later one, and names with two ids.
pub(super) fn between_splits(collection: &Collection) -> Vec<Finding> {
    let mut by_id: BTreeMap<CategoryId, (&str, &str)> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, (CategoryId, &str)> = BTreeMap::new();
    let mut found = Vec::new();
    let mut mismatch = |detail| {
        found.push(Finding::new(FindingKind::ClassMismatch, Place::file(&collection.root), detail));
    };
    for split in &collection.splits {
        let here = split.name.as_str();
        for Category { id, name, .. } in &split.dataset.categories {
            let (first_name, there) = *by_id.entry(*id).or_insert((name, here));
            if first_name != name && there != here {
                let id = id.0;
                mismatch(format!(
                    "class {id} is {first_name:?} in split {there} and {name:?} in split {here}"
                ));
                continue;
            }
            let (first_id, there) = *by_name.entry(name).or_insert((*id, here));
            if first_id != *id && there != here {
                let (id, first_id) = (id.0, first_id.0);
                mismatch(format!(
                    "{name:?} is class {first_id} in split {there} and class {id} in split {here}"
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::samples::{category, collection, dataset, kinds_of, object};
    use crate::{Object, ObjectBox};
    use kestrel_core::ImageSize;

    const SIZE: ImageSize = ImageSize::new(50, 50);

    fn of_class(id: u64) -> Object {
        Object { category: CategoryId(id), ..object(ObjectBox::default()) }
    }

    #[test]
    fn the_table_counts_objects_and_images_and_no_crowds() {
        let crowd = Object { crowd: true, ..of_class(1) };
        let objects = vec![vec![of_class(1), of_class(1), of_class(3)], vec![of_class(1), crowd]];
        let rows = table(&dataset(SIZE, &["cat", "dog", "cow"], objects));
        let counts: Vec<_> = rows.iter().map(|row| (row.objects, row.images)).collect();
        assert_eq!(counts, [(3, 2), (0, 0), (1, 1)]);
        assert_eq!(rows[0].share, Some(0.75));
        assert_eq!(table(&dataset(SIZE, &["cat"], vec![]))[0].share, None);
    }

    #[test]
    fn classes_with_too_few_objects_are_named() {
        let objects = vec![vec![of_class(1), of_class(1), of_class(2)]];
        let rows = table(&dataset(SIZE, &["cat", "dog"], objects));
        let place = Place::file("set");
        let found = rare(&rows, 2, "train", &place);
        assert_eq!(kinds_of(&found), [FindingKind::RareClass]);
        assert_eq!(found[0].detail, "1 object of class 2 \"dog\" in split train");
        assert_eq!(rare(&rows, 1, "train", &place), []);
    }

    #[test]
    fn objects_of_undeclared_classes_are_found_one_by_one() {
        let data = dataset(SIZE, &["cat"], vec![vec![of_class(1), of_class(2), of_class(0)]]);
        let image = AnnotatedImage::of_size(&data.images[0], Some(SIZE));
        let declared = BTreeSet::from([CategoryId(1)]);
        assert_eq!(kinds_of(&unknown(&image, &declared)), [FindingKind::UnknownClass; 2]);
    }

    #[test]
    fn splits_must_number_their_classes_alike() {
        let with = |categories: &[(u64, &str)]| {
            let categories = categories.iter().map(|&(id, name)| category(id, name)).collect();
            Dataset { categories, images: Vec::new() }
        };
        let kinds = |train: &[(u64, &str)], val: &[(u64, &str)]| {
            kinds_of(&between_splits(&collection(vec![with(train), with(val)])))
        };
        let train = [(1, "cat"), (2, "dog")];
        assert_eq!(kinds(&train, &train), []);
        assert_eq!(kinds(&train, &[(2, "dog")]), [], "a split need not have them all");
        assert_eq!(kinds(&train, &[(1, "dog")]), [FindingKind::ClassMismatch], "id");
        assert_eq!(kinds(&train, &[(3, "dog")]), [FindingKind::ClassMismatch], "name");
        assert_eq!(kinds(&[(1, "cat"), (2, "cat")], &[]), [], "within one: another finding");
    }
}
