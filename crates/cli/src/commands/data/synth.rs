//! `kestrel data synth`: pictures whose objects are known.

use crate::Outcome;
use crate::console::{self, counted};
use crate::output::{Destination, write_text};
use crate::place::{at_place, make_folder};
use anyhow::{Result, bail};
use kestrel_args::{MicrographArgs, ShapesArgs};
use kestrel_core::{ImageSize, Mask, RgbImage};
use kestrel_data::{
    MicrographConfig, PICTURE_EXTENSIONS, ShapeClass, ShapesConfig, TrackedNucleus,
    micrograph_sequence, write_picture,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The ground truth, beside the pictures.
const TRUTH_FILE: &str = "truth.json";

/// Draws pictures and writes their nuclei as COCO ground truth.
pub(crate) fn micrographs(arguments: &MicrographArgs) -> Result<Outcome> {
    let folder = &arguments.drawn.output;
    let config = config(arguments);
    config.validate()?;
    let count = arguments.count.get();
    let stem = if arguments.moving { "frame" } else { "micrograph" };
    open_folder(folder, stem, count)?;
    let mut truth = Truth::new(["nucleus"]);
    if arguments.moving {
        for frame in micrograph_sequence(&config, arguments.drawn.seed, count)? {
            let nuclei: Vec<Drawn> = frame.nuclei.into_iter().map(Drawn::tracked).collect();
            truth.add(folder, stem, &frame.image, &nuclei)?;
        }
    } else {
        for number in 0..count as u64 {
            let drawn =
                kestrel_data::micrograph(&config, arguments.drawn.seed.wrapping_add(number))?;
            let nuclei: Vec<Drawn> =
                drawn.nuclei.into_iter().map(|mask| Drawn::new(1, mask)).collect();
            truth.add(folder, stem, &drawn.image, &nuclei)?;
        }
    }
    truth.finish(folder, ["nucleus", "nuclei"])
}

/// Draws pictures and writes their shapes as COCO ground truth.
pub(crate) fn shapes(arguments: &ShapesArgs) -> Result<Outcome> {
    let folder = &arguments.drawn.output;
    let config = shapes_config(arguments);
    config.validate()?;
    open_folder(folder, "shapes", arguments.count.get())?;
    let mut truth = Truth::new(ShapeClass::ALL.map(ShapeClass::name));
    for number in 0..arguments.count.get() as u64 {
        let drawn = kestrel_data::shapes(&config, arguments.drawn.seed.wrapping_add(number))?;
        let category = |class: ShapeClass| 1 + class as usize;
        let shapes: Vec<Drawn> = drawn
            .shapes
            .into_iter()
            .map(|shape| Drawn::new(category(shape.class), shape.mask))
            .collect();
        truth.add(folder, "shapes", &drawn.image, &shapes)?;
    }
    truth.finish(folder, ["shape", "shapes"])
}

/// Makes the folder for so many pictures. One that holds others is refused: they would lie beside a
/// truth that says nothing of them, as if they showed no object.
pub(super) fn open_folder(folder: &Path, stem: &str, count: usize) -> Result<()> {
    make_folder(folder)?;
    let written: BTreeSet<PathBuf> =
        (1..=count).map(|number| folder.join(picture_name(stem, number))).collect();
    let mut others = Vec::new();
    for entry in at_place(folder, fs::read_dir(folder))? {
        let path = at_place(folder, entry)?.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if PICTURE_EXTENSIONS.contains(&&*extension) && !written.contains(&path) {
            others.push(path);
        }
    }
    if let Some(first) = others.iter().min() {
        bail!(
            "{} holds {} that this run does not draw, such as {}; expected none; remove them or name \
             another folder with --output",
            folder.display(),
            counted(others.len(), "picture"),
            first.file_name().unwrap_or_default().display()
        );
    }
    Ok(())
}

fn picture_name(stem: &str, number: usize) -> String {
    format!("{stem}-{number:04}.png")
}

fn config(arguments: &MicrographArgs) -> MicrographConfig {
    micrograph_config(arguments.side, arguments.nuclei)
}

/// The default with another side and number of nuclei.
pub(super) fn micrograph_config(side: Option<usize>, nuclei: Option<usize>) -> MicrographConfig {
    let mut config = MicrographConfig::default();
    if let Some(side) = side {
        config.size = ImageSize::new(side, side);
        // Otherwise a small picture would need a setting there is no option for.
        let largest_radius_px = (side as f64 / 2.0).max(1.0);
        config.max_radius_px = config.max_radius_px.min(largest_radius_px);
        config.min_radius_px = config.min_radius_px.min(largest_radius_px);
    }
    config.num_nuclei = nuclei.unwrap_or(config.num_nuclei);
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
pub(super) struct Drawn {
    category: usize,
    pub mask: Mask,
    pub track: Option<DrawnTrack>,
}

/// Which object of a scene it is.
pub(super) struct DrawnTrack {
    /// The same number in all frames.
    pub id: u64,
    /// The one it came from by division.
    parent: Option<u64>,
}

impl Drawn {
    fn new(category: usize, mask: Mask) -> Self {
        Self { category, mask, track: None }
    }

    pub fn tracked(TrackedNucleus { id, parent, mask }: TrackedNucleus) -> Self {
        Self { track: Some(DrawnTrack { id, parent }), ..Self::new(1, mask) }
    }
}

/// COCO ground truth as it grows.
pub(super) struct Truth {
    images: Vec<Value>,
    annotations: Vec<Value>,
    categories: Vec<Value>,
    /// None where the pictures are not frames of a clip.
    videos: Vec<Value>,
}

impl Truth {
    pub fn new(categories: impl IntoIterator<Item = &'static str>) -> Self {
        let category = |(id, name)| json!({"id": id, "name": name});
        Self {
            images: Vec::new(),
            annotations: Vec::new(),
            categories: (1..).zip(categories).map(category).collect(),
            videos: Vec::new(),
        }
    }

    /// Writes a picture and takes note of what it shows.
    pub fn add(
        &mut self,
        folder: &Path,
        stem: &str,
        image: &RgbImage,
        drawn: &[Drawn],
    ) -> Result<()> {
        let image_id = self.images.len() + 1;
        let name = picture_name(stem, image_id);
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

    /// Says that all pictures are frames of one clip, as CocoVID does.
    pub fn mark_as_video(&mut self, name: &str) {
        for (frame_id, image) in self.images.iter_mut().enumerate() {
            image["video_id"] = json!(1);
            image["frame_id"] = json!(frame_id);
        }
        self.videos = vec![json!({"id": 1, "name": name, "length": self.images.len()})];
    }

    /// Writes the file and says what was drawn; an object's name is given for one and for several.
    pub fn finish(self, folder: &Path, [one, several]: [&str; 2]) -> Result<Outcome> {
        let mut truth = json!({
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
        });
        if !self.videos.is_empty() {
            truth["videos"] = json!(self.videos);
        }
        write_text(&Destination::from(folder.join(TRUTH_FILE)), &truth.to_string())?;
        console::print(format_args!(
            "{} of {} {} in {}",
            counted(self.images.len(), "picture"),
            self.annotations.len(),
            if self.annotations.len() == 1 { one } else { several },
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
        record["track_id"] = json!(track.id);
        // The same under CocoVID's name.
        record["instance_id"] = json!(track.id);
        if let Some(parent) = track.parent {
            record["parent_track_id"] = json!(parent);
        }
    }
    record
}
