//! `kestrel data synth micrograph`: pictures whose objects are known.

use crate::Outcome;
use crate::args::MicrographArgs;
use crate::console::{self, counted};
use crate::place::{at_place, folder_of, make_folder};
use anyhow::Result;
use kestrel_core::{ImageSize, Mask, RgbImage};
use kestrel_data::{MicrographConfig, micrograph_sequence, write_picture};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// The ground truth, beside the pictures.
const TRUTH_FILE: &str = "truth.json";

/// Draws pictures and writes their nuclei as COCO ground truth.
pub(crate) fn micrograph(arguments: &MicrographArgs) -> Result<Outcome> {
    let folder = &arguments.output;
    let config = config(arguments);
    config.validate()?;
    make_folder(folder)?;
    let mut truth = Truth::default();
    let count = arguments.count.get();
    if arguments.moving {
        for frame in micrograph_sequence(&config, arguments.seed, count)? {
            let tracks: Vec<(Mask, Option<u64>)> =
                frame.nuclei.into_iter().map(|nucleus| (nucleus.mask, Some(nucleus.id))).collect();
            truth.add(folder, "frame", &frame.image, &tracks)?;
        }
    } else {
        for number in 0..count as u64 {
            let drawn = kestrel_data::micrograph(&config, arguments.seed.wrapping_add(number))?;
            let nuclei: Vec<_> = drawn.nuclei.into_iter().map(|mask| (mask, None)).collect();
            truth.add(folder, "micrograph", &drawn.image, &nuclei)?;
        }
    }
    let pictures = counted(truth.images.len(), "picture");
    let num_nuclei = truth.annotations.len();
    truth.write(&folder.join(TRUTH_FILE))?;
    console::print(format_args!("{pictures} of {num_nuclei} nuclei in {}", folder.display()))?;
    Ok(Outcome::Done)
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

/// COCO ground truth as it grows.
#[derive(Default)]
struct Truth {
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl Truth {
    fn add(
        &mut self,
        folder: &Path,
        stem: &str,
        image: &RgbImage,
        nuclei: &[(Mask, Option<u64>)],
    ) -> Result<()> {
        let image_id = self.images.len() + 1;
        let name = format!("{stem}-{image_id:04}.png");
        write_picture(&folder.join(&name), image)?;
        let ImageSize { height, width } = image.size();
        let record = json!({"id": image_id, "file_name": name, "width": width, "height": height});
        self.images.push(record);
        for (mask, track) in nuclei {
            let id = self.annotations.len() + 1;
            self.annotations.push(annotation(id, image_id, mask, *track));
        }
        Ok(())
    }

    fn write(self, path: &Path) -> Result<()> {
        let truth = json!({
            "images": self.images,
            "annotations": self.annotations,
            "categories": [{"id": 1, "name": "nucleus"}],
        });
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
            file.write_all(truth.to_string().as_bytes())?;
            file.persist(path).map_err(|error| error.error)
        };
        at_place(path, write())?;
        Ok(())
    }
}

fn annotation(id: usize, image_id: usize, mask: &Mask, track: Option<u64>) -> Value {
    let bounds = mask.bounds().unwrap_or_default();
    let mut record = json!({
        "id": id,
        "image_id": image_id,
        "category_id": 1,
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
