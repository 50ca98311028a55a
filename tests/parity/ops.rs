//! Single operations that can be asked for from outside.

use crate::compare::{STAGE, report, slices, whole};
use crate::fixture::Fixture;
use kestrel_core::{BBox, ImageSize, batched_nms};
use kestrel_rcnn::{AnchorConfig, Anchors, BoxCoder, ResizeConfig};
use kestrel_roi_align::{MultiLevelPooler, Roi, Route};
use tch::{Kind, Tensor};

#[test]
fn sizes_after_the_resize() {
    let fixture = Fixture::named("ops");
    for case in fixture.integers("resize.sizes").chunks_exact(6) {
        let [height, width, min_size, max_size, to_height, to_width] =
            [0, 1, 2, 3, 4, 5].map(|at| case[at] as usize);
        let config = ResizeConfig { min_size, max_size, ..ResizeConfig::default() };
        let resized = config.resized(ImageSize::new(height, width));
        assert_eq!(resized, ImageSize::new(to_height, to_width), "{width}x{height}");
    }
}

#[test]
fn anchors_of_three_padded_sizes() {
    let fixture = Fixture::named("ops");
    for (height, width) in [(800, 1088), (800, 1344), (256, 320)] {
        let key = |what: &str| format!("anchors.{height}x{width}.{what}");
        let map = |stride: usize| ImageSize::new(height / stride, width / stride);
        let coarsest = map(32);
        let coarsest = ImageSize::new(coarsest.height.div_ceil(2), coarsest.width.div_ceil(2));
        let maps = [map(4), map(8), map(16), map(32), coarsest];
        let anchors = Anchors::new(&AnchorConfig::default(), ImageSize::new(height, width), &maps);
        let counts: Vec<i64> = anchors.levels().iter().map(|level| level.len() as i64).collect();
        assert_eq!(counts, fixture.integers(&key("counts")));
        let six = |of: &dyn Fn(usize) -> std::ops::Range<usize>| -> Vec<f32> {
            let levels = anchors.levels().iter();
            levels
                .flat_map(|level| of(level.len()).map(|index| level.get(index)))
                .flat_map(<[f32; 4]>::from)
                .collect()
        };
        assert_eq!(six(&|_| 0..6), fixture.floats(&key("first")));
        assert_eq!(six(&|count| count - 6..count), fixture.floats(&key("last")));
    }
}

#[test]
fn boxes_coded_and_decoded() {
    let fixture = Fixture::named("ops");
    let (boxes, references) = (fixture.boxes("coder.boxes"), fixture.boxes("coder.references"));
    let deltas = fixture.floats("coder.deltas");
    for (name, coder) in [("rpn", BoxCoder::PROPOSALS), ("roi", BoxCoder::DETECTIONS)] {
        let pairs = boxes.iter().zip(&references);
        let encoded: Vec<f32> =
            pairs.flat_map(|(bbox, reference)| coder.encode(reference, bbox)).collect();
        // A logarithm's last digit.
        let off = slices(name, &encoded, &fixture.floats(&format!("coder.encoded_{name}")), 1e-6);
        report("ops", &format!("encode {name}"), off, "of the largest");
        let classes = deltas.chunks_exact(12).zip(&boxes);
        let decoded: Vec<f32> = classes
            .flat_map(|(row, bbox)| {
                row.as_chunks::<4>()
                    .0
                    .iter()
                    .flat_map(|&one| <[f32; 4]>::from(coder.decode(one, bbox)))
            })
            .collect();
        // An exponential's last digit.
        let off = slices(name, &decoded, &fixture.floats(&format!("coder.decoded_{name}")), 1e-6);
        report("ops", &format!("decode {name}"), off, "of the largest");
    }
}

#[test]
fn suppression_on_both_sides_of_the_switch() {
    let fixture = Fixture::named("ops");
    for count in [900, 1500] {
        let key = |what: &str| format!("nms{count}.{what}");
        let groups: Vec<u32> =
            fixture.integers(&key("groups")).into_iter().map(|group| group as u32).collect();
        let boxes = fixture.boxes(&key("boxes"));
        let kept = batched_nms(&boxes, &fixture.floats(&key("scores")), &groups, 0.5);
        let expected: Vec<usize> =
            fixture.integers(&key("keep")).into_iter().map(|place| place as usize).collect();
        assert_eq!(kept, expected, "{count} boxes");
    }
}

#[test]
fn pooling_from_four_levels_and_its_gradient() {
    let fixture = Fixture::named("ops");
    let boxes: [Vec<BBox>; 2] = [0, 1].map(|image| fixture.boxes(&format!("pooler.boxes{image}")));
    let rois = Roi::of_images(&boxes);
    let maps: Vec<Tensor> = (0..4)
        .map(|level| fixture.tensor(&format!("pooler.map{level}")).set_requires_grad(true))
        .collect();
    let pooler = MultiLevelPooler::detector(7);
    let expected = fixture.tensor("pooler.pooled");
    let detached: Vec<Tensor> = maps.iter().map(Tensor::detach).collect();
    let kernel = pooler.pool(&detached, &rois, Route::Kernel).unwrap();
    let off = whole("pooler, kernel", &kernel, &expected, STAGE);
    report("ops", "pooler, kernel", off, "of the largest");
    let bag = pooler.pool(&maps, &rois, Route::Bag).unwrap();
    let off = whole("pooler, bag", &bag, &expected, STAGE);
    report("ops", "pooler, bag", off, "of the largest");
    (bag * fixture.tensor("pooler.weights")).sum(Kind::Float).backward();
    for (level, map) in maps.iter().enumerate() {
        let expected = fixture.tensor(&format!("pooler.map{level}.gradient"));
        let off = whole("pooler gradient", &map.grad(), &expected, STAGE);
        report("ops", &format!("pooler gradient, level {level}"), off, "of the largest");
    }
}
