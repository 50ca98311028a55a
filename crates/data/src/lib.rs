//! Pictures and data sets, in and out: finding and decoding files, reading what people annotated,
//! writing both, and drawing test data.
//!
//! * [`Dataset`] is a data set as its files describe it, whatever their format was;
//! * [`check`] finds what is wrong with it, and [`repair`] puts right what can be;
//! * [`find_images`] turns what a user names into picture files;
//! * [`decode`] reads one as a viewer would show it, within [`DecodeLimits`];
//! * [`augment`] changes samples at random, and [`Loader`] makes batches of them;
//! * [`write_picture`] writes one, whole or not at all;
//! * [`write_crops`] cuts the objects out, for a classifier to be trained on;
//! * [`split_dataset`] makes several data sets of one, each with its share of every class;
//! * [`micrograph`] and [`micrograph_sequence`] draw fluorescence micrographs with known masks,
//!   and [`shapes`] coloured shapes.
//!
//! Nothing here knows of tensors.

pub mod augment;
mod check;
mod crops;
mod dataset;
mod decode;
mod encode;
mod file_names;
mod formats;
mod inputs;
mod loader;
mod split;
mod synth;

pub use augment::{AugmentError, Augmentation, Augmenter, Chance};
pub use check::{
    AnchorFit, AnchorGrid, Change, ChangeKind, CheckOptions, CheckReport, ClassRow, PictureFacts,
    PictureState, Repaired, SizeHistogram, SplitReport, check, repair,
};
pub use crops::{CropsConfig, CropsError, CropsSummary, classes_of_crops, write_crops};
pub use dataset::{
    Category, CategoryId, Collection, Dataset, Finding, FindingKind, Format, ImageRecord, Object,
    ObjectBox, Outline, Place, Sample, SampleError, Severity, Split,
};
pub use decode::{DecodeError, DecodeLimits, decode, decode_bytes, probe};
pub use encode::{EncodeError, jpeg_bytes, write_picture};
pub use file_names::split_file_names;
pub use formats::{
    FormatError, ImageFiles, Loss, LossKind, REPAIRED_EXTENSION, WriteError, WriteFormat,
    WriteSummary, read_collection, read_descriptor, write_coco, write_collection,
};
pub use inputs::{InputError, PICTURE_EXTENSIONS, find_images};
pub use loader::{
    BatchError, BatchOrder, BatchOrderConfig, Loaded, Loader, LoaderConfig, LoaderError,
    LoaderPosition, LoaderRun, Unreadable,
};
pub use split::{SplitConfig, SplitError, SplitFraction, split_dataset};
pub use synth::{
    DrawnShape, Micrograph, MicrographConfig, MicrographError, MicrographFrame, MicrographSequence,
    MotionConfig, ShapeClass, ShapesConfig, ShapesError, ShapesPicture, TrackedNucleus, micrograph,
    micrograph_sequence, shapes,
};
