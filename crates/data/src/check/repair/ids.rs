//! An id for each image, object and class that nothing else has.

use super::{Change, ChangeKind};
use crate::{Category, Dataset, ImageRecord, Object, Place};
use std::collections::BTreeSet;

/// Of equal ids the first stays, and the others follow the largest. Of a class that is declared twice
/// under one name only the first stays.
pub(super) fn make_unique(dataset: &mut Dataset, changes: &mut Vec<Change>) {
    let Dataset { categories, images } = dataset;
    drop_repeated_classes(categories, changes);
    let classes = categories.iter_mut().map(|Category { id, .. }| (&mut id.0, || None));
    renumber("class", classes.collect(), changes);
    let pictures = images
        .iter_mut()
        .map(|ImageRecord { id, path, .. }| (id, || Some(Place::file(path.as_path()))));
    renumber("image", pictures.collect(), changes);
    let objects = images
        .iter_mut()
        .flat_map(|image| &mut image.objects)
        .map(|Object { id, place, .. }| (id, || Some(place.clone())));
    renumber("object", objects.collect(), changes);
}

fn drop_repeated_classes(categories: &mut Vec<Category>, changes: &mut Vec<Change>) {
    let mut seen = BTreeSet::new();
    categories.retain(|Category { id, name, .. }| {
        let is_new = seen.insert((*id, name.clone()));
        if !is_new {
            let detail = format!("class {} {name:?} was declared twice", id.0);
            changes.push(Change { kind: ChangeKind::ClassDropped, place: None, detail });
        }
        is_new
    });
}

/// `ids` come with what gives their place.
fn renumber(
    what: &str,
    ids: Vec<(&mut u64, impl Fn() -> Option<Place>)>,
    changes: &mut Vec<Change>,
) {
    let mut used: BTreeSet<u64> = ids.iter().map(|(id, _)| **id).collect();
    let mut seen = BTreeSet::new();
    let mut next = used.last().map_or(1, |largest| following(*largest));
    for (id, place) in ids {
        if seen.insert(*id) {
            continue;
        }
        while !used.insert(next) {
            next = following(next);
        }
        let detail = format!("{what} id from {id} to {next}");
        changes.push(Change { kind: ChangeKind::IdChanged, place: place(), detail });
        *id = next;
    }
}

/// Never 0: pycocotools takes an object with the id 0 for one that no detection has found.
fn following(id: u64) -> u64 {
    id.wrapping_add(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renumbered(mut ids: Vec<u64>) -> (Vec<u64>, usize) {
        let mut changes = Vec::new();
        renumber("image", ids.iter_mut().map(|id| (id, || None)).collect(), &mut changes);
        (ids, changes.len())
    }

    #[test]
    fn the_first_keeps_its_id_and_the_others_follow_the_largest() {
        assert_eq!(renumbered(vec![5, 2, 5, 9, 5]), (vec![5, 2, 10, 9, 11], 2));
        assert_eq!(renumbered(vec![3, 1, 2]), (vec![3, 1, 2], 0));
        assert_eq!(renumbered(vec![]), (vec![], 0));
    }

    #[test]
    fn behind_the_largest_number_there_is_the_first_one_free() {
        assert_eq!(renumbered(vec![u64::MAX, 1, u64::MAX]), (vec![u64::MAX, 1, 2], 1));
    }
}
