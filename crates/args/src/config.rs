//! `kestrel config ...`, as clap reads it.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `kestrel config ...`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Write a config to start from, each key with what it is for.
    #[command(after_help = "\
Examples:
  kestrel config init --data photos/
  kestrel config init --data photos/ -o - | less")]
    Init {
        /// A folder of labelled pictures, an annotation file, or a descriptor.
        #[arg(long, short, value_name = "PATH")]
        data: Option<PathBuf>,
        /// The file to write; `-` is standard output.
        #[arg(long, short, value_name = "FILE", default_value = "train.yaml")]
        output: PathBuf,
    },
    /// Print every key of a config, with its value and who said it.
    #[command(after_help = "\
Examples:
  kestrel config show custom/nuclei.yaml
  kestrel config show train.yaml --set train.lr=0.01 --set 'train.schedule.milestones=[8, 11]'")]
    Show(ConfigFileArgs),
    /// Say whether a config makes a run, without starting it.
    #[command(after_help = "\
Examples:
  kestrel config check custom/finetune-masks.yaml
  kestrel config check quick/nuclei.yaml --data tiles/")]
    Check {
        /// Which config.
        #[command(flatten)]
        file: ConfigFileArgs,
        /// The data in place of the config's, as `kestrel train` takes them.
        #[arg(long, short, value_name = "PATH")]
        data: Option<PathBuf>,
    },
}

/// A config and what changes it.
#[derive(Debug, Args)]
pub struct ConfigFileArgs {
    /// A YAML file; where there is none, one of those built in, such as custom/nuclei.yaml.
    #[arg(value_name = "FILE")]
    pub config: PathBuf,
    /// Changes a value of the config, as KEY=VALUE; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}
