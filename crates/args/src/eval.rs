//! `kestrel eval ...`, as clap reads it.

use crate::{ComputeArgs, Precision, count, score};
use clap::{Args, Subcommand};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// `kestrel eval ...`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  kestrel eval --model nuclei --data tiles/ --split val
  kestrel eval --results found.json --data instances.json --report report.html
  kestrel eval compare before.json after.json --data instances.json"
)]
pub struct EvalArgs {
    /// What to do instead of scoring.
    #[command(subcommand)]
    pub command: Option<EvalCommand>,
    /// Scoring.
    #[command(flatten)]
    pub score: ScoreArgs,
}

/// Other things to do with results.
#[derive(Debug, Subcommand)]
pub enum EvalCommand {
    /// Say whether one result file is better than another, and how surely.
    #[command(after_help = "Example:\n  kestrel eval compare before.json after.json --data \
                      instances.json\n\nThe interval comes from drawing pictures again, the same \
                      ones for both files (paired bootstrap).")]
    Compare(CompareArgs),
    /// Score the tracks of clips: MOTA, IDF1, HOTA, id switches.
    #[command(
        after_help = "Examples:\n  kestrel eval tracks clip-kestrel.mot.txt --truth gt.txt\n  kestrel \
                      eval tracks a.txt b.txt --truth a-gt.txt b-gt.txt --json scores.json\n\nBoth \
                      are MOTChallenge text; boxes match at an overlap of 0.5, in HOTA at 0.05 to \
                      0.95. Boxes of the truth with confidence 0 are left out."
    )]
    Tracks(TracksArgs),
}

/// `kestrel eval`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The model to score: a built-in one, a fetched one, or a file.
    #[arg(long, short, required_unless_present = "results", conflicts_with = "results")]
    pub model: Option<String>,
    /// What the model is made of, as YAML, where its file does not say so itself.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub architecture: Option<PathBuf>,
    /// In what the network multiplies; 16 bits take less time on a card.
    #[arg(long, value_enum, default_value_t = Precision::Float32, conflicts_with = "results")]
    pub precision: Precision,
    /// Results to score: a COCO result list, or what `kestrel detect` wrote.
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// The ground truth.
    #[command(flatten)]
    pub truth: TruthArgs,
    /// Also report AP at these overlaps [default on the page and in JSON: COCO's ten].
    #[arg(long, value_name = "IOU", value_delimiter = ',', value_parser = score)]
    pub iou: Vec<f32>,
    /// Score from which on a detection counts in the confusion matrix and for single pictures
    /// [default: where F1 is best].
    #[arg(long, value_parser = score)]
    pub score: Option<f32>,
    /// Also write all numbers as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also write a page with tables, plots and the worst pictures.
    #[arg(long, value_name = "HTML")]
    pub report: Option<PathBuf>,
    /// Also keep the model's detections, as a COCO result list.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub save_results: Option<PathBuf>,
    /// The worst pictures shown on the page.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub worst: usize,
    /// Pictures that go through the network together.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub batch: NonZeroUsize,
    /// Where the network runs.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Ground truth to score against.
#[derive(Debug, Args)]
pub struct TruthArgs {
    /// A folder, an annotation file, or a dataset .yaml.
    // Clap sees to it that it is given, but not to `eval compare` before its own is read.
    #[arg(long, short, value_name = "PATH", required = true)]
    data: Option<PathBuf>,
    /// The split of it to score on [default: val where there is one, else the only one].
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
}

/// `kestrel eval compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The results to start from.
    pub before: PathBuf,
    /// The results that may be better.
    pub after: PathBuf,
    /// The ground truth of both.
    #[command(flatten)]
    pub truth: TruthArgs,
    /// How often pictures are drawn again.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = count)]
    pub samples: NonZeroUsize,
    /// Equal seeds give equal intervals.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Also write all numbers as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// `kestrel eval tracks`.
#[derive(Debug, Args)]
pub struct TracksArgs {
    /// What was found, a file for each clip.
    #[arg(required = true)]
    pub found: Vec<PathBuf>,
    /// What is true, as many files in the same order.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub truth: Vec<PathBuf>,
    /// Also write all numbers as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl TruthArgs {
    /// Where the ground truth is.
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(""))
    }
}
