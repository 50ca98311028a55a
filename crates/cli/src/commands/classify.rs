//! `kestrel classify`: pictures in, what each of them shows out.

use crate::commands::originals::Originals;
use crate::console::{self, counted};
use crate::inference::{self, Seen};
use crate::output::{ClassResult, ClassSink, ClassTable, Destination};
use crate::progress::Progress;
use crate::{Outcome, classifier_source, device};
use anyhow::Result;
use kestrel_args::{ClassFormat, ClassifyArgs};
use kestrel_core::RgbImage;
use kestrel_data::{DecodeError, find_images};
use kestrel_resnet::{ClassifierModel, top_k};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Runs the command.
pub(crate) fn run(arguments: &ClassifyArgs) -> Result<Outcome> {
    let device = device::prepare(&arguments.compute)?;
    let images = find_images(&arguments.inputs)?;
    let architecture = arguments.architecture.as_deref();
    let (weights, metadata) = classifier_source::open(&arguments.model, architecture)?;
    let precision = device::precision(arguments.precision, device)?;
    let model =
        ClassifierModel::load_prepared(&metadata.architecture, &weights, device, precision)?;
    drop(weights);

    let mut report = Report::open(arguments, images, metadata.classes)?;
    let images = report.images.clone();
    let network = |pictures: &[RgbImage]| Ok(model.classify(pictures)?);
    inference::run_all(&images, arguments.batch, network, |place, seen| match seen {
        Seen::Picture(picture, scores) => report.add(place, &picture, &scores),
        Seen::Unreadable(error) => {
            report.failed(&error);
            Ok(())
        }
    })?;
    report.finish()
}

/// Where everything found goes.
struct Report {
    images: Vec<PathBuf>,
    classes: Vec<String>,
    top_k: usize,
    sink: Option<ClassSink>,
    table: Option<ClassTable>,
    progress: Progress,
    num_failed: usize,
}

impl Report {
    fn open(arguments: &ClassifyArgs, images: Vec<PathBuf>, classes: Vec<String>) -> Result<Self> {
        let terminal = std::io::stdout().is_terminal();
        let destination = arguments.output.clone().map(Destination::from);
        let originals = originals(arguments, &images);
        if let Some(Destination::Path(path)) = &destination {
            originals.spare(path, "--output")?;
        }
        // A person looks at the table; a program reads the results.
        let to_table = destination.is_none() && terminal;
        let format = arguments.format(to_table);
        let destination = destination.unwrap_or(Destination::StandardOutput);
        let streams = destination == Destination::StandardOutput && format != ClassFormat::Table;
        let (sink, table) = match (format, &destination) {
            (ClassFormat::Table, Destination::StandardOutput) => {
                (None, Some(ClassTable::default()))
            }
            // Who writes to a file and sits at a terminal sees the table too.
            (_, Destination::Path(_)) => {
                (Some(ClassSink::open(format, &destination)?), Some(ClassTable::default()))
            }
            _ => (Some(ClassSink::open(format, &destination)?), None),
        };
        Ok(Self {
            classes,
            top_k: arguments.top_k.get(),
            sink,
            table,
            progress: Progress::start(images.len(), streams && terminal),
            num_failed: 0,
            images,
        })
    }

    fn failed(&mut self, error: &DecodeError) {
        self.progress.note(format_args!("error: {error}"));
        self.progress.step();
        self.num_failed += 1;
    }

    fn add(&mut self, place: usize, picture: &RgbImage, scores: &[f32]) -> Result<()> {
        let result = ClassResult {
            path: &self.images[place],
            image_size: picture.size(),
            predictions: &top_k(scores, self.top_k),
            classes: &self.classes,
        };
        if let Some(sink) = &mut self.sink {
            sink.write(&result)?;
        }
        if let Some(table) = &mut self.table {
            table.add(&result);
        }
        self.progress.step();
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let secs = self.progress.finish().as_secs_f64();
        if let Some(sink) = self.sink {
            sink.finish()?;
        }
        if let Some(table) = &self.table {
            console::print(table.render().trim_end())?;
        }
        let pictures = counted(self.images.len() - self.num_failed, "picture");
        console::note(format_args!("{pictures}, {secs:.1} s"));
        if self.num_failed == 0 {
            return Ok(Outcome::Done);
        }
        let all = counted(self.images.len(), "picture");
        console::note(format_args!("{} of {all} could not be read", self.num_failed));
        Ok(Outcome::SomeInputsFailed)
    }
}

/// Everything the run reads.
fn originals(arguments: &ClassifyArgs, images: &[PathBuf]) -> Originals {
    let model = Path::new(&arguments.model);
    let architecture = arguments.architecture.as_deref();
    Originals::of(images.iter().map(PathBuf::as_path).chain([model]).chain(architecture))
}
