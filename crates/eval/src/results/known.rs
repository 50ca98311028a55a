//! Names of images and classes as numbers of the ground truth.

use super::names::{ImageNames, Named};
use crate::error::first_few;
use crate::{EvalError, Truth};
use std::collections::{BTreeMap, BTreeSet};

/// What the ground truth calls its images and classes, and the names that it does not know.
pub(super) struct Known {
    images: ImageNames,
    /// None where two classes share the name.
    categories: BTreeMap<String, Option<u64>>,
    unknown_images: BTreeSet<String>,
    unknown_categories: BTreeSet<String>,
}

impl Known {
    pub fn new(truth: &Truth) -> Self {
        let mut categories = BTreeMap::new();
        for class in truth.classes() {
            let id = Some(class.category_id);
            categories.entry(class.name).and_modify(|id| *id = None).or_insert(id);
        }
        Self {
            images: ImageNames::new(&truth.dataset().images),
            categories,
            unknown_images: BTreeSet::new(),
            unknown_categories: BTreeSet::new(),
        }
    }

    /// The number of an image. One that is not there is remembered for [`Self::finish`].
    ///
    /// # Errors
    /// When the name may mean several.
    pub fn image(&mut self, name: &str) -> Result<Option<u64>, String> {
        match self.images.find(name) {
            Named::One(id) => Ok(Some(id)),
            Named::None => {
                self.unknown_images.insert(name.to_owned());
                Ok(None)
            }
            Named::Several(names) => Err(format!("{name} may be any of {}", first_few(names))),
        }
    }

    /// The number of a class. One that is not there is remembered for [`Self::finish`].
    ///
    /// # Errors
    /// When two classes are called that.
    pub fn category(&mut self, name: &str) -> Result<Option<u64>, String> {
        match self.categories.get(name) {
            Some(Some(id)) => Ok(Some(*id)),
            Some(None) => Err(format!("two classes are called {name}")),
            None => {
                self.unknown_categories.insert(name.to_owned());
                Ok(None)
            }
        }
    }

    /// # Errors
    /// When a name was not known.
    pub fn finish(self) -> Result<(), EvalError> {
        if !self.unknown_images.is_empty() {
            let count = self.unknown_images.len();
            return Err(EvalError::UnknownImages { count, first: first_few(self.unknown_images) });
        }
        if !self.unknown_categories.is_empty() {
            return Err(EvalError::UnknownCategories {
                count: self.unknown_categories.len(),
                first: first_few(self.unknown_categories),
                known: first_few(self.categories.into_keys()),
            });
        }
        Ok(())
    }
}
