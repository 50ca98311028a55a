//! What the numbers a detector predicts are called.

use serde::{Deserialize, Serialize};

/// A class as the network numbers it: 0 is background, 1 the first real class. A data set's own
/// category ids are another thing, and another type.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Label(pub u32);

impl Label {
    /// No object.
    pub const BACKGROUND: Self = Self(0);

    /// The label as an index into class scores.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names of all labels, background first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Categories {
    names: Vec<String>,
}

impl Categories {
    /// Names in label order; the first is the background's.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect() }
    }

    /// `background, class 1, class 2, ...` where nothing better is known.
    pub fn numbered(num_classes: usize) -> Self {
        let name = |index| match index {
            0 => "background".to_owned(),
            _ => format!("class {index}"),
        };
        Self { names: (0..num_classes).map(name).collect() }
    }

    /// Number of labels, background included.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names in label order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The name of a label, or `unknown` for one that does not exist.
    pub fn name(&self, label: Label) -> &str {
        self.names.get(label.index()).map_or("unknown", String::as_str)
    }

    /// The label of a name. The case of ASCII letters does not matter where a single class is meant
    /// without it. The background cannot be asked for.
    pub fn label(&self, name: &str) -> Option<Label> {
        let labels = || (0u32..).map(Label).zip(&self.names).skip(1);
        let mut alike = labels().filter(|(_, known)| known.eq_ignore_ascii_case(name));
        let exact = labels().find(|(_, known)| *known == name);
        match (exact, alike.next(), alike.next()) {
            (Some((label, _)), _, _) | (None, Some((label, _)), None) => Some(label),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_inverse() {
        let categories = Categories::new(["background", "cat", "Dog"]);
        assert_eq!(categories.label("dog"), Some(Label(2)));
        assert_eq!(categories.name(Label(2)), "Dog");
        assert_eq!(categories.label("background"), None);
        assert_eq!(categories.name(Label(7)), "unknown");
        let categories = Categories::new(["background", "Car", "car"]);
        assert_eq!(["Car", "car"].map(|name| categories.label(name).unwrap().0), [1, 2]);
        assert_eq!(categories.label("CAR"), None, "either may be meant");
    }
}
