//! `kestrel detect`: pictures in, what is on them out.

use crate::choice::Choice;
use crate::commands::originals::Originals;
use crate::commands::pictures::DrawnPictures;
use crate::console::{self, counted};
use crate::inference::{self, Seen};
use crate::output::{Destination, ImageResult, Sink, Table, image_ids};
use crate::progress::Progress;
use crate::{Outcome, device, model_source};
use anyhow::Result;
use kestrel_args::{DetectArgs, Speedup};
use kestrel_core::{Categories, Detections, RgbImage};
use kestrel_data::{DecodeError, find_images};
use kestrel_rcnn::{Model, Preparation};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Runs the command.
pub(crate) fn run(arguments: &DetectArgs) -> Result<Outcome> {
    let device = device::prepare(&arguments.compute)?;
    let images = find_images(&arguments.inputs)?;
    let name = model_source::chosen(&arguments.detector);
    let architecture = arguments.detector.architecture.as_deref();
    let (weights, metadata) = model_source::open(name, architecture)?;
    let wanted = Choice::labels(&arguments.classes, &metadata.categories)?;
    let choice =
        Choice::new(arguments.score, arguments.max_detections, wanted, &metadata.architecture);
    let architecture = choice.applied_to(metadata.architecture);
    let with = |speedup| !arguments.without.contains(&speedup);
    let how = Preparation {
        precision: device::precision(arguments.detector.precision, device)?,
        fold_norms: with(Speedup::Folding),
        winograd: with(Speedup::Winograd),
        fused: with(Speedup::Fusing),
    };
    let model = Model::load_prepared(&architecture, &weights, device, how)?;
    drop(weights);

    let mut report = Report::open(arguments, images, metadata.categories)?;
    let images = report.images.clone();
    inference::detect_all(&model, &images, arguments.batch, |place, seen| match seen {
        Seen::Picture(picture, found) => report.add(place, picture, &choice.keep(found)),
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
    image_ids: Vec<i64>,
    categories: Categories,
    sink: Option<Sink>,
    table: Option<Table>,
    drawn: Option<DrawnPictures>,
    progress: Progress,
    num_objects: usize,
    num_failed: usize,
}

impl Report {
    fn open(arguments: &DetectArgs, images: Vec<PathBuf>, categories: Categories) -> Result<Self> {
        let terminal = std::io::stdout().is_terminal();
        let destination = match &arguments.output {
            Some(path) => Some(Destination::from(path.clone())),
            // A person looks at the table; a program reads the results.
            None => (!terminal).then_some(Destination::StandardOutput),
        };
        let originals = originals(arguments, &images);
        if let Some(Destination::Path(path)) = &destination {
            originals.spare(path, "--output")?;
        }
        let streams = matches!(destination, Some(Destination::StandardOutput));
        let sink = |destination| Sink::open(arguments.format(), &destination, &images);
        let drawn = |folder| DrawnPictures::open(folder, &images, &originals);
        Ok(Self {
            image_ids: image_ids(&images),
            categories,
            sink: destination.map(sink).transpose()?,
            drawn: arguments.save_images.as_deref().map(drawn).transpose()?,
            table: (!streams).then(Table::default),
            progress: Progress::start(images.len(), streams && terminal),
            num_objects: 0,
            num_failed: 0,
            images,
        })
    }

    fn failed(&mut self, error: &DecodeError) {
        self.progress.note(format_args!("error: {error}"));
        self.progress.step();
        self.num_failed += 1;
    }

    fn add(&mut self, place: usize, picture: RgbImage, detections: &Detections) -> Result<()> {
        let result = ImageResult {
            path: &self.images[place],
            image_id: self.image_ids[place],
            detections,
            categories: &self.categories,
        };
        if let Some(sink) = &mut self.sink {
            sink.write(&result)?;
        }
        if let Some(table) = &mut self.table {
            table.add(&result);
        }
        if let Some(drawn) = &self.drawn {
            drawn.write(place, picture, detections, &self.categories)?;
        }
        self.num_objects += detections.objects.len();
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
        let objects = counted(self.num_objects, "object");
        console::note(format_args!("{objects} in {pictures}, {secs:.1} s"));
        if self.num_failed == 0 {
            return Ok(Outcome::Done);
        }
        let all = counted(self.images.len(), "picture");
        console::note(format_args!("{} of {all} could not be read", self.num_failed));
        Ok(Outcome::SomeInputsFailed)
    }
}

/// Everything the run reads.
fn originals(arguments: &DetectArgs, images: &[PathBuf]) -> Originals {
    Originals::of(images.iter().map(PathBuf::as_path).chain(arguments.detector.paths()))
}
