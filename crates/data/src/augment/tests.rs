//! What holds for every augmentation: boxes and masks stay with the pixels they were drawn around.
//!
//! The pictures are blue and their objects red, so that a picture says itself where its masks must
//! be.

use super::*;
use kestrel_core::{BBox, ImageSize, Label, Mask, RgbImage, Target};
use proptest::prelude::*;

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// Keeps whatever can be seen, so that no red pixel loses its object.
const KEEP_ALL: KeepRule = KeepRule { min_area_ratio: 0.0, min_side_px: 0.0 };

/// An ellipse inside a box.
#[derive(Clone, Copy, Debug)]
struct Ellipse {
    left: usize,
    top: usize,
    size: ImageSize,
}

impl Ellipse {
    fn bitmap(&self, picture: ImageSize) -> Vec<u8> {
        let inside = |at: usize, from: usize, length: usize| {
            let radius = length as f64 / 2.0;
            ((at as f64 + 0.5 - from as f64 - radius) / radius).powi(2)
        };
        let pixel = |place: usize| {
            let x = inside(place % picture.width, self.left, self.size.width);
            let y = inside(place / picture.width, self.top, self.size.height);
            u8::from(x + y <= 1.0)
        };
        (0..picture.area()).map(pixel).collect()
    }
}

fn drawn(size: ImageSize, ellipses: &[Ellipse], with_masks: bool) -> Sample {
    let bitmaps: Vec<Vec<u8>> = ellipses.iter().map(|ellipse| ellipse.bitmap(size)).collect();
    let masks: Vec<Mask> = bitmaps
        .iter()
        .map(|bitmap| Mask::from_bitmap(size, bitmap).unwrap())
        .filter(|mask| mask.area() > 0)
        .collect();
    let boxes: Vec<BBox> = masks.iter().filter_map(Mask::bounds).collect();
    let labels = (1..).map(Label).take(boxes.len()).collect();
    let is_red = |place: usize| bitmaps.iter().any(|bitmap| bitmap[place] == 1);
    let pixels = (0..size.area()).flat_map(|at| if is_red(at) { RED } else { BLUE }).collect();
    Sample {
        image_id: 7,
        image: RgbImage::new(size, pixels).unwrap(),
        target: Target::new(size, boxes, labels, with_masks.then_some(masks)).unwrap(),
    }
}

fn any_ellipse(picture: ImageSize) -> impl Strategy<Value = Ellipse> {
    (0..picture.width, 0..picture.height).prop_flat_map(move |(left, top)| {
        (1..=picture.width - left, 1..=picture.height - top).prop_map(move |(width, height)| {
            Ellipse { left, top, size: ImageSize::new(height, width) }
        })
    })
}

/// Pictures from 1x1 on, with any number of objects from none on, which may overlap.
fn any_sample(with_masks: bool) -> impl Strategy<Value = Sample> {
    (1usize..40, 1usize..40).prop_flat_map(move |(height, width)| {
        let size = ImageSize::new(height, width);
        let ellipses = proptest::collection::vec(any_ellipse(size), 0..4);
        ellipses.prop_map(move |ellipses| drawn(size, &ellipses, with_masks))
    })
}

/// Every augmentation there is.
fn every(probability: f64) -> Vec<Augmentation> {
    let size = ImageSize::new(37, 29);
    let sides = vec![5, 30, 70];
    vec![
        Augmentation::HorizontalFlip(Flip { probability }),
        Augmentation::VerticalFlip(Flip { probability }),
        Augmentation::ScaleJitter(ScaleJitter { probability, size, ..ScaleJitter::default() }),
        Augmentation::RandomCrop(RandomCrop { probability, ..RandomCrop::default() }),
        Augmentation::ShortSide(ShortSide { probability, sizes: sides, max_size: 90 }),
        Augmentation::Photometric(Photometric { probability, ..Photometric::default() }),
        Augmentation::Rotate90(Rotate90 { probability }),
        Augmentation::Rotate(Rotate { probability, max_degrees: 40.0, ..Rotate::default() }),
        Augmentation::Blur(Blur { probability, ..Blur::default() }),
        Augmentation::Noise(Noise { probability, ..Noise::default() }),
        Augmentation::CopyPaste(CopyPaste { probability, ..CopyPaste::default() }),
    ]
}

/// Those that move whole pixels.
fn exact() -> Vec<Augmentation> {
    let crop = RandomCrop { keep: KEEP_ALL, ..RandomCrop::default() };
    let paste = CopyPaste { probability: 1.0, keep: KEEP_ALL, ..CopyPaste::default() };
    vec![
        Augmentation::HorizontalFlip(Flip { probability: 1.0 }),
        Augmentation::VerticalFlip(Flip { probability: 1.0 }),
        Augmentation::Rotate90(Rotate90 { probability: 1.0 }),
        Augmentation::RandomCrop(crop),
        Augmentation::CopyPaste(paste),
    ]
}

fn donor() -> Sample {
    let [round, flat] = [ImageSize::new(9, 9), ImageSize::new(3, 20)];
    let ellipses =
        [Ellipse { left: 2, top: 3, size: round }, Ellipse { left: 0, top: 20, size: flat }];
    drawn(ImageSize::new(30, 25), &ellipses, true)
}

fn changed(stage: &Augmentation, sample: &Sample, seed: u64) -> Sample {
    let augmenter = Augmenter::new(std::slice::from_ref(stage)).unwrap();
    let mut chance = Chance::of_sample(seed, 0, 0, 0);
    augmenter.apply(sample.clone(), &mut chance, &mut |_| Some(donor()))
}

/// The pixels that are more red than blue.
fn red(image: &RgbImage) -> Mask {
    let (pixels, _) = image.pixels().as_chunks::<3>();
    let bitmap: Vec<u8> = pixels.iter().map(|[red, _, blue]| u8::from(red > blue)).collect();
    Mask::from_bitmap(image.size(), &bitmap).unwrap()
}

/// The pixels of all objects.
fn union(sample: &Sample) -> Mask {
    let size = sample.image.size();
    let mut bitmap = vec![0; size.area()];
    for (x, top, end) in sample.target.masks().unwrap().iter().flat_map(Mask::column_runs) {
        (top..end).for_each(|y| bitmap[y * size.width + x] = 1);
    }
    Mask::from_bitmap(size, &bitmap).unwrap()
}

fn check_boxes(stage: &Augmentation, sample: &Sample) {
    let size = sample.image.size();
    let target = &sample.target;
    for (object, bbox) in target.boxes().iter().enumerate() {
        assert_eq!(bbox.clip(size), *bbox, "{}: outside {size}", stage.name());
        assert!(bbox.sides_at_least(f32::MIN_POSITIVE), "{}: {bbox:?}", stage.name());
        let Some(masks) = target.masks() else { continue };
        let bounds = masks[object].bounds().unwrap();
        let apart = <[f32; 4]>::from(bounds).into_iter().zip(<[f32; 4]>::from(*bbox));
        let apart = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart <= 1.0, "{}: {bbox:?}, mask {bounds:?}", stage.name());
    }
}

proptest! {
    #[test]
    fn boxes_stay_inside_and_at_their_masks(sample in any_sample(true), seed: u64) {
        for stage in every(1.0) {
            check_boxes(&stage, &changed(&stage, &sample, seed));
        }
    }

    #[test]
    fn boxes_without_masks_stay_inside(sample in any_sample(false), seed: u64) {
        for stage in every(1.0) {
            let changed = changed(&stage, &sample, seed);
            prop_assert!(changed.target.masks().is_none());
            check_boxes(&stage, &changed);
        }
    }

    #[test]
    fn probability_0_changes_nothing(sample in any_sample(true), seed: u64) {
        for stage in every(0.0) {
            prop_assert_eq!(&changed(&stage, &sample, seed), &sample, "{}", stage.name());
        }
    }

    #[test]
    fn a_seed_gives_the_same_bytes(sample in any_sample(true), seed: u64) {
        let augmenter = Augmenter::new(&every(0.7)).unwrap();
        let run = || {
            let mut chance = Chance::of_sample(seed, 1, 2, 3);
            augmenter.apply(sample.clone(), &mut chance, &mut |_| Some(donor()))
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn masks_are_the_red_pixels(sample in any_sample(true), seed: u64) {
        for stage in exact() {
            let changed = changed(&stage, &sample, seed);
            prop_assert_eq!(red(&changed.image), union(&changed), "{}", stage.name());
        }
    }
}

/// Those that put pixels between pixels; what appears is blue.
fn resampling() -> Vec<Augmentation> {
    let keep = KEEP_ALL;
    let size = ImageSize::new(150, 170);
    let jitter = ScaleJitter { min: 0.5, max: 2.0, size, fill: BLUE, keep, probability: 1.0 };
    let rotate = Rotate { probability: 1.0, max_degrees: 30.0, fill: BLUE, keep };
    let sides = ShortSide { sizes: vec![60, 100, 119, 250], ..ShortSide::default() };
    vec![
        Augmentation::ScaleJitter(jitter),
        Augmentation::Rotate(rotate),
        Augmentation::ShortSide(sides),
    ]
}

#[test]
fn resampled_masks_are_nearly_the_red_pixels() {
    let ellipse =
        |left, top, height, width| Ellipse { left, top, size: ImageSize::new(height, width) };
    let ellipses = [ellipse(5, 8, 50, 70), ellipse(60, 40, 70, 60), ellipse(110, 10, 40, 45)];
    let sample = drawn(ImageSize::new(120, 160), &ellipses, true);
    let mut seen = 0;
    for stage in resampling() {
        for seed in 0..40 {
            let changed = changed(&stage, &sample, seed);
            let (red, union) = (red(&changed.image), union(&changed));
            // A crop may show a sliver, where one pixel is more than a twentieth.
            if union.area() < 500 {
                continue;
            }
            // Along the edge, the nearest pixel and the mean of four differ by less than a pixel:
            // of the smallest object, half the size, that is 70 of 350 pixels at the worst.
            let iou = red.iou(&union);
            assert!(iou >= 0.95, "{}, seed {seed}: IoU {iou}", stage.name());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} pictures compared");
}

#[test]
fn the_smallest_picture_passes_through_everything() {
    let whole = Ellipse { left: 0, top: 0, size: ImageSize::new(1, 1) };
    let sample = drawn(ImageSize::new(1, 1), &[whole], true);
    for stage in every(1.0) {
        for seed in 0..20 {
            assert!(changed(&stage, &sample, seed).image.size().area() > 0, "{}", stage.name());
        }
    }
    let nothing = Sample {
        image_id: 1,
        image: RgbImage::filled(ImageSize::new(0, 5), RED),
        target: Target::empty(),
    };
    for stage in every(1.0) {
        assert_eq!(changed(&stage, &nothing, 1), nothing, "{}", stage.name());
    }
}

#[test]
fn a_picture_without_objects_stays_one() {
    let sample = drawn(ImageSize::new(20, 30), &[], true);
    for stage in every(1.0).iter().filter(|stage| stage.name() != "copy_paste") {
        assert!(changed(stage, &sample, 3).target.is_empty(), "{}", stage.name());
    }
}

#[test]
fn what_is_nearly_lost_is_dropped() {
    let size = ImageSize::new(100, 100);
    let flat = Ellipse { left: 0, top: 10, size: ImageSize::new(2, 40) };
    let high = Ellipse { left: 10, top: 0, size: ImageSize::new(100, 20) };
    for with_masks in [true, false] {
        let target = drawn(size, &[flat, high], with_masks).target;
        // Half as wide, and cut in the middle of both objects: 10 and 5 columns are left.
        let columns = axis::Axis::resized(100, 50).window(10, 40);
        let placement = axis::Placement { columns, rows: axis::Axis::same(100) };
        let num_left = |min_area_ratio, min_side_px| {
            let keep = KeepRule { min_area_ratio, min_side_px };
            objects::moved(&target, &placement, &keep).len()
        };
        assert_eq!((num_left(0.0, 1.0), num_left(0.45, 1.0), num_left(0.55, 1.0)), (2, 2, 0));
        assert_eq!((num_left(0.0, 4.0), num_left(0.0, 20.0)), (1, 0));
    }
}

#[test]
fn hidden_objects_lose_what_is_hidden() {
    let size = ImageSize::new(30, 25);
    let below = Ellipse { left: 2, top: 3, size: ImageSize::new(9, 16) };
    let hidden = Ellipse { left: 4, top: 5, size: ImageSize::new(4, 4) };
    let sample = drawn(size, &[below, hidden], true);
    let paste = CopyPaste { probability: 1.0, object_probability: 1.0, ..CopyPaste::default() };
    let pasted = changed(&Augmentation::CopyPaste(paste), &sample, 1);
    assert_eq!(pasted.target.labels(), [Label(1), Label(1), Label(2)]);
    let masks = pasted.target.masks().unwrap();
    let before = sample.target.masks().unwrap();
    assert!(masks[0].area() < before[0].area() && masks[0].iou(&masks[1]) == 0.0);
    assert_eq!(&masks[1..], donor().target.masks().unwrap());
}

#[test]
fn without_donor_nothing_is_pasted() {
    let sample = donor();
    let paste = CopyPaste { probability: 1.0, object_probability: 1.0, ..CopyPaste::default() };
    let augmenter = Augmenter::new(&[Augmentation::CopyPaste(paste)]).unwrap();
    let mut chance = Chance::of_sample(1, 0, 0, 0);
    assert_eq!(augmenter.apply(sample.clone(), &mut chance, &mut |_| None), sample);
    let mut bare = |_: &mut Chance| Some(drawn(ImageSize::new(9, 9), &[], false));
    assert_eq!(augmenter.apply(sample.clone(), &mut chance, &mut bare), sample);
}

fn parsed(yaml: &str) -> Result<Vec<Augmentation>, serde_yaml::Error> {
    let text = serde_yaml::Deserializer::from_str(yaml);
    serde_yaml::with::singleton_map_recursive::deserialize(text)
}

#[test]
fn a_config_reads_as_it_is_documented() {
    let stages = parsed("- horizontal_flip: {}\n- rotate: {max_degrees: 5.0}").unwrap();
    let rotate = Rotate { max_degrees: 5.0, ..Rotate::default() };
    assert_eq!(
        stages,
        [Augmentation::HorizontalFlip(Flip::default()), Augmentation::Rotate(rotate)]
    );
    let message = parsed("- rotate: {max_degree: 5.0}").unwrap_err().to_string();
    assert!(message.contains("max_degree") && message.contains("max_degrees"), "{message}");
    let message = parsed("- horizontal_flop: {}").unwrap_err().to_string();
    assert!(message.contains("horizontal_flop"), "{message}");
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let refused = |yaml: &str| Augmenter::new(&parsed(yaml).unwrap()).unwrap_err().to_string();
    assert_eq!(
        refused("- blur: {max_sigma_px: -1.0}"),
        "augmentation blur: max_sigma_px: found -1, expected 0 to 32"
    );
    for (yaml, field) in [
        ("- vertical_flip: {probability: .nan}", "vertical_flip: probability: found NaN"),
        ("- scale_jitter: {min: 3.0}", "min: found 3, expected 0.01 to 2"),
        ("- scale_jitter: {size: {height: 0, width: 9}}", "size.height: found 0"),
        ("- short_side: {sizes: []}", "sizes: found an empty list"),
        ("- short_side: {sizes: [640, 100000]}", "sizes: found 100000"),
        ("- random_crop: {min_overlaps: [1.5]}", "min_overlaps: found 1.5"),
        ("- random_crop: {keep: {min_area_ratio: 2.0}}", "keep.min_area_ratio: found 2"),
        ("- photometric: {hue: {min: -0.6, max: 0.1}}", "hue.min: found -0.6"),
        ("- noise: {max_levels: 101.0}", "max_levels"),
        ("- copy_paste: {object_probability: 1.1}", "object_probability"),
    ] {
        assert!(refused(yaml).contains(field), "{}", refused(yaml));
    }
}

#[test]
fn the_defaults_make_sense() {
    let names = every(0.5);
    for stage in &names {
        let yaml = format!("- {}: {{}}", stage.name());
        assert!(Augmenter::new(&parsed(&yaml).unwrap()).is_ok(), "{yaml}");
    }
}
