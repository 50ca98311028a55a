//! What a classifier's file says beside its weights.

use super::architecture::ClassifierArchitecture;
use crate::{ClassifierError, InputConfig, infer_resnet};
use kestrel_core::IMAGENET_CLASSES;
use kestrel_weights::StateDict;
use std::collections::BTreeMap;

/// Where a model file's free text keeps the architecture, as YAML. A detector's is elsewhere, so that
/// one is not taken for the other.
const ARCHITECTURE_KEY: &str = "kestrel.classifier";
/// Where it keeps the class names, as a JSON list.
const CLASSES_KEY: &str = "kestrel.classes";
/// Where it keeps the version of Kestrel that wrote it.
const VERSION_KEY: &str = "kestrel.version";
/// The head of a classifier and nothing else's.
const HEAD: &str = "fc.weight";

/// What a model file says beside its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierMetadata {
    /// What to build.
    pub architecture: ClassifierArchitecture,
    /// What the classes are called, in the order of the logits.
    pub classes: Vec<String>,
    /// Whether the file itself had no architecture, so that it was read off the weights.
    pub inferred: bool,
    /// Everything else in the file's free text: data, recipe, numbers.
    pub notes: BTreeMap<String, String>,
}

impl ClassifierMetadata {
    /// Whether these are the weights of a classifier.
    pub fn is_classifier(weights: &StateDict) -> bool {
        weights.metadata().contains_key(ARCHITECTURE_KEY) || weights.get(HEAD).is_some()
    }

    /// Reads the free text of a model file. `architecture`, where given, comes before the file's; where
    /// there is neither, the network is read off the weights' names and shapes, and `input`, of which
    /// weights tell nothing, is taken for its input.
    ///
    /// # Errors
    /// When the architecture cannot be read or told, or the class names do not fit it.
    pub fn of(
        weights: &StateDict,
        architecture: Option<ClassifierArchitecture>,
        input: InputConfig,
    ) -> Result<Self, ClassifierError> {
        let file = weights.file();
        let mut notes = weights.metadata().clone();
        let text = notes.remove(ARCHITECTURE_KEY);
        let names = notes.remove(CLASSES_KEY);
        let inferred = architecture.is_none() && text.is_none();
        let architecture = match (architecture, text) {
            (Some(architecture), _) => architecture,
            (None, Some(text)) => ClassifierArchitecture::from_yaml(&text, file)?,
            (None, None) => inferred_from(weights, input)?,
        };
        let num_classes = architecture.num_classes;
        let classes = match names.and_then(|names| serde_json::from_str(&names).ok()) {
            Some(classes) => classes,
            None if num_classes == IMAGENET_CLASSES.len() => {
                IMAGENET_CLASSES.iter().map(|&name| name.to_owned()).collect()
            }
            None => (0..num_classes).map(|index| format!("class {index}")).collect(),
        };
        let metadata = Self { architecture, classes, inferred, notes };
        metadata.require_fit(file)?;
        Ok(metadata)
    }

    fn require_fit(&self, file: &str) -> Result<(), ClassifierError> {
        let (found, expected) = (self.classes.len(), self.architecture.num_classes);
        if found != expected {
            return Err(ClassifierError::Classes { origin: file.to_owned(), found, expected });
        }
        Ok(())
    }

    /// The free text of a file that holds this model.
    pub fn to_text(&self) -> BTreeMap<String, String> {
        let mut text = self.notes.clone();
        text.insert(ARCHITECTURE_KEY.into(), self.architecture.to_yaml());
        let names = serde_json::Value::from(self.classes.as_slice());
        text.insert(CLASSES_KEY.into(), names.to_string());
        text.insert(VERSION_KEY.into(), env!("CARGO_PKG_VERSION").into());
        text
    }
}

fn inferred_from(
    weights: &StateDict,
    input: InputConfig,
) -> Result<ClassifierArchitecture, ClassifierError> {
    let not_inferred =
        |reason: String| ClassifierError::NotInferred { origin: weights.file().to_owned(), reason };
    let backbone = infer_resnet(weights, "").map_err(|error| not_inferred(error.to_string()))?;
    let head = weights.get(HEAD).map(tch::Tensor::size).unwrap_or_default();
    match head.as_slice() {
        &[num_classes, _] => {
            Ok(ClassifierArchitecture { num_classes: num_classes as usize, input, backbone })
        }
        [] => Err(not_inferred(format!("`{HEAD}` is missing"))),
        found => Err(not_inferred(format!("`{HEAD}` has shape {found:?}, expected two numbers"))),
    }
}
