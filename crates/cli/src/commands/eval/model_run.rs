//! A model over all images of a data set, and what that costs.

use crate::console::counted;
use crate::inference::{self, Seen};
use crate::progress::Progress;
use crate::{device, model_source};
use anyhow::{Result, bail};
use kestrel_args::ScoreArgs;
use kestrel_core::{Categories, Detection, Label};
use kestrel_data::{Dataset, ImageRecord};
use kestrel_eval::{Annotation, Cost, found};
use kestrel_rcnn::{Model, Preparation};
use kestrel_train::record::peak_memory_bytes;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tch::Device;

/// What running a model took.
pub(super) struct ModelRun {
    /// Time in the network and memory.
    pub cost: Cost,
    /// Seconds from the first picture to the last, decoding included.
    secs: f64,
    num_images: usize,
    /// Pictures that could not be decoded; nothing was found on them.
    pub num_unreadable: usize,
}

impl ModelRun {
    /// Loads the model, runs it, and gives what it found in the data set's own numbers, image after
    /// image.
    pub(super) fn new(
        arguments: &ScoreArgs,
        model: &str,
        device: Device,
        dataset: &Dataset,
    ) -> Result<(Vec<Annotation>, Self)> {
        let (weights, metadata) = model_source::open(model, arguments.architecture.as_deref())?;
        let category_of = categories_of(&metadata.categories, dataset)?;
        let precision = device::precision(arguments.precision, device)?;
        let how = Preparation { precision, ..Preparation::default() };
        let model = Model::load_prepared(&metadata.architecture, &weights, device, how)?;
        drop(weights);

        let images = &dataset.images;
        let paths: Vec<PathBuf> = images.iter().map(|image| image.path.clone()).collect();
        let mut progress = Progress::start(images.len(), false);
        let mut by_image: Vec<Vec<Annotation>> = vec![Vec::new(); images.len()];
        let mut num_unreadable = 0;
        let in_network = inference::detect_all(&model, &paths, arguments.batch, |place, seen| {
            match seen {
                Seen::Picture(_, detections) => {
                    by_image[place] = results_of(&images[place], &detections.objects, &category_of);
                }
                Seen::Unreadable(error) => {
                    progress.note(format_args!("error: {error}"));
                    num_unreadable += 1;
                }
            }
            progress.step();
            Ok(())
        })?;
        let secs = progress.finish().as_secs_f64();
        let results: Vec<Annotation> = by_image.into_iter().flatten().collect();
        let num_images = images.len() - num_unreadable;
        let cost = Cost {
            secs_per_image: in_network.as_secs_f64() / num_images.max(1) as f64,
            peak_memory_bytes: peak_memory_bytes(),
            device: Some(arguments.compute.device.clone()),
        };
        Ok((results, Self { cost, secs, num_images, num_unreadable }))
    }

    /// A line on time and memory.
    pub(super) fn summary(&self) -> String {
        let memory = self.cost.peak_memory_bytes.map(|bytes| bytes as f64 / f64::from(1 << 30));
        format!(
            "{}, {:.1} s; network {:.3} s an image{}",
            counted(self.num_images, "image"),
            self.secs,
            self.cost.secs_per_image,
            memory.map_or(String::new(), |gib| format!("; at most {gib:.2} GiB of memory"))
        )
    }
}

fn results_of(
    image: &ImageRecord,
    objects: &[Detection],
    category_of: &BTreeMap<Label, u64>,
) -> Vec<Annotation> {
    let result = |object: &Detection| {
        category_of.get(&object.label).map(|&category| found(image.id, category, object))
    };
    objects.iter().filter_map(result).collect()
}

/// The data set's number for each class of the model it has, by name.
fn categories_of(model: &Categories, dataset: &Dataset) -> Result<BTreeMap<Label, u64>> {
    let with_label = |category: &kestrel_data::Category| {
        let label = model.label(&category.name)?;
        Some((model.name(label) == category.name, label, category.id.0))
    };
    let mut found: Vec<_> = dataset.categories.iter().filter_map(with_label).collect();
    // Of two names that differ in their case alone, the very name counts.
    found.sort_by_key(|&(is_exact, _, _)| is_exact);
    let known: BTreeMap<Label, u64> =
        found.into_iter().map(|(_, label, category)| (label, category)).collect();
    if known.is_empty() && !dataset.categories.is_empty() {
        let quoted = |names: Vec<&str>| {
            let shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
            shown.join(", ") + if names.len() > 5 { ", ..." } else { "" }
        };
        let of_model = model.names().iter().skip(1).map(String::as_str).collect();
        let of_data = dataset.categories.iter().map(|category| category.name.as_str()).collect();
        bail!(
            "the model knows no class of the data: it finds {}, the data has {}; class names have to \
             agree",
            quoted(of_model),
            quoted(of_data)
        );
    }
    Ok(known)
}
