//! `kestrel data synth`: pictures whose objects are known.

use crate::Outcome;
use crate::args::{MicrographArgs, ShapesArgs};
use crate::console::{self, counted};
use crate::output::{Destination, write_text};
use crate::place::make_folder;
use anyhow::Result;
use kestrel_core::{ImageSize, Mask, RgbImage};
use kestrel_data::{
    MicrographConfig, ShapeClass, ShapesConfig, micrograph_sequence, write_picture,
};
use serde_json::{Value, json};
use std::path::Path;

/// The ground truth, beside the pictures.
const TRUTH_FILE: &str = "truth.json";

/// Draws pictures and writes their nuclei as COCO ground truth.
pub(crate) fn micrographs(arguments: &MicrographArgs) -> Result<Outcome> {
    let folder = &arguments.output;
    let config = config(arguments);
    config.validate()?;
    make_folder(folder)?;
    let mut truth = Truth::new(["nucleus"]);
    let count = arguments.count.get();
    if arguments.moving {
        for frame in micrograph_sequence(&config, arguments.seed, count)? {
            let nuclei: Vec<Drawn> = frame
                .nuclei
                .into_iter()
                .map(|nucleus| Drawn { track: Some(nucleus.id), ..Drawn::new(1, nucleus.mask) })
                .collect();
            truth.add(folder, "frame", &frame.image, &nuclei)?;
        }
    } else {
        for number in 0..count as u64 {
            let drawn = kestrel_data::micrograph(&config, arguments.seed.wrapping_add(number))?;
            let nuclei: Vec<Drawn> =
                drawn.nuclei.into_iter().map(|mask| Drawn::new(1, mask)).collect();
            truth.add(folder, "micrograph", &drawn.image, &nuclei)?;
        }
    }
    truth.finish(folder, "nuclei")
}

/// Draws pictures and writes their shapes as COCO ground truth.
pub(crate) fn shapes(arguments: &ShapesArgs) -> Result<Outcome> {
    let folder = &arguments.output;
    let config = shapes_config(arguments);
    config.validate()?;
    make_folder(folder)?;
    let mut truth = Truth::new(ShapeClass::ALL.map(ShapeClass::name));
    for number in 0..arguments.count.get() as u64 {
        let drawn = kestrel_data::shapes(&config, arguments.seed.wrapping_add(number))?;
        let category = |class: ShapeClass| 1 + class as usize;
        let shapes: Vec<Drawn> = drawn
            .shapes
            .into_iter()
            .map(|shape| Drawn::new(category(shape.class), shape.mask))
            .collect();
        truth.add(folder, "shapes", &drawn.image, &shapes)?;
    }
    truth.finish(folder, "shapes")
}

fn config(arguments: &MicrographArgs) -> MicrographConfig {
    let mut config = MicrographConfig::default();
    if let Some(side) = arguments.side {
        config.size = ImageSize::new(side, side);
        // Otherwise a small picture would need a setting there is no option for.
        let largest_radius_px = (side as f64 / 2.0).max(1.0);
        config.max_radius_px = config.max_radius_px.min(largest_radius_px);
        config.min_radius_px = config.min_radius_px.min(largest_radius_px);
    }
    config.num_nuclei = arguments.nuclei.unwrap_or(config.num_nuclei);
    config
}

fn shapes_config(arguments: &ShapesArgs) -> ShapesConfig {
    let mut config = ShapesConfig::default();
    if let Some(side) = arguments.side {
        config.size = ImageSize::new(side, side);
        let largest_radius_px = (side as f64 / 2.0).max(2.0);
        config.max_radius_px = config.max_radius_px.min(largest_radius_px);
        config.min_radius_px = config.min_radius_px.min(largest_radius_px);
    }
    config
}

/// An object whose pixels are known.
struct Drawn {
    category: usize,
    mask: Mask,
    /// The same number in all frames of a scene.
    track: Option<u64>,
}

impl Drawn {
    fn new(category: usize, mask: Mask) -> Self {
        Self { category, mask, track: None }
    }
}

/// COCO ground truth as it grows.
struct Truth {
    images: Vec<Value>,
    annotations: Vec<Value>,
    categories: Vec<Value>,
}

impl Truth {
    fn new(categories: impl IntoIterator<Item = &'static str>) -> Self {
        let category = |(id, name)| json!({"id": id, "name": name});
        Self {
            images: Vec::new(),
            annotations: Vec::new(),
            categories: (1..).zip(categories).map(category).collect(),
        }
    }

    fn add(&mut self, folder: &Path, stem: &str, image: &RgbImage, drawn: &[Drawn]) -> Result<()> {
        let image_id = self.images.len() + 1;
        let name = format!("{stem}-{image_id:04}.png");
        write_picture(&folder.join(&name), image)?;
        let ImageSize { height, width } = image.size();
        let record = json!({"id": image_id, "file_name": name, "width": width, "height": height});
        self.images.push(record);
        for object in drawn {
            let id = self.annotations.len() + 1;
            self.annotations.push(annotation(id, image_id, object));
        }
        Ok(())
    }

    /// Writes the file and says what was drawn.
    fn finish(self, folder: &Path, objects: &str) -> Result<Outcome> {
        let truth = json!({
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
        });
        write_text(&Destination::from(folder.join(TRUTH_FILE)), &truth.to_string())?;
        console::print(format_args!(
            "{} of {} {objects} in {}",
            counted(self.images.len(), "picture"),
            self.annotations.len(),
            folder.display()
        ))?;
        Ok(Outcome::Done)
    }
}

fn annotation(id: usize, image_id: usize, drawn: &Drawn) -> Value {
    let Drawn { category, mask, track } = drawn;
    let bounds = mask.bounds().unwrap_or_default();
    let mut record = json!({
        "id": id,
        "image_id": image_id,
        "category_id": category,
        "bbox": [bounds.x1, bounds.y1, bounds.width(), bounds.height()],
        "area": mask.area(),
        "iscrowd": 0,
        "segmentation": {
            "size": [mask.size().height, mask.size().width],
            "counts": mask.to_coco_string(),
        },
    });
    if let Some(track) = track {
        record["track_id"] = json!(track);
    }
    record
}
