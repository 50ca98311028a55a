//! `kestrel data convert`: a data set in another format.

use crate::Outcome;
use crate::console::{self, counted};
use crate::dataset::mention_findings;
use anyhow::Result;
use kestrel_args::{ConvertDataArgs, DataFormat, Pictures};
use kestrel_data::{ImageFiles, WriteFormat, write_collection};

/// Reads, writes, and says what the new format could not hold.
pub(crate) fn run(arguments: &ConvertDataArgs) -> Result<Outcome> {
    let collection = super::open(&arguments.data)?;
    mention_findings(&arguments.data.data, &collection.splits);
    let format = match arguments.to {
        DataFormat::Coco => WriteFormat::Coco,
        DataFormat::Voc => WriteFormat::Voc,
        DataFormat::Yolo => WriteFormat::Yolo,
    };
    let images = match arguments.images {
        Pictures::Copy => ImageFiles::Copy,
        Pictures::Link => ImageFiles::Link,
        Pictures::Leave => ImageFiles::Leave,
    };
    let written = write_collection(&collection, format, &arguments.output, images)?;
    for lost in &written.lost {
        console::note(format_args!("note: {lost}"));
    }
    console::print(format_args!(
        "{} with {} from {} in {}",
        counted(written.images, "image"),
        counted(written.objects, "object"),
        collection.format.name(),
        arguments.output.display()
    ))?;
    Ok(Outcome::Done)
}
