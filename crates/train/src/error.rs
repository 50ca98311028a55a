//! Why a run does not start, or stops.

use crate::config::SettingError;
use kestrel_data::{CropsError, Dataset, FormatError, LoaderError, SplitError};
use kestrel_eval::EvalError;
use kestrel_rcnn::RcnnError;
use kestrel_resnet::ClassifierError;
use kestrel_weights::WeightsError;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A run that does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting that makes no sense.
    #[error("config: {0}")]
    Setting(#[from] SettingError),
    /// Nothing to learn from was named.
    #[error("data.path is not given; name a folder with `--data FOLDER`, or in the config")]
    NoData,
    /// The data set cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The data set cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A split that is not there.
    #[error("data.{key}: {place} has no split `{name}`; it has {found}; name one of them")]
    NoSplit {
        /// The key that asks for it.
        key: &'static str,
        /// The split asked for.
        name: String,
        /// Where it was looked for.
        place: String,
        /// The splits that are there.
        found: String,
    },
    /// No image to learn from.
    #[error("{place}: found no image to learn from; expected at least one")]
    NoImages {
        /// The data set.
        place: String,
    },
    /// No class to learn.
    #[error(
        "{place}: found no class, so there is nothing to learn; expected at least one annotated \
         object or a list of class names"
    )]
    NoClasses {
        /// The data set.
        place: String,
    },
    /// Whole pictures where boxes are to be learnt.
    #[error(
        "{place}: found a folder of pictures for each class, which says nothing about boxes; `--task \
         classify` learns what whole pictures show"
    )]
    NoBoxes {
        /// The data set.
        place: String,
    },
    /// One class where they are to be told apart.
    #[error(
        "{place}: found `{name}` as the only class, so there is nothing to tell apart; expected at \
         least two, of which one may be the background (`classify.crops.background_ratio`)"
    )]
    OneClass {
        /// The data set.
        place: String,
        /// The class.
        name: String,
    },
    /// The objects of a detection set cannot be cut out.
    #[error(transparent)]
    Crops(#[from] CropsError),
    /// Crops that another run may have cut.
    #[error(
        "{place}: found a folder where the objects of the data are to be cut out to; remove it, or name \
         another folder for the run with `--output`",
        place = place.display()
    )]
    CropsThere {
        /// The folder.
        place: PathBuf,
    },
    /// Masks were asked for and are not there.
    #[error(
        "data.masks is `always`, but {objects} of {of} objects to learn have no outline; `if_present` \
         leaves those out, `never` learns boxes only"
    )]
    MasksMissing {
        /// Objects without an outline.
        objects: usize,
        /// All objects that are learnt.
        of: usize,
    },
    /// The loader does not start.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// libtorch did not do it.
    #[error(
        "step {step}: {reason}; where memory is out, take a smaller `loader.batches.batch_size` with \
         more `train.accumulate`, or smaller pictures (`model.architecture.resize.min_size`)"
    )]
    Network {
        /// The step, counted from 1.
        step: u64,
        /// What libtorch said.
        reason: String,
    },
    /// libtorch did not build the network.
    #[error("building the model: {reason}; where memory is out, `model.architecture` is too large")]
    Build {
        /// What libtorch said.
        reason: String,
    },
    /// A look at the validation pictures failed.
    #[error(
        "scoring: {reason}; where memory is out, smaller pictures \
         (`model.architecture.resize.min_size`) and `validation.losses=false` take less"
    )]
    Look {
        /// What libtorch or the loader said.
        reason: String,
    },
    /// A batch could not be made.
    #[error("step {step}: {reason}")]
    Batch {
        /// The step it was for, counted from 1.
        step: u64,
        /// Why.
        reason: String,
    },
    /// No picture can be read.
    #[error(
        "step {step}: no picture of an epoch can be read; the last is {path}: {reason}; `kestrel \
         data check` names all such files",
        path = path.display()
    )]
    Unreadable {
        /// The step it was for, counted from 1.
        step: u64,
        /// The last file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A loss or the gradients are no number any more.
    #[error(
        "step {step}: {what} is {value}, and the run ends here. The images were {images}; look at them \
         with `kestrel data preview`, or begin anew with a lower `train.lr`, a longer \
         `train.schedule.warmup_steps`, or `train.clip_norm`"
    )]
    NotFinite {
        /// The step, counted from 1.
        step: u64,
        /// The loss by its name, or the gradients.
        what: String,
        /// Its value.
        value: f64,
        /// Files of the batch.
        images: String,
    },
    /// The detector refuses.
    #[error(transparent)]
    Rcnn(#[from] RcnnError),
    /// The classifier refuses.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The starting point does not fit.
    #[error("model.start: {0}")]
    Start(String),
    /// The scores cannot be computed.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A checkpoint that is not one of this run.
    #[error("{path}: {reason}", path = path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file or folder of the run cannot be written or read.
    #[error(
        "{path}: {source}; the run needs to write there: check the path, rights and free space",
        path = path.display()
    )]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl TrainError {
    pub(crate) fn no_split(
        key: &'static str,
        name: &str,
        splits: &BTreeMap<String, Dataset>,
        place: &str,
    ) -> Self {
        let names: Vec<String> = splits.keys().map(|name| format!("`{name}`")).collect();
        let found = if names.is_empty() { "no other".to_owned() } else { names.join(", ") };
        Self::NoSplit { key, name: name.to_owned(), place: place.to_owned(), found }
    }

    /// What a file operation on `path` failed with.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
