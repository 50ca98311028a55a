//! One training step of a narrow Mask R-CNN: losses, the gradient of every parameter, and the
//! running statistics it leaves.

use crate::compare::report;
use crate::fixture::{Fixture, floats};
use crate::formula;
use kestrel_core::{ImageSize, Label, Mask, RgbImage, Target};
use kestrel_fpn::FpnConfig;
use kestrel_layers::NormConfig;
use kestrel_rcnn::{
    Architecture, Batch, BoxHeadConfig, Detector, Draw, Losses, MaskBranchConfig, MaskRcnn, Preset,
    ProposalCounts,
};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Relative difference of a loss: a tenth of what is asked for.
const LOSS: f64 = 1e-5;
/// Norm of a gradient's difference over its norm, as asked for.
const GRADIENT: f64 = 1e-3;

/// The narrow model of `narrow.py`.
fn architecture(variant: &str) -> Architecture {
    let is_v2 = variant == "v2";
    let norm = is_v2.then_some(NormConfig::Batch);
    let mut architecture = Preset::MaskRcnnResNet50Fpn.architecture();
    architecture.num_classes = 4;
    architecture.resize.min_size = 224;
    architecture.resize.max_size = 288;
    architecture.backbone.blocks = [1, 1, 1, 1];
    architecture.backbone.base_channels = 8;
    architecture.backbone.norm =
        if is_v2 { NormConfig::Batch } else { NormConfig::Frozen { eps: 1e-5 } };
    architecture.fpn = FpnConfig { channels: 16, norm, ..FpnConfig::default() };
    architecture.rpn.convs = if is_v2 { 2 } else { 1 };
    architecture.rpn.train = ProposalCounts { before_nms_per_level: 150, after_nms: 100 };
    architecture.rpn.sampler.per_image = 64;
    architecture.box_branch.sampler.per_image = 32;
    architecture.box_branch.head = match is_v2 {
        true => BoxHeadConfig::ConvFc { convs: 4, norm, features: 32 },
        false => BoxHeadConfig::TwoFc { features: 32 },
    };
    architecture.mask_branch = Some(MaskBranchConfig {
        convs: vec![16, 16],
        norm,
        predictor_channels: 16,
        ..MaskBranchConfig::default()
    });
    architecture
}

/// A model after its backward pass.
pub struct Step {
    /// Its variables, with gradients.
    pub store: VarStore,
    losses: Losses,
}

/// How gradients are computed.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// By autograd alone, from the sum of the losses.
    Plain,
    /// As a training run does it.
    Fast,
}

/// A fresh model and its losses, first candidates first, with gradients computed.
pub fn step(
    architecture: &Architecture,
    images: &[RgbImage],
    targets: &[Target],
    way: Way,
    fill: impl FnOnce(&VarStore),
) -> Step {
    let store = VarStore::new(Device::Cpu);
    let masks = architecture.mask_branch.as_ref().unwrap();
    let model = MaskRcnn::new(&store.root(), architecture, masks);
    fill(&store);
    let batch = Batch::with_targets(images, targets, &architecture.resize, Device::Cpu);
    let losses = match way {
        Way::Plain => {
            let losses = model.losses(&batch, &mut Draw::First).unwrap();
            losses.total().backward();
            losses
        }
        Way::Fast => model.backward(&batch, &mut Draw::First, 1.0).unwrap(),
    };
    Step { store, losses }
}

/// The pictures of a training fixture, as many as it has.
pub fn images(fixture: &Fixture) -> Vec<RgbImage> {
    let keys = (0..).map(|image| format!("input.image{image}"));
    keys.take_while(|key| fixture.has(key)).map(|key| fixture.image(&key)).collect()
}

/// The ground truth of one of them.
pub fn target(fixture: &Fixture, image: usize, size: ImageSize) -> Target {
    let key = |what: &str| format!("input.image{image}.{what}");
    let labels = fixture.integers(&key("labels")).into_iter().map(|label| Label(label as u32));
    let masks = fixture.tensor(&key("masks"));
    let mask = |object: i64| {
        let bitmap: Vec<u8> = Vec::try_from(&masks.get(object).contiguous().view([-1])).unwrap();
        Mask::from_bitmap(size, &bitmap).unwrap()
    };
    let masks = (0..masks.size()[0]).map(mask).collect();
    Target::new(size, fixture.boxes(&key("boxes")), labels.collect(), Some(masks)).unwrap()
}

/// Both models, both ways.
fn all_ways() -> impl Iterator<Item = (&'static str, Way)> {
    ["v1", "v2"].into_iter().flat_map(|variant| [(variant, Way::Plain), (variant, Way::Fast)])
}

#[test]
fn losses_gradients_and_statistics_of_a_step() {
    for (variant, way) in all_ways() {
        let fixture = Fixture::named(&format!("losses_{variant}"));
        let images = images(&fixture);
        let targets: Vec<Target> =
            (0..3).map(|image| target(&fixture, image, images[image].size())).collect();
        assert!(targets[1].is_empty(), "one image of the batch has no object");
        let step = step(&architecture(variant), &images, &targets, way, formula::fill);
        compare_step(&format!("narrow {variant}, {way:?}"), &step, &fixture);
    }
}

/// Losses, gradients and statistics against a fixture.
pub fn compare_step(model: &str, step: &Step, fixture: &Fixture) {
    for (name, loss) in step.losses.named() {
        let off = loss_difference(&format!("{model}: {name}"), loss, fixture.scalar(name));
        report(model, name, off, "relative");
    }
    compare_gradients(model, &step.store, fixture);
    compare_statistics(model, &step.store, fixture);
}

#[test]
fn a_batch_without_objects_trains() {
    for (variant, way) in all_ways() {
        let fixture = Fixture::named(&format!("losses_{variant}"));
        let images = images(&fixture);
        let targets = vec![Target::empty(); 3];
        let step = step(&architecture(variant), &images, &targets, way, formula::fill);
        for (name, loss) in step.losses.named() {
            let expected = fixture.scalar(&format!("empty.{name}"));
            loss_difference(&format!("{variant} without objects: {name}"), loss, expected);
        }
        for (name, variable) in trained(&step.store) {
            let expected = fixture.scalar(&format!("empty.gradient_norm.{name}"));
            let gradient = variable.grad();
            let found = match gradient.defined() {
                true => gradient.to_kind(Kind::Double).norm().double_value(&[]),
                false => 0.0,
            };
            let off = (found - expected).abs() / expected.max(1e-9);
            assert!(off <= GRADIENT, "{variant} without objects: {name}: {found}, not {expected}");
        }
    }
}

fn loss_difference(what: &str, found: &Tensor, expected: f64) -> f64 {
    let found = found.double_value(&[]);
    let off = (found - expected).abs() / expected.abs().max(1e-9);
    assert!(found.is_finite() && off <= LOSS, "{what}: {found}, expected {expected}");
    off
}

fn compare_gradients(model: &str, store: &VarStore, fixture: &Fixture) {
    let mut worst = (0.0, String::new());
    let mut count = 0;
    for (name, variable) in trained(store) {
        let expected = fixture.tensor(&format!("gradient.{name}"));
        let off = relative_norm(&variable.grad(), &expected);
        assert!(off <= GRADIENT, "{model}: gradient of {name} is {off:.1e} off");
        worst = if off > worst.0 { (off, name) } else { worst };
        count += 1;
    }
    let expected = fixture.names().filter(|name| name.starts_with("gradient.")).count();
    assert_eq!(count, expected, "{model}: parameters with a gradient");
    report(model, &format!("{count} gradients, worst {}", worst.1), worst.0, "relative norm");
}

fn compare_statistics(model: &str, store: &VarStore, fixture: &Fixture) {
    let variables = store.variables();
    for key in fixture.names().filter(|name| name.starts_with("running.")) {
        let name = key.trim_start_matches("running.");
        let off = relative_norm(&variables[name], &fixture.tensor(key));
        // A tenth of a mean over thousands of pixels: float32 sums in another order.
        assert!(off <= 1e-5, "{model}: {name} is {off:.1e} off");
    }
}

/// Norm of the difference over the norm.
fn relative_norm(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.size(), expected.size());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let (found, expected) = (floats(found), floats(expected));
    let differences = found.iter().zip(&expected).map(|(a, b)| f64::from(a - b));
    let scale = norm(&mut expected.iter().map(|&value| f64::from(value)));
    norm(&mut { differences }) / scale.max(1e-12)
}

/// What is trained, by name and in its order.
fn trained(store: &VarStore) -> Vec<(String, Tensor)> {
    let all = store.variables().into_iter();
    let mut trained: Vec<_> = all.filter(|(_, variable)| variable.requires_grad()).collect();
    trained.sort_by(|a, b| a.0.cmp(&b.0));
    trained
}
