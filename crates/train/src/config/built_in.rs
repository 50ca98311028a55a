//! The configs of `configs/`, so that they are found where there is no checkout.

use super::load::BuiltIn;

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(BuiltIn {
            name: $name,
            text: include_str!(concat!("../../../../configs/", $name)),
        }),*]
    };
}

/// All of them, by their paths below `configs/`.
pub const BUILT_IN: &[BuiltIn] = built_in![
    "base/augment.yaml",
    "base/classify.yaml",
    "base/fasterrcnn_resnet50_fpn.yaml",
    "base/fasterrcnn_resnet50_fpn_v2.yaml",
    "base/folder.yaml",
    "base/maskrcnn_resnet50_fpn.yaml",
    "base/maskrcnn_resnet50_fpn_v2.yaml",
    "coco/fasterrcnn_resnet50_fpn.yaml",
    "coco/fasterrcnn_resnet50_fpn_v2.yaml",
    "coco/maskrcnn_resnet50_fpn.yaml",
    "coco/maskrcnn_resnet50_fpn_scratch.yaml",
    "coco/maskrcnn_resnet50_fpn_v2.yaml",
    "custom/bccd-scratch.yaml",
    "custom/bccd.yaml",
    "custom/finetune-boxes.yaml",
    "custom/finetune-masks.yaml",
    "custom/nuclei-built-in.yaml",
    "custom/nuclei.yaml",
    "custom/penn-fudan-scratch.yaml",
    "custom/penn-fudan.yaml",
    "quick/coco-mini.yaml",
    "quick/nuclei.yaml",
    "quick/shapes.yaml",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{Resolved, Source, TrainConfig, resolve};
    use kestrel_rcnn::{Architecture, Preset};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
    }

    fn read(path: &Path) -> Resolved<TrainConfig> {
        resolve(Source::File(path), &[], BUILT_IN).unwrap()
    }

    fn architecture(name: &str) -> Architecture {
        read(Path::new(name)).value.model.architecture
    }

    #[test]
    fn every_file_is_built_in_and_makes_a_run() {
        let mut names = BTreeSet::new();
        for kind in ["base", "coco", "custom", "quick"] {
            for entry in fs::read_dir(folder().join(kind)).unwrap() {
                let path = entry.unwrap().path();
                names.insert(format!("{kind}/{}", path.file_name().unwrap().to_str().unwrap()));
                let resolved = read(&path);
                resolved.validate().unwrap();
                if let Some(data) = &resolved.value.data.path {
                    let data = resolved.folder_of("data.path").join(data);
                    let is_there = data.is_file() || data.ends_with("drawn");
                    assert!(is_there, "{}: {}", path.display(), data.display());
                }
            }
        }
        let known: BTreeSet<String> = BUILT_IN.iter().map(|config| config.name.into()).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn what_is_built_in_is_what_the_file_says() {
        for config in BUILT_IN {
            let built_in = read(Path::new(config.name)).value;
            assert_eq!(built_in, read(&folder().join(config.name)).value, "{}", config.name);
        }
    }

    #[test]
    fn bases_are_torchvision_s_detectors() {
        for preset in Preset::ALL {
            let name = format!("base/{}.yaml", preset.name());
            assert_eq!(architecture(&name), preset.architecture(), "{name}");
        }
    }

    #[test]
    fn the_nuclei_are_found_with_the_bundled_model_s_architecture() {
        let path = folder().join("../models/nuclei.yaml");
        let text = fs::read_to_string(path).unwrap();
        let bundled = Architecture::from_yaml(&text, "nuclei.yaml").unwrap();
        let trained = architecture("custom/nuclei-built-in.yaml");
        // The number of classes is the data's.
        assert_eq!(Architecture { num_classes: bundled.num_classes, ..trained }, bundled);
    }

    #[test]
    fn the_recipes_for_coco_are_meant_for_as_many_images_as_a_step_has() {
        for config in BUILT_IN.iter().filter(|config| config.name.starts_with("coco/")) {
            let run = read(Path::new(config.name)).value;
            assert_eq!(Some(run.images_per_step()), run.train.lr_batch_size, "{}", config.name);
        }
    }
}
