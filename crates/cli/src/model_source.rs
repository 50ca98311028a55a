//! From what follows `--model` to weights: a built-in name, a fetched name, or a file.

use crate::console;
use anyhow::{Result, anyhow, bail};
use kestrel_args::DetectorArgs;
use kestrel_core::closest;
use kestrel_rcnn::{Architecture, Metadata};
use kestrel_resnet::ClassifierMetadata;
use kestrel_weights::StateDict;
use kestrel_zoo::{Cache, Kind, MODELS, Model};
use std::path::{Path, PathBuf};

/// The model used when none is named.
const DEFAULT: &str = "nuclei";

/// A model compiled into the program.
pub(crate) struct BuiltIn {
    /// What `--model` calls it.
    pub name: &'static str,
    /// What it finds.
    pub about: &'static str,
    bytes: &'static [u8],
}

/// All of them.
pub(crate) const BUILT_IN: [BuiltIn; 1] = [BuiltIn {
    name: DEFAULT,
    about: "Mask R-CNN for nuclei in micrographs; mask AP 0.603 (models/README.md)",
    bytes: include_bytes!("../../../models/nuclei.safetensors"),
}];

/// Where a model comes from.
pub(crate) enum ModelSource {
    /// Compiled into the program.
    BuiltIn(&'static BuiltIn),
    /// A file of the user's, or one fetched before.
    File(PathBuf),
}

impl BuiltIn {
    /// The one of this name, in any case.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        BUILT_IN.iter().find(|model| model.name.eq_ignore_ascii_case(name))
    }
}

impl ModelSource {
    /// A file that exists wins over a name.
    pub(crate) fn find(name: &str) -> Result<Self> {
        let path = Path::new(name);
        if path.is_file() {
            return Ok(Self::File(name.into()));
        }
        if let Some(model) = BuiltIn::find(name) {
            return Ok(Self::BuiltIn(model));
        }
        if path.is_dir() {
            bail!("model {name}: found a folder, expected a file or a name; name a file in it");
        }
        if looks_like_a_path(name) {
            bail!("model {name}: found no such file; check the spelling and the working folder");
        }
        fetched(published(name)?)
    }

    /// Reads the weights.
    pub(crate) fn read(&self) -> Result<StateDict> {
        Ok(match self {
            Self::BuiltIn(model) => StateDict::from_safetensors_bytes(model.name, model.bytes)?,
            Self::File(path) => StateDict::read(path)?,
        })
    }
}

/// The model to detect with; says so where nobody has named one.
pub(crate) fn chosen(detector: &DetectorArgs) -> &str {
    detector.model.as_deref().unwrap_or_else(|| {
        console::note(format_args!(
            "note: no --model given, using the built-in `{DEFAULT}` (nuclei in micrographs)"
        ));
        DEFAULT
    })
}

/// The published model of a name.
pub(crate) fn published(name: &str) -> Result<&'static Model> {
    kestrel_zoo::find(name).map_err(|unknown| {
        let meant = closest(name, BUILT_IN.iter().map(|model| model.name)).or(unknown.nearest);
        let remedy = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`kestrel model list` shows the names".to_owned(),
        };
        anyhow!("model `{name}`: found no such file, built-in or published model; {remedy}")
    })
}

fn fetched(model: &Model) -> Result<ModelSource> {
    let name = model.name;
    match Cache::from_env()?.get(model) {
        Some(path) => Ok(ModelSource::File(path)),
        None => bail!(
            "model `{name}`: published but not on this machine yet; run `kestrel model fetch \
             {name}` first"
        ),
    }
}

/// Weights and what to build for them; a note on standard error where that had to be guessed.
pub(crate) fn open(name: &str, architecture: Option<&Path>) -> Result<(StateDict, Metadata)> {
    if is_published(name, Kind::Classifier) {
        return Err(no_detector(name));
    }
    let source = ModelSource::find(name)?;
    let given = architecture.map(read_architecture).transpose()?;
    let weights = source.read()?;
    let metadata = metadata(name, &weights, given)?;
    Ok((weights, metadata))
}

/// What to build for a detector's weights; a note where that had to be guessed.
pub(crate) fn metadata(
    name: &str,
    weights: &StateDict,
    architecture: Option<Architecture>,
) -> Result<Metadata> {
    if ClassifierMetadata::is_classifier(weights) {
        return Err(no_detector(name));
    }
    let metadata = Metadata::of(weights, architecture)?;
    if metadata.inferred {
        console::note(format_args!(
            "note: {name} does not say what it is made of; read off its weights as {} with {} \
             classes, picture and anchor sizes as in torchvision",
            metadata.architecture.family(),
            metadata.architecture.num_classes
        ));
    }
    Ok(metadata)
}

/// Whether a name is that of a published model of this kind, and of no file.
pub(crate) fn is_published(name: &str, kind: Kind) -> bool {
    let is_it = |model: &Model| model.name.eq_ignore_ascii_case(name) && model.kind() == kind;
    !Path::new(name).is_file() && MODELS.iter().any(is_it)
}

fn no_detector(name: &str) -> anyhow::Error {
    anyhow!(
        "model `{name}`: found a classifier of whole pictures, expected a detector such as \
         maskrcnn_resnet50_fpn; `kestrel classify` takes classifiers, and `kestrel model list` shows \
         which is which"
    )
}

/// The architecture of a detector in a YAML file.
pub(crate) fn read_architecture(path: &Path) -> Result<Architecture> {
    let origin = path.display().to_string();
    Ok(Architecture::from_yaml(&read_architecture_text(path)?, &origin)?)
}

/// What the file of `--architecture` holds.
pub(crate) fn read_architecture_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        anyhow!("--architecture: cannot read {path}: {error}; expected a YAML file, check the path")
    })
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}
