//! The command line of `kestrel`, as clap reads it. Nothing here needs libtorch.

mod classify;
mod config;
mod data;
mod eval;
mod train;
mod video;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use classify::{ClassFormat, ClassifyArgs};
pub use config::{ConfigCommand, ConfigFileArgs};
pub use data::{
    CheckArgs, ConvertDataArgs, CropsArgs, DataArgs, DataCommand, DataFormat, DrawnArgs,
    MicrographArgs, Part, Pictures, PreviewArgs, SequenceArgs, ShapesArgs, SplitArgs, SynthCommand,
};
pub use eval::{CompareArgs, EvalArgs, EvalCommand, ScoreArgs, TracksArgs, TruthArgs};
pub use train::{Task, TrainArgs};
pub use video::{VideoArgs, VideoFormat};

/// Detect objects and segment instances in pictures with Faster R-CNN and Mask R-CNN.
#[derive(Debug, Parser)]
#[command(name = "kestrel", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find objects in pictures.
    Detect(DetectArgs),
    /// Say what pictures show, one class for the whole of each.
    Classify(ClassifyArgs),
    /// Train a detector on your own pictures.
    Train(TrainArgs),
    /// Begin, show and check configs of runs.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Find objects in a clip and follow them from frame to frame.
    Video(VideoArgs),
    /// Look at, convert, list and fetch models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Score a model, or results, against ground truth.
    Eval(EvalArgs),
    /// Check, convert, split, show and draw data sets.
    #[command(subcommand)]
    Data(DataCommand),
    /// Say what this machine and this installation can do.
    #[command(after_help = "Example:\n  kestrel doctor")]
    Doctor,
}

/// `kestrel detect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel detect photo.jpg
  kestrel detect photos/ 'more/*.png' --model maskrcnn_resnet50_fpn -o found.json
  kestrel detect tiles/ --format csv -o found.csv --save-images drawn/ --score 0.5")]
pub struct DetectArgs {
    /// Picture files, folders (searched for pictures), or patterns such as 'photos/*.jpg'.
    #[arg(required = true)]
    pub inputs: Vec<String>,
    /// What looks for objects.
    #[command(flatten)]
    pub detector: DetectorArgs,
    /// Where results go; `-` is standard output. For yolo a folder.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How results are written [default: csv where the output ends in .csv, else json].
    #[arg(long, short, value_enum)]
    pub format: Option<Format>,
    /// Keep detections whose score is above this, between 0 and 1 [default: the model's, 0.05].
    #[arg(long, value_parser = score)]
    pub score: Option<f32>,
    /// Keep at most this many of a picture [default: the model's].
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_detections: Option<NonZeroUsize>,
    /// Keep only these classes, by name.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Also write each picture, with what was found drawn on it, into this folder.
    #[arg(long, value_name = "DIR")]
    pub save_images: Option<PathBuf>,
    /// Pictures that go through the network together.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub batch: NonZeroUsize,
    /// Leave out what makes the network faster, to compare: docs/performance.md.
    #[arg(long, value_enum, value_delimiter = ',', hide = true)]
    pub without: Vec<Speedup>,
    /// Where the network runs.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

impl DetectArgs {
    /// How results are written: as was said, else as the name of the file ends.
    pub fn format(&self) -> Format {
        let default = match &self.output {
            Some(path) if is_csv(path) => Format::Csv,
            _ => Format::Json,
        };
        self.format.unwrap_or(default)
    }
}

/// What looks for objects.
#[derive(Debug, Args)]
pub struct DetectorArgs {
    /// A built-in model, a fetched one, or a .safetensors or .pth file [default: nuclei].
    #[arg(long, short)]
    pub model: Option<String>,
    /// What the model is made of, as YAML, where its file does not say so itself.
    #[arg(long, value_name = "FILE")]
    pub architecture: Option<PathBuf>,
    /// In what the network multiplies; 16 bits take less time on a card, and scores change in the
    /// third digit.
    #[arg(long, value_enum, default_value_t = Precision::Float32)]
    pub precision: Precision,
}

impl DetectorArgs {
    /// What follows `--model` and `--architecture`; a model's may be a name and no file.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let model = self.model.as_deref().map(Path::new);
        model.into_iter().chain(self.architecture.as_deref())
    }
}

/// How detections are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line, one line an image
    Json,
    /// A COCO results list
    Coco,
    /// One line a detection, with a header
    Csv,
    /// A folder with one text file an image, `class cx cy w h score` a line
    Yolo,
}

/// What makes a network faster and its numbers no different, but for rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Speedup {
    /// Norms as part of the convolutions before them.
    Folding,
    /// 3x3 convolutions with a quarter of the products.
    Winograd,
    /// On a card, convolution, bias and activation in one kernel.
    Fusing,
}

/// Where and how wide the network runs.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// cpu, cuda, or cuda:1 for the second card.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Threads used [default: all cores].
    #[arg(long, value_name = "N", value_parser = count)]
    pub threads: Option<NonZeroUsize>,
}

/// `kestrel model ...`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Show what a model file holds.
    #[command(after_help = "Example:\n  kestrel model info nuclei")]
    Info {
        /// A built-in model, a fetched one, or a file.
        model: String,
        /// What the model is made of, as YAML, where its file does not say so itself.
        #[arg(long, value_name = "FILE")]
        architecture: Option<PathBuf>,
    },
    /// Write a model as one .safetensors file that holds all Kestrel needs.
    #[command(
        after_help = "Example:\n  kestrel model convert model.pth --architecture model.yaml \
                      --classes cat,dog -o model.safetensors"
    )]
    Convert(ConvertArgs),
    /// List built-in and published models.
    #[command(after_help = "Example:\n  kestrel model list")]
    List,
    /// Download a published model into the cache.
    #[command(after_help = "Example:\n  kestrel model fetch maskrcnn_resnet50_fpn")]
    Fetch {
        /// One of the names that `kestrel model list` shows.
        name: String,
    },
}

/// `kestrel model convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// A built-in model, a fetched one, or a file.
    pub model: String,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// What the model is made of, as YAML, where its file does not say so itself.
    #[arg(long, value_name = "FILE")]
    pub architecture: Option<PathBuf>,
    /// Names of the classes in label order, without the background.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Storage::AsIs)]
    pub float: Storage,
    /// A remark kept in the file, as KEY=TEXT; may be given several times.
    #[arg(long, value_name = "KEY=TEXT", value_parser = note)]
    pub note: Vec<Note>,
}

/// One `--note`.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it is about.
    pub key: String,
    /// The remark.
    pub text: String,
}

/// In what a network multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Four bytes a number.
    Float32,
    /// Two bytes with the range of float32.
    Bfloat16,
    /// Two bytes with more digits; cards only.
    Float16,
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Storage {
    /// As the source has them.
    AsIs,
    /// Four bytes a weight.
    F32,
    /// Two bytes a weight; scores change in the third digit.
    F16,
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn score(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(score),
        _ => Err("expected a number between 0 and 1".to_owned()),
    }
}

fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number, at least 1".to_owned())
}

fn note(text: &str) -> Result<Note, String> {
    let (key, text) = text.split_once('=').ok_or("expected KEY=TEXT")?;
    Ok(Note { key: key.to_owned(), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_ends_in_csv_is_meant_so() {
        let formats = |options: &[&str]| {
            let parsed = |command: &str| {
                let words = ["kestrel", command, "a.png", "--model=m"];
                Arguments::parse_from(words.iter().chain(options)).command
            };
            match (parsed("detect"), parsed("classify")) {
                (Command::Detect(detect), Command::Classify(classify)) => {
                    (detect.format(), classify.format(false))
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(formats(&["-o", "deep/x.CSV"]), (Format::Csv, ClassFormat::Csv));
        assert_eq!(formats(&["-o", "x.csv", "-f", "json"]), (Format::Json, ClassFormat::Json));
        for other in ["x.json", "x.jsonl", "x", "csv", "-"] {
            assert_eq!(formats(&["-o", other]), (Format::Json, ClassFormat::Json), "{other}");
        }
        assert_eq!(formats(&["-f", "csv"]), (Format::Csv, ClassFormat::Csv));
    }
}
