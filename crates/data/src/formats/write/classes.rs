//! The classes of all splits in one order, for formats that number them by it or not at all.

use super::{LossKind, WriteSummary};
use crate::{CategoryId, Collection, Dataset, ImageRecord, Object};
use std::collections::{BTreeMap, BTreeSet};

/// Class names by rising id; a name that several ids have stands once.
pub struct Classes {
    pub names: Vec<String>,
}

impl Classes {
    /// Those of a collection. The numbers a reader will give them begin at `first`: which are not what
    /// they were is counted as lost, and so are their groups.
    pub fn of(collection: &Collection, first: u64, summary: &mut WriteSummary) -> Self {
        let categories = collection.splits.iter().flat_map(|split| &split.dataset.categories);
        let sorted: BTreeSet<(CategoryId, &str)> =
            categories.clone().map(|category| (category.id, category.name.as_str())).collect();
        let grouped: BTreeSet<&str> = categories
            .filter(|category| category.supercategory.is_some())
            .map(|category| category.name.as_str())
            .collect();
        let mut seen = BTreeSet::new();
        let mut kept: Vec<(CategoryId, &str)> = sorted.iter().copied().collect();
        kept.retain(|(_, name)| seen.insert(*name));
        let renumbered = (first..).zip(&kept).filter(|(number, (id, _))| *number != id.0);
        summary.lose(LossKind::ClassNumbers, renumbered.count() + sorted.len() - kept.len());
        summary.lose(LossKind::Supercategories, grouped.len());
        Self { names: kept.into_iter().map(|(_, name)| name.to_owned()).collect() }
    }

    /// Where the classes of a split stand among all names.
    pub fn index_of(&self, dataset: &Dataset) -> BTreeMap<CategoryId, usize> {
        let by_name: BTreeMap<&str, usize> =
            self.names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        let categories = dataset.categories.iter();
        categories.map(|category| (category.id, by_name[category.name.as_str()])).collect()
    }
}

/// The objects of an image that a format of single objects with declared classes can hold, with the
/// place of their class.
pub fn held<'r>(
    record: &'r ImageRecord,
    index_of: &BTreeMap<CategoryId, usize>,
    summary: &mut WriteSummary,
) -> Vec<(usize, &'r Object)> {
    let mut held = Vec::with_capacity(record.objects.len());
    for object in &record.objects {
        match index_of.get(&object.category) {
            _ if object.crowd => summary.lose(LossKind::Crowds, 1),
            _ if !has_finite_box(object) => summary.lose(LossKind::NonFiniteBoxes, 1),
            None => summary.lose(LossKind::UndeclaredClasses, 1),
            Some(&index) => held.push((index, object)),
        }
    }
    held
}

/// Whether a box is made of numbers.
pub fn has_finite_box(object: &Object) -> bool {
    let bbox = object.bbox;
    [bbox.x, bbox.y, bbox.width, bbox.height].iter().all(|value| value.is_finite())
}
