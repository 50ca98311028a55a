//! From what follows `--model` to weights: a built-in name, a fetched name, or a file.

use crate::console;
use anyhow::{Result, anyhow, bail};
use kestrel_core::closest;
use kestrel_rcnn::{Architecture, Metadata};
use kestrel_weights::StateDict;
use kestrel_zoo::{Cache, Kind, Model};
use std::path::{Path, PathBuf};

/// The model used when none is named.
pub(crate) const DEFAULT: &str = "nuclei";

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
    about: "Mask R-CNN for nuclei in micrographs; mask AP 0.543 (models/README.md)",
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
    if model.kind() == Kind::Classifier {
        bail!(
            "model `{name}`: found a classifier of whole pictures, expected a detector such as \
             maskrcnn_resnet50_fpn; `kestrel model list` shows which is which"
        );
    }
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
    let source = ModelSource::find(name)?;
    let given = architecture.map(read_architecture).transpose()?;
    let weights = source.read()?;
    let metadata = Metadata::of(&weights, given)?;
    if metadata.inferred {
        console::note(format_args!(
            "note: {name} does not say what it is made of; read off its weights as {} with {} \
             classes, picture and anchor sizes as in torchvision",
            metadata.architecture.family(),
            metadata.architecture.num_classes
        ));
    }
    Ok((weights, metadata))
}

fn read_architecture(path: &Path) -> Result<Architecture> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        anyhow!(
            "--architecture: cannot read {origin}: {error}; expected a YAML file, check the path"
        )
    })?;
    Ok(Architecture::from_yaml(&text, &origin)?)
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}
