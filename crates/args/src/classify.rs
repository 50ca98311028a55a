//! What `kestrel classify` takes.

use crate::{ComputeArgs, Precision, count, is_csv};
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// `kestrel classify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel classify photo.jpg --model resnet50
  kestrel classify photos/ --model runs/flowers/model.safetensors --top-k 1 --format csv -o found.csv")]
pub struct ClassifyArgs {
    /// Picture files, folders (searched for pictures), or patterns such as 'photos/*.jpg'.
    #[arg(required = true)]
    pub inputs: Vec<String>,
    /// A fetched classifier, or a .safetensors or .pth file of one.
    #[arg(long, short)]
    pub model: String,
    /// What the model is made of, as YAML, where its file does not say so itself.
    #[arg(long, value_name = "FILE")]
    pub architecture: Option<PathBuf>,
    /// In what the network multiplies; 16 bits take less time on a card.
    #[arg(long, value_enum, default_value_t = Precision::Float32)]
    pub precision: Precision,
    /// Classes named for each picture, the likeliest first.
    #[arg(long, short = 'k', value_name = "K", default_value = "5", value_parser = count)]
    pub top_k: NonZeroUsize,
    /// Where results go; `-` is standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How results are written [default: csv where the output ends in .csv, a table on a terminal,
    /// else json].
    #[arg(long, short, value_enum)]
    pub format: Option<ClassFormat>,
    /// Pictures that go through the network together; results do not depend on it.
    #[arg(long, value_name = "N", default_value = "8", value_parser = count)]
    pub batch: NonZeroUsize,
    /// Where the network runs.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

impl ClassifyArgs {
    /// How results are written: as was said, else as the name of the file ends.
    pub fn format(&self, to_table: bool) -> ClassFormat {
        let default = match &self.output {
            Some(path) if is_csv(path) => ClassFormat::Csv,
            _ if to_table => ClassFormat::Table,
            _ => ClassFormat::Json,
        };
        self.format.unwrap_or(default)
    }
}

/// How predictions are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClassFormat {
    /// Aligned columns for a person
    Table,
    /// One JSON object a line, one line an image
    Json,
    /// One line a class named, with a header
    Csv,
}
