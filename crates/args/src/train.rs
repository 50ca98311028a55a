//! What `kestrel train` takes.

use crate::{ComputeArgs, count};
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// `kestrel train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel train --data photos/
  kestrel train configs/custom/nuclei.yaml --set train.lr=0.01
  kestrel train --resume runs/photos
  kestrel train --task classify --data flowers/")]
pub struct TrainArgs {
    /// The run as YAML; `kestrel config init` writes one to start from.
    #[arg(conflicts_with = "resume")]
    pub config: Option<PathBuf>,
    /// A folder of labelled pictures, an annotation file, or a descriptor.
    #[arg(long, short, value_name = "PATH", conflicts_with = "resume")]
    pub data: Option<PathBuf>,
    /// What is learnt: boxes and masks, or one class for a whole picture. The latter takes a folder of
    /// pictures for each class, or a detection set, whose objects it cuts out [default: the config's,
    /// detect].
    #[arg(long, value_enum, conflicts_with = "resume")]
    pub task: Option<Task>,
    /// The folder the run writes to [default: runs/NAME, after the config or the data].
    #[arg(long, short, value_name = "DIR", conflicts_with = "resume")]
    pub output: Option<PathBuf>,
    /// Goes on with the run in this folder, exactly as if it had not been interrupted.
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
    /// Changes a value of the config, as KEY=VALUE; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "resume")]
    pub set: Vec<String>,
    /// Starts from these weights: a built-in or fetched model, or a file.
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    pub start: Option<String>,
    /// Times every image is seen.
    #[arg(long, value_name = "N", value_parser = epochs, conflicts_with = "resume")]
    pub epochs: Option<f64>,
    /// Images in a batch.
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "resume")]
    pub batch: Option<NonZeroUsize>,
    /// Where the network runs.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// What is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Boxes, and masks where there are any
    Detect,
    /// One class for a whole picture
    Classify,
}

impl Task {
    /// The word in a config.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Classify => "classify",
        }
    }
}

fn epochs(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(epochs) if epochs > 0.0 && epochs.is_finite() => Ok(epochs),
        _ => Err("expected a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arguments;
    use clap::Parser;

    #[test]
    fn lengths_and_batches_are_counted_as_elsewhere() {
        let refusal = |options: &[&str]| {
            let words = ["kestrel", "train"].iter().chain(options);
            Arguments::try_parse_from(words).map(drop).unwrap_err().to_string()
        };
        for wrong in ["0", "-1", "many", "1.5"] {
            let said = refusal(&[&format!("--batch={wrong}")]);
            assert!(said.contains("expected a whole number, at least 1"), "{wrong}: {said}");
        }
        for wrong in ["0", "-1", "nan", "inf", "many"] {
            let said = refusal(&[&format!("--epochs={wrong}")]);
            assert!(said.contains("expected a number above 0"), "{wrong}: {said}");
        }
        assert_eq!(epochs("0.5"), Ok(0.5));
    }
}
