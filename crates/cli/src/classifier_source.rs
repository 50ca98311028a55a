//! From what follows `--model` to a classifier's weights.

use crate::console;
use crate::model_source::{BuiltIn, ModelSource, is_published, read_architecture_text};
use anyhow::{Result, bail};
use kestrel_resnet::{ClassifierArchitecture, ClassifierMetadata, InputConfig};
use kestrel_weights::StateDict;
use kestrel_zoo::{Kind, MODELS, Model};
use std::path::Path;

/// Weights and what to build for them; a note on standard error where that had to be guessed.
pub(crate) fn open(
    name: &str,
    architecture: Option<&Path>,
) -> Result<(StateDict, ClassifierMetadata)> {
    if is_published(name, Kind::Detector) || is_built_in(name) {
        bail!(
            "model `{name}`: found a detector, expected a classifier of whole pictures such as \
             resnet50; `kestrel detect` takes detectors, and `kestrel model list` shows which is which"
        );
    }
    let source = ModelSource::find(name)?;
    let given = architecture.map(read_architecture).transpose()?;
    let weights = source.read()?;
    let metadata = metadata(name, &weights, given)?;
    Ok((weights, metadata))
}

/// What to build for a classifier's weights; a note where that had to be guessed.
pub(crate) fn metadata(
    name: &str,
    weights: &StateDict,
    architecture: Option<ClassifierArchitecture>,
) -> Result<ClassifierMetadata> {
    let published = published(name, weights.file());
    let input = published.and_then(Model::resized_side).map_or_else(InputConfig::default, |side| {
        InputConfig { resized_side: side as usize, ..InputConfig::default() }
    });
    let metadata = ClassifierMetadata::of(weights, architecture, input)?;
    if metadata.inferred && published.is_none() {
        let ClassifierArchitecture { num_classes, input, .. } = &metadata.architecture;
        console::note(format_args!(
            "note: {name} does not say what it is made of; read off its weights as {} with \
             {num_classes} classes, which sees {side}x{side} pixels out of pictures resized to {}, as \
             in torchvision",
            metadata.architecture,
            input.resized_side,
            side = input.crop_side,
        ));
    }
    Ok(metadata)
}

/// The architecture of a classifier in a YAML file.
pub(crate) fn read_architecture(path: &Path) -> Result<ClassifierArchitecture> {
    let origin = path.display().to_string();
    Ok(ClassifierArchitecture::from_yaml(&read_architecture_text(path)?, &origin)?)
}

fn is_built_in(name: &str) -> bool {
    !Path::new(name).is_file() && BuiltIn::find(name).is_some()
}

/// The published classifier of this name, or of this file's, whose last part says which it is.
fn published(name: &str, file: &str) -> Option<&'static Model> {
    let file_name = Path::new(file).file_name().and_then(|name| name.to_str());
    MODELS.iter().filter(|model| model.kind() == Kind::Classifier).find(|model| {
        model.name.eq_ignore_ascii_case(name) || Some(model.file_name().as_str()) == file_name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_file_is_known_by_its_name() {
        let side = |name, file| published(name, file).and_then(Model::resized_side);
        assert_eq!(side("resnet50-v2", "resnet50-v2"), Some(232));
        assert_eq!(side("a/resnet50-11ad3fa6.pth", "a/resnet50-11ad3fa6.pth"), Some(232));
        assert_eq!(side("a/resnet50-0676ba61.pth", "a/resnet50-0676ba61.pth"), Some(256));
        assert_eq!(side("mine.pth", "mine.pth"), None);
    }
}
