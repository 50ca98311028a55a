//! `kestrel data ...`, as clap reads it.

use crate::count;
use clap::{Args, Subcommand, ValueEnum};
use kestrel_video::FrameRate;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// `kestrel data ...`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Look for what is wrong with a data set before an hour is spent on it.
    Check(CheckArgs),
    /// Write a data set in another format.
    Convert(ConvertDataArgs),
    /// Divide a data set, each class in the same shares.
    Split(SplitArgs),
    /// Cut the objects out, into a folder a class, to train a classifier on.
    Crops(CropsArgs),
    /// Draw some of its pictures with their boxes and masks on one sheet.
    Preview(PreviewArgs),
    /// Draw pictures whose objects are known.
    #[command(subcommand)]
    Synth(SynthCommand),
}

/// Which data.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// A folder, an annotation file, a YOLO data.yaml or a dataset .yaml; its format is found by
    /// looking.
    pub data: PathBuf,
    /// Only this split of it, such as train or val [default: all of them].
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
}

/// `kestrel data check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel data check photos/
  kestrel data check photos/ --fix
  kestrel data check tiles/ --json findings.json --model nuclei

Exit code 1 means that something would break training.")]
pub struct CheckArgs {
    /// The data set.
    #[command(flatten)]
    pub data: DataArgs,
    /// Also write everything found as JSON; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write what is left after all repairs as COCO, NAME.repaired.json beside the original.
    #[arg(long)]
    pub fix: bool,
    /// Do not open the pictures: faster, and finds less.
    #[arg(long)]
    pub no_images: bool,
    /// Compare object sizes with the anchors of this model instead of the published detectors'.
    #[arg(long)]
    pub model: Option<String>,
    /// Lines shown of each kind.
    #[arg(long, value_name = "N", default_value = "5")]
    pub lines: usize,
}

/// `kestrel data convert`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kestrel data convert photos/ --to yolo -o photos-yolo")]
pub struct ConvertDataArgs {
    /// The data set.
    #[command(flatten)]
    pub data: DataArgs,
    /// The format to write.
    #[arg(long, value_enum)]
    pub to: DataFormat,
    /// The folder to write into, new or empty.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// What becomes of the pictures.
    #[arg(long, value_enum, default_value_t = Pictures::Copy)]
    pub images: Pictures,
}

/// A format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataFormat {
    /// One JSON a split.
    Coco,
    /// One XML a picture; boxes only.
    Voc,
    /// One text file a picture; boxes, or one outline an object.
    Yolo,
}

/// What becomes of the pictures of a data set that is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pictures {
    /// They are copied beside the annotations.
    Copy,
    /// They are linked to (a symbolic link, or a copy where there are none).
    Link,
    /// They stay, and what is written names the way to them; not for YOLO, whose labels are looked for
    /// beside the pictures.
    Leave,
}

/// `kestrel data split`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel data split photos/ -o parts
  kestrel data split photos/ -o parts --parts train=0.7,val=0.2,test=0.1 --group '^(.*)_frame'

Writes one COCO json a part; the pictures stay where they are.")]
pub struct SplitArgs {
    /// The data set.
    #[command(flatten)]
    pub data: DataArgs,
    /// The folder for the files.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Names and shares, which sum to 1.
    #[arg(long, value_name = "NAME=SHARE", value_delimiter = ',', value_parser = part,
          default_values = ["train=0.8", "val=0.2"])]
    pub parts: Vec<Part>,
    /// Keep pictures together, such as frames of one clip: a regular expression whose first group (or
    /// whole match, if it has none) is the same in their names.
    #[arg(long, value_name = "PATTERN")]
    pub group: Option<String>,
    /// Equal seeds give equal parts.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// One `NAME=SHARE`.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the part is called.
    pub name: String,
    /// Its share of the pictures, between 0 and 1.
    pub share: f64,
}

/// `kestrel data crops`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  kestrel data crops photos/ -o crops\n  kestrel train --task classify \
                        --data crops\n\nThe second command also takes photos/ as it is."
)]
pub struct CropsArgs {
    /// The data set.
    #[command(flatten)]
    pub data: DataArgs,
    /// The folder for the pictures, new or empty.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Margin on each side, over the longer side of the object's box.
    #[arg(long, value_name = "PART", default_value = "0.15")]
    pub margin: f64,
    /// Leave out objects whose longer side is shorter.
    #[arg(long, value_name = "PIXELS", default_value = "8")]
    pub min_side: f64,
    /// Shrink larger crops to this side.
    #[arg(long, value_name = "PIXELS", default_value = "128", value_parser = count)]
    pub max_side: NonZeroUsize,
    /// Crops without objects for each object, as a class `background`; 0 for none [default: as many
    /// as objects of a class on average].
    #[arg(long, value_name = "RATIO")]
    pub background: Option<f64>,
    /// Where crops without objects lie.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `kestrel data preview`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kestrel data preview photos/ -o sheet.png
  kestrel data preview photos/ -o sheet.png --augment base/augment.yaml --count 24")]
pub struct PreviewArgs {
    /// The data set.
    #[command(flatten)]
    pub data: DataArgs,
    /// The PNG to write.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Pictures shown.
    #[arg(long, value_name = "N", default_value = "16", value_parser = count)]
    pub count: NonZeroUsize,
    /// Also show each picture as training would see it: a config, for its `loader.augment`.
    #[arg(long, value_name = "YAML")]
    pub augment: Option<PathBuf>,
    /// Which pictures, and how the augmentation falls out.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Side of a tile in pixels.
    #[arg(long, value_name = "PIXELS", default_value = "320", value_parser = count)]
    pub side: NonZeroUsize,
}

/// `kestrel data synth ...`.
#[derive(Debug, Subcommand)]
pub enum SynthCommand {
    /// Fluorescence micrographs of nuclei: blurred, noisy, unevenly lit, some touching.
    #[command(
        after_help = "Example:\n  kestrel data synth micrograph -o drawn --seed 7\n\nWrites \
                      PNG pictures and their nuclei as COCO ground truth, truth.json."
    )]
    Micrograph(MicrographArgs),
    /// Plain shapes of several classes that hide each other.
    #[command(
        after_help = "Example:\n  kestrel data synth shapes -o drawn --count 50\n\nWrites PNG \
                      pictures and their shapes as COCO ground truth, truth.json."
    )]
    Shapes(ShapesArgs),
    /// A clip of moving, touching and dividing nuclei with their masks and tracks.
    #[command(after_help = "Example:\n  kestrel data synth sequence -o drawn --frames 100 --seed \
                      7\n\nWrites the frames as PNG and as sequence.mp4, their nuclei as COCO ground \
                      truth with track ids, truth.json, and as MOTChallenge text, truth.mot.txt.")]
    Sequence(SequenceArgs),
}

/// What every drawing command takes.
#[derive(Debug, Args)]
pub struct DrawnArgs {
    /// The folder to write into.
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,
    /// Equal seeds draw equal pictures.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `kestrel data synth micrograph`.
#[derive(Debug, Args)]
pub struct MicrographArgs {
    /// Where it goes, and which.
    #[command(flatten)]
    pub drawn: DrawnArgs,
    /// Pictures drawn.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub count: NonZeroUsize,
    /// Draw frames of one moving scene instead of separate pictures.
    #[arg(long)]
    pub moving: bool,
    /// Nuclei in a picture [default: 28].
    #[arg(long, value_name = "N")]
    pub nuclei: Option<usize>,
    /// Height and width of a picture in pixels [default: 256].
    #[arg(long, value_name = "PIXELS")]
    pub side: Option<usize>,
}

/// `kestrel data synth sequence`.
#[derive(Debug, Args)]
pub struct SequenceArgs {
    /// Where it goes, and which.
    #[command(flatten)]
    pub drawn: DrawnArgs,
    /// Frames drawn.
    #[arg(long, value_name = "N", default_value = "100", value_parser = count)]
    pub frames: NonZeroUsize,
    /// Frames a second of the clip, such as 10 or 30000/1001.
    #[arg(long, value_name = "RATE", default_value = "10")]
    pub fps: FrameRate,
    /// Nuclei in a frame [default: 28].
    #[arg(long, value_name = "N")]
    pub nuclei: Option<usize>,
    /// Height and width of a frame in pixels [default: 256].
    #[arg(long, value_name = "PIXELS")]
    pub side: Option<usize>,
    /// Chance that a nucleus divides in a frame, from 0 to 0.1.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.002)]
    pub divisions: f64,
    /// Write the frames alone; no ffmpeg is needed.
    #[arg(long)]
    pub no_video: bool,
}

/// `kestrel data synth shapes`.
#[derive(Debug, Args)]
pub struct ShapesArgs {
    /// Where it goes, and which.
    #[command(flatten)]
    pub drawn: DrawnArgs,
    /// Pictures drawn.
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub count: NonZeroUsize,
    /// Height and width of a picture in pixels [default: 256].
    #[arg(long, value_name = "PIXELS")]
    pub side: Option<usize>,
}

fn part(text: &str) -> Result<Part, String> {
    let expected = || "expected NAME=SHARE, such as val=0.2".to_owned();
    let (name, share) = text.split_once('=').ok_or_else(expected)?;
    let share = share.parse().map_err(|_| expected())?;
    // It becomes the name of a file.
    let is_plain = |c: char| c.is_alphanumeric() || "-_".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err("expected a name of letters, digits, `-` and `_`".to_owned());
    }
    Ok(Part { name: name.to_owned(), share })
}
