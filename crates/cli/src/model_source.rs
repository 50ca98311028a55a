//! From what follows `--model` to weights: a built-in name, a fetched name, or a file.

use anyhow::{Context, Result, bail};
use kestrel_rcnn::{Architecture, Metadata};
use kestrel_weights::StateDict;
use kestrel_zoo::Cache;
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

impl ModelSource {
    /// A file that exists wins over a name.
    pub(crate) fn find(name: &str) -> Result<Self> {
        if Path::new(name).is_file() {
            return Ok(Self::File(name.into()));
        }
        if let Some(model) = BUILT_IN.iter().find(|model| model.name.eq_ignore_ascii_case(name)) {
            return Ok(Self::BuiltIn(model));
        }
        if looks_like_a_path(name) {
            bail!("model {name}: no such file");
        }
        let published = kestrel_zoo::find(name).with_context(|| {
            format!("model `{name}`: neither a file nor a built-in model ({DEFAULT})")
        })?;
        match Cache::from_env()?.get(published) {
            Some(path) => Ok(Self::File(path)),
            None => bail!(
                "model `{name}` is published but not on this machine yet; run `kestrel model \
                 fetch {name}` first"
            ),
        }
    }

    /// Reads the weights.
    pub(crate) fn read(&self) -> Result<StateDict> {
        Ok(match self {
            Self::BuiltIn(model) => StateDict::from_safetensors_bytes(model.name, model.bytes)?,
            Self::File(path) => StateDict::read(path)?,
        })
    }
}

/// Weights and what to build for them; a note on standard error where that had to be guessed.
pub(crate) fn open(name: &str, architecture: Option<&Path>) -> Result<(StateDict, Metadata)> {
    let source = ModelSource::find(name)?;
    let given = architecture.map(read_architecture).transpose()?;
    let weights = source.read()?;
    let metadata = Metadata::of(&weights, given)?;
    if metadata.inferred {
        eprintln!(
            "note: {name} does not say what it is made of; read off its weights as {} with {} \
             classes, picture and anchor sizes as in torchvision",
            metadata.architecture.family(),
            metadata.architecture.num_classes
        );
    }
    Ok((weights, metadata))
}

fn read_architecture(path: &Path) -> Result<Architecture> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the architecture {}", path.display()))?;
    Ok(Architecture::from_yaml(&text, &path.display().to_string())?)
}

fn looks_like_a_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some()
}
