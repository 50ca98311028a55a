//! A drawn data set and a detector small enough for a step in a few milliseconds.

use kestrel_core::{ImageSize, Mask};
use kestrel_data::{
    Category, CategoryId, Collection, Dataset, Format, ImageRecord, Object, ObjectBox, Outline,
    Place, ShapeClass, ShapesConfig, Split, shapes, write_picture,
};
use kestrel_rcnn::{Architecture, BoxHeadConfig, MaskBranchConfig, ProposalCounts};
use kestrel_train::record::Metric;
use kestrel_train::{
    DetectionTask, Ending, Event, Observer, Plan, RunFolder, TrainConfig, TrainError, TrainingData,
    run,
};
use kestrel_weights::StateDict;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tch::Device;

const SIDE_PX: usize = 64;

/// `num_images` pictures of shapes, written into `folder`.
pub fn drawn(folder: &Path, num_images: u64) -> Dataset {
    let config = ShapesConfig {
        size: ImageSize::new(SIDE_PX, SIDE_PX),
        num_shapes: 3,
        max_radius_px: 16.0,
        ..ShapesConfig::default()
    };
    let image = |id: u64| {
        let picture = shapes(&config, id).unwrap();
        let path = folder.join(format!("{id}.png"));
        write_picture(&path, &picture.image).unwrap();
        let objects =
            picture.shapes.iter().zip(0..).map(|(shape, number)| {
                object(id * 100 + number, shape.class as u64 + 1, &shape.mask)
            });
        ImageRecord {
            id,
            name: format!("{id}.png"),
            path,
            stated_size: Some(config.size),
            objects: objects.collect(),
            place: Place::default(),
        }
    };
    let category = |class: ShapeClass| Category {
        id: CategoryId(class as u64 + 1),
        name: class.name().to_owned(),
        supercategory: None,
    };
    Dataset {
        categories: ShapeClass::ALL.map(category).to_vec(),
        images: (1..=num_images).map(image).collect(),
    }
}

fn object(id: u64, category: u64, mask: &Mask) -> Object {
    let bbox = mask.bounds().unwrap();
    let [x1, y1, x2, y2] = <[f32; 4]>::from(bbox).map(f64::from);
    Object {
        id,
        category: CategoryId(category),
        bbox: ObjectBox::from_corners(x1, y1, x2, y2),
        outline: Some(Outline::Mask(mask.clone())),
        area: Some(mask.area() as f64),
        crowd: false,
        difficult: false,
        place: Place::default(),
    }
}

/// Ten steps on two images each, scored every five, kept every four.
pub fn config() -> TrainConfig {
    let mut config = TrainConfig::default();
    config.loader.batches.batch_size = 2;
    config.loader.threads = 1;
    config.model.architecture = architecture();
    config.train.steps = Some(10);
    config.train.lr = 0.01;
    config.train.lr_batch_size = None;
    config.train.ema_decay = Some(0.9);
    config.train.schedule.warmup_steps = 3;
    config.validation.every_steps = Some(5);
    config.checkpoint.every_steps = 4;
    config.log_every_steps = 1;
    config
}

fn architecture() -> Architecture {
    let mut architecture = Architecture::default();
    architecture.resize.min_size = SIDE_PX;
    architecture.backbone.base_channels = 8;
    architecture.backbone.blocks = [1; 4];
    architecture.fpn.channels = 8;
    architecture.anchors.sizes = vec![8.0, 16.0, 32.0, 64.0, 128.0];
    let counts = ProposalCounts { before_nms_per_level: 100, after_nms: 50 };
    (architecture.rpn.train, architecture.rpn.detect) = (counts, counts);
    architecture.box_branch.head = BoxHeadConfig::TwoFc { features: 16 };
    architecture.box_branch.sampler.per_image = 32;
    architecture.mask_branch =
        Some(MaskBranchConfig { convs: vec![8], predictor_channels: 8, ..Default::default() });
    architecture
}

/// What a run told, and when it is to be interrupted.
#[derive(Default)]
pub struct Notes {
    pub metrics: Vec<Metric>,
    pub num_unreadable: usize,
    pub stop_after: Option<u64>,
    pub step: u64,
}

impl Notes {
    /// The losses of each step.
    pub fn losses(&self) -> Vec<(u64, f64)> {
        let of_step = |metric: &Metric| match metric {
            Metric::Step { step, losses, .. } => Some((*step, losses["loss"])),
            Metric::Validation { .. } => None,
        };
        self.metrics.iter().filter_map(of_step).collect()
    }
}

impl Observer for Notes {
    fn event(&mut self, event: &Event<'_>) -> Result<(), TrainError> {
        match event {
            Event::Measured(metric) => {
                if let Metric::Step { step, .. } = metric {
                    self.step = *step;
                }
                self.metrics.push((*metric).clone());
            }
            Event::Unreadable(_) => self.num_unreadable += 1,
            Event::Started { .. } | Event::Looking { .. } | Event::Saved { .. } => {}
        }
        Ok(())
    }

    fn wants_stop(&self) -> bool {
        self.stop_after.is_some_and(|step| self.step >= step)
    }
}

/// A collection of these splits.
pub fn collection(splits: impl IntoIterator<Item = (&'static str, Dataset)>) -> Collection {
    let split = |(name, dataset): (&str, Dataset)| Split {
        name: name.to_owned(),
        dataset,
        findings: Vec::new(),
    };
    Collection {
        format: Format::Coco,
        root: "drawn".into(),
        splits: splits.into_iter().map(split).collect(),
    }
}

/// libtorch draws first weights from one generator for the whole process: a second run, or the model it is
/// scored with, would take numbers away from the first.
static ONE_RUN_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A run in `folder`, or what goes on there.
pub fn train(
    config: &TrainConfig,
    data: &TrainingData,
    folder: &Path,
    notes: &mut Notes,
) -> Result<Ending, TrainError> {
    let _alone = ONE_RUN_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    config.validate()?;
    let task = DetectionTask::new(config, data, Device::Cpu)?;
    let plan = Plan::new(config, &data.train)?;
    let train = Arc::new(data.train.clone());
    run(&task, &train, config, &plan, &RunFolder::new(folder), notes)
}

/// All bytes of a weight file's tensors, by name.
pub fn bytes_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let file = StateDict::read(path).unwrap();
    let bytes = |tensor: &tch::Tensor| {
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        bytes
    };
    file.tensors().iter().map(|(name, tensor)| (name.clone(), bytes(tensor))).collect()
}
