//! Values that a key leaves to something found later, such as the architecture to the start.

use super::key_path::KeyPath;
use super::tree::{Content, Node};
use super::typed::{to_value, typed};
use super::{ConfigError, Origin, Resolved};
use serde::Serialize;
use serde::de::DeserializeOwned;

impl<T: DeserializeOwned + Serialize> Resolved<T> {
    /// The same with `found` at `key`, as the value at `left_by` wants it. What was said below `key`
    /// after that value stays: in a config nearer to the user, or by `--set`.
    ///
    /// # Errors
    /// When the two make no config.
    pub fn decided(
        self,
        key: &str,
        left_by: &str,
        found: &impl Serialize,
    ) -> Result<Self, ConfigError> {
        let failed = |reason| ConfigError::Defaults { reason };
        let path: KeyPath = key.parse().unwrap_or_default();
        let limit = self.layer(self.origin(left_by));
        let is_later = |origin: &Origin| {
            let layer = self.layer(origin);
            layer > limit || (layer == limit && matches!(origin, Origin::CommandLine(_)))
        };
        let value = to_value(found).map_err(failed)?;
        let mut decided = Node::new(value, &Origin::Decided(left_by.into()))
            .map_err(|bad| failed(format!("{}: a key that is no word", bad.path)))?;
        let tagged = serde_yaml::to_value(found).map_err(|error| failed(error.to_string()))?;
        decided.mark_choices(&tagged);
        let mut tree = self.tree.clone();
        if let Some(said) = tree.at_mut(&path) {
            decided.keep_equal(said);
            if let Some(later) = said.said_by(&is_later) {
                decided.merge(later);
            }
            *said = decided;
        }
        let value = typed::<T>(&tree).map_err(|misfit| failed(misfit.reason))?;
        Ok(Self { documents: self.documents, ..Self::new(value, &tree)? })
    }

    /// Which of the layers that lie over each other an origin is: the defaults below, `--set` on top.
    fn layer(&self, origin: &Origin) -> usize {
        match origin {
            Origin::Default | Origin::Decided(_) => 0,
            Origin::CommandLine(_) => self.documents.len() + 1,
            Origin::File(_) | Origin::Text(_) => {
                // The nearest to the user comes first.
                let place = self.documents.iter().position(|document| document.origin == *origin);
                place.map_or(0, |place| self.documents.len() - place)
            }
        }
    }
}

impl Node {
    /// What of this was said by an origin that `is_wanted`; none where nothing was. A list is said as a
    /// whole.
    fn said_by(&self, is_wanted: &impl Fn(&Origin) -> bool) -> Option<Self> {
        let Content::Map(map) = &self.content else {
            return is_wanted(&self.origin).then(|| self.clone());
        };
        let mut said = map.clone();
        said.entries = map
            .entries
            .iter()
            .filter_map(|(key, node)| Some((key.clone(), node.said_by(is_wanted)?)))
            .collect();
        let origin = self.origin.clone();
        (!said.entries.is_empty()).then_some(Self { content: Content::Map(said), origin })
    }

    /// Gives values that `before` had too the origin they have there.
    fn keep_equal(&mut self, before: &Self) {
        if self.to_value() == before.to_value() {
            *self = before.clone();
        } else if let (Content::Map(map), Content::Map(before)) =
            (&mut self.content, &before.content)
        {
            for (key, node) in &mut map.entries {
                if let Some(before) = before.get(key) {
                    node.keep_equal(before);
                }
            }
        }
    }
}
