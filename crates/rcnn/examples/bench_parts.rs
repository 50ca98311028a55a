//! Kestrel's side of the R50-FPN rows of `cargo xtask bench`:
//! `bench_parts ROW FOLDER [DEVICE [BATCH [PRECISION]]]`. Rows of whole detectors and of training know
//! other devices than `cpu` and other precisions than `float32`, those of detectors other batches than 1.
//!
//! A row is set up, says so with a line, and then does its work once for each line it reads; it answers
//! with the seconds that took. The other side, `tests/bench/torchvision_parts.py`, has made the files.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

// As the program has it: what is measured is what users run. What only video needs stays unused.
#[path = "../../cli/src/cuda.rs"]
mod cuda;
#[allow(dead_code)]
#[path = "../../cli/src/memory.rs"]
mod memory;

use kestrel_core::{BBox, ImageSize, Label, Mask, RgbImage, Target, nms};
use kestrel_layers::{Mode, Precision, Preparation};
use kestrel_rcnn::{Architecture, Batch, Detector, Draw, FasterRcnn, Metadata, Model, paste_mask};
use kestrel_roi_align::{DetachedPyramid, MultiLevelPooler, Roi, Route};
use kestrel_weights::{StateDict, Strictness, load};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tch::nn::{OptimizerConfig, Sgd, VarStore};
use tch::{Device, Kind, Tensor, no_grad};

type Work = Box<dyn FnMut()>;

const FASTER: &str = "fasterrcnn_resnet50_fpn";
const MASK: &str = "maskrcnn_resnet50_fpn";

fn main() {
    let argument = |place, default: &str| std::env::args().nth(place).unwrap_or(default.to_owned());
    let [row, folder] = [argument(1, ""), argument(2, "")];
    let how = How::read(&argument(3, "cpu"), &argument(4, "1"), &argument(5, "float32"));
    let inputs = Inputs::read(Path::new(&folder));
    serve(match row.as_str() {
        "faster" => inference(&inputs, FASTER, &how),
        "mask" => inference(&inputs, MASK, &how),
        "backbone" => backbone(&inputs),
        "rpn" => rpn(&inputs),
        "roi-align" => roi_align(&inputs),
        "roi-align-training" => roi_align_training(&inputs),
        "nms" => suppression(&inputs),
        "paste" => paste(&inputs),
        "training" => training(&inputs, &how),
        other => panic!("no row `{other}`"),
    });
}

fn serve(mut work: Work) {
    work();
    println!("ready");
    for _ in std::io::stdin().lines() {
        let begin = Instant::now();
        work();
        println!("{}", begin.elapsed().as_secs_f64());
    }
}

/// Where, how many at once, and in what.
struct How {
    device: Device,
    batch: usize,
    precision: Precision,
}

impl How {
    fn read(device: &str, batch: &str, precision: &str) -> Self {
        let device = match device {
            "cpu" => Device::Cpu,
            "cuda" => {
                cuda::load().unwrap();
                Device::Cuda(0)
            }
            other => panic!("no device `{other}`"),
        };
        let precision = match precision {
            "float32" => Precision::Float32,
            "bfloat16" => Precision::Bfloat16,
            "float16" => Precision::Float16,
            other => panic!("no precision `{other}`"),
        };
        Self { device, batch: batch.parse().unwrap(), precision }
    }
}

fn inference(inputs: &Inputs, name: &str, how: &How) -> Work {
    let weights = inputs.weights(name);
    let architecture = Metadata::of(&weights, None).unwrap().architecture;
    let &How { device, batch, precision } = how;
    let preparation = Preparation { precision, ..Preparation::default() };
    let model = Model::load_prepared(&architecture, &weights, device, preparation).unwrap();
    let images = vec![inputs.image(0); batch];
    Box::new(move || drop(model.detect(&images).unwrap()))
}

/// A prepared model, its input, and its pyramid.
fn parts(inputs: &Inputs) -> (FasterRcnn, Batch, Vec<Tensor>) {
    let weights = inputs.weights(FASTER);
    let architecture = Metadata::of(&weights, None).unwrap().architecture;
    let store = VarStore::new(Device::Cpu);
    let mut model = FasterRcnn::new(&store.root(), &architecture);
    load(store.variables(), &weights, Strictness::Strict).unwrap();
    model.prepare(Preparation::default());
    let batch = Batch::new(&[inputs.image(0)], &architecture.resize, Device::Cpu);
    let pyramid = no_grad(|| model.pyramid(&batch, Mode::Eval));
    (model, batch, pyramid)
}

fn backbone(inputs: &Inputs) -> Work {
    let (model, batch, _) = parts(inputs);
    Box::new(move || drop(no_grad(|| model.pyramid(&batch, Mode::Eval))))
}

fn rpn(inputs: &Inputs) -> Work {
    let (model, batch, pyramid) = parts(inputs);
    Box::new(move || {
        no_grad(|| {
            let anchored = model.rpn.forward(&pyramid, &batch);
            drop(model.rpn.propose(&anchored, &batch, Mode::Eval));
        });
    })
}

fn roi_align(inputs: &Inputs) -> Work {
    let (_, _, pyramid) = parts(inputs);
    let rois = inputs.rois();
    let pooler = MultiLevelPooler::detector(7);
    Box::new(move || drop(pooler.pool(&pyramid[..4], &rois, Route::Kernel).unwrap()))
}

fn roi_align_training(inputs: &Inputs) -> Work {
    let (_, _, pyramid) = parts(inputs);
    // As in training.
    let pyramid: Vec<Tensor> = pyramid[..4].iter().map(Tensor::contiguous).collect();
    let rois = inputs.rois()[..512].to_vec();
    let pooler = MultiLevelPooler::detector(7);
    Box::new(move || {
        let mut detached = DetachedPyramid::new(&pyramid, &pooler.scales).unwrap();
        let crops = detached.crops(&pooler, &rois).unwrap();
        crops.sum(Kind::Float).backward();
        drop(detached.gradient().unwrap());
    })
}

fn suppression(inputs: &Inputs) -> Work {
    let (boxes, scores) = (inputs.boxes("nms.boxes"), inputs.floats("nms.scores"));
    Box::new(move || drop(nms(&boxes, &scores, 0.7)))
}

fn paste(inputs: &Inputs) -> Work {
    let (boxes, masks) = (inputs.boxes("paste.boxes"), inputs.floats("paste.masks"));
    let size = ImageSize::new(1600, 1600);
    Box::new(move || {
        let pasted = masks.par_chunks_exact(28 * 28).zip(&boxes);
        drop(pasted.map(|(crop, bbox)| paste_mask(crop, 28, bbox, size)).collect::<Vec<Mask>>());
    })
}

fn training(inputs: &Inputs, how: &How) -> Work {
    let weights = inputs.weights(MASK);
    let architecture: Architecture = Metadata::of(&weights, None).unwrap().architecture;
    let &How { device, precision, .. } = how;
    let store = VarStore::new(device);
    let model = architecture.build(&store.root());
    load(store.variables(), &weights, Strictness::Strict).unwrap();
    let sgd = Sgd { momentum: 0.9, wd: 1e-4, ..Sgd::default() };
    let mut optimiser = sgd.build(&store, 1e-6).unwrap();
    let (images, targets): (Vec<RgbImage>, Vec<Target>) =
        [0, 1].map(|image| (inputs.image(image), inputs.target(image))).into_iter().unzip();
    let mut draw = Draw::seeded(0);
    Box::new(move || {
        let batch = Batch::with_targets(&images, &targets, &architecture.resize, device);
        optimiser.zero_grad();
        let losses = precision.during(|| model.backward(&batch, &mut draw, 1.0)).unwrap();
        optimiser.step();
        // Asked for, as training does: a card has done its work then.
        assert!(losses.named().iter().all(|(_, loss)| loss.double_value(&[]).is_finite()));
        // Whatever the store holds has to live as long as the optimiser.
        let _ = &store;
    })
}

/// What torchvision's side has written.
struct Inputs {
    folder: PathBuf,
    tensors: StateDict,
}

impl Inputs {
    fn read(folder: &Path) -> Self {
        let tensors = StateDict::read(&folder.join("inputs.safetensors")).unwrap();
        Self { folder: folder.to_path_buf(), tensors }
    }

    fn weights(&self, name: &str) -> StateDict {
        StateDict::read(&self.folder.join(format!("{name}.pth"))).unwrap()
    }

    fn tensor(&self, key: &str) -> Tensor {
        self.tensors.get(key).unwrap().shallow_clone()
    }

    fn floats(&self, key: &str) -> Vec<f32> {
        Vec::try_from(self.tensor(key).view([-1])).unwrap()
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        Vec::try_from(self.tensor(key).view([-1])).unwrap()
    }

    fn boxes(&self, key: &str) -> Vec<BBox> {
        self.floats(key).as_chunks::<4>().0.iter().map(|&corners| corners.into()).collect()
    }

    fn rois(&self) -> Vec<Roi> {
        self.boxes("rois").into_iter().map(|bbox| Roi { image: 0, bbox }).collect()
    }

    fn image(&self, image: usize) -> RgbImage {
        let key = format!("{image}.pixels");
        let shape = self.tensor(&key).size();
        let size = ImageSize::new(shape[0] as usize, shape[1] as usize);
        RgbImage::new(size, self.bytes(&key)).unwrap()
    }

    fn target(&self, image: usize) -> Target {
        let size = self.image(image).size();
        let key = |what: &str| format!("{image}.{what}");
        let bitmaps = self.bytes(&key("masks"));
        let bitmaps = bitmaps.chunks_exact(size.area());
        let masks = bitmaps.map(|bitmap| Mask::from_bitmap(size, bitmap).unwrap()).collect();
        let labels: Vec<i64> = Vec::try_from(self.tensor(&key("labels"))).unwrap();
        let labels = labels.into_iter().map(|label| Label(label as u32)).collect();
        Target::new(size, self.boxes(&key("boxes")), labels, Some(masks)).unwrap()
    }
}
