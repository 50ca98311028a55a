//! Several data sets become one, and image names that hold from another folder.

use super::{Category, CategoryId, Dataset};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

impl Dataset {
    /// All images of all `parts`, in their order. Classes are the same where their names are; ids of
    /// classes, images and objects are kept where they are free, else the next free one is taken.
    /// Objects of undeclared classes are left out: their number may mean another class elsewhere.
    pub fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        let (mut image_ids, mut object_ids) = (FreeIds::default(), FreeIds::default());
        for part in parts {
            let category_of = whole.adopt(part.categories);
            for mut image in part.images {
                image.id = image_ids.take(image.id);
                image.objects.retain_mut(|object| {
                    let Some(&category) = category_of.get(&object.category) else { return false };
                    object.category = category;
                    object.id = object_ids.take(object.id);
                    true
                });
                whole.images.push(image);
            }
        }
        whole.categories.sort_by_key(|category| category.id);
        whole
    }

    /// The same with image names that lead from `folder` to the files, for annotations that are to lie
    /// there. A name stays where no way can be found, as between drives.
    pub fn named_from(mut self, folder: &Path) -> Self {
        let Ok(folder) = folder.canonicalize() else { return self };
        for image in &mut self.images {
            let path = image.path.canonicalize().ok();
            if let Some(way) = path.and_then(|path| way_between(&folder, &path)) {
                image.name = way;
            }
        }
        self
    }

    /// The id in `self` for each id in `categories`.
    fn adopt(&mut self, categories: Vec<Category>) -> BTreeMap<CategoryId, CategoryId> {
        let mut ids = FreeIds::default();
        for category in &self.categories {
            ids.take(category.id.0);
        }
        let mut adopted = BTreeMap::new();
        for category in categories {
            let known = self.categories.iter().find(|known| known.name == category.name);
            let id = match known {
                Some(known) => known.id,
                None => CategoryId(ids.take(category.id.0)),
            };
            adopted.insert(category.id, id);
            if known.is_none() {
                self.categories.push(Category { id, ..category });
            }
        }
        adopted
    }
}

/// Ids that are given once; new ones count from 1.
struct FreeIds {
    taken: BTreeSet<u64>,
    next: u64,
}

impl Default for FreeIds {
    fn default() -> Self {
        Self { taken: BTreeSet::new(), next: 1 }
    }
}

impl FreeIds {
    fn take(&mut self, wanted: u64) -> u64 {
        let id = match self.taken.contains(&wanted) {
            true => self.next,
            false => wanted,
        };
        self.taken.insert(id);
        while self.taken.contains(&self.next) {
            self.next += 1;
        }
        id
    }
}

/// The relative path from a folder to a file, both without `..`, with `/` between the parts.
fn way_between(folder: &Path, file: &Path) -> Option<String> {
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    let way: PathBuf = up.chain(to[shared..].iter().copied()).collect();
    let parts: Option<Vec<&str>> = way.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{ImageRecord, Object, ObjectBox, Place};

    fn part(category: &str, image: u64, object: u64) -> Dataset {
        let object = Object {
            id: object,
            category: CategoryId(1),
            bbox: ObjectBox::from_corners(0.0, 0.0, 4.0, 4.0),
            outline: None,
            area: None,
            crowd: false,
            difficult: false,
            place: Place::default(),
        };
        let image = ImageRecord {
            id: image,
            name: format!("{image}.png"),
            path: format!("{image}.png").into(),
            stated_size: None,
            objects: vec![object],
            place: Place::default(),
        };
        let category =
            Category { id: CategoryId(1), name: category.to_owned(), supercategory: None };
        Dataset { categories: vec![category], images: vec![image] }
    }

    #[test]
    fn classes_are_joined_by_name_and_ids_stay_unique() {
        let whole = Dataset::joined([part("cat", 7, 3), part("dog", 7, 3), part("cat", 8, 4)]);
        let names: Vec<(u64, &str)> =
            whole.categories.iter().map(|category| (category.id.0, &*category.name)).collect();
        assert_eq!(names, [(1, "cat"), (2, "dog")]);
        let ids: Vec<(u64, u64, u64)> = whole
            .images
            .iter()
            .map(|image| (image.id, image.objects[0].id, image.objects[0].category.0))
            .collect();
        assert_eq!(ids, [(7, 3, 1), (1, 1, 2), (8, 4, 1)]);
        assert_eq!(Dataset::joined([]), Dataset::default());
        let undeclared = Dataset { categories: Vec::new(), ..part("dog", 9, 9) };
        let whole = Dataset::joined([part("cat", 7, 3), undeclared]);
        assert_eq!((whole.images.len(), whole.num_objects()), (2, 1));
    }

    #[test]
    fn a_way_leads_up_and_down() {
        let way = |from: &str, to: &str| way_between(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b/c.png").unwrap(), "c.png");
        assert_eq!(way("/a/b/d", "/a/c/1.png").unwrap(), "../../c/1.png");
    }
}
