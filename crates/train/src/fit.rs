//! Sizes that suit the data: how large pictures go into the network, and which boxes proposals start
//! from.
//!
//! Anchors double from level to level, as in the FPN paper (Lin et al. 2017, section 4.1); what is
//! chosen is where they begin. Nothing here is a search: with the sizes that come out, `kestrel data
//! check` says which objects no anchor matches.

use kestrel_core::ImageSize;
use kestrel_data::{AnchorFit, AnchorGrid, Dataset, DecodeLimits, ImageRecord, ObjectBox, probe};
use kestrel_rcnn::Architecture;

/// Images looked at; more do not move a percentile.
const MAX_IMAGES: usize = 2000;
/// Small objects, the tenth percentile, should be this large in the network: half the anchor of the
/// finest level in the FPN paper, and four of its positions.
const SMALL_OBJECT_PX: f64 = 16.0;
/// Pictures are enlarged by at most this.
const MAX_ENLARGEMENT: f64 = 2.0;
/// The shorter side in the network, at least and at most.
const SIDES_PX: [f64; 2] = [256.0, 800.0];
/// Sides are multiples of this, the coarsest stride of the backbone.
const SIDE_STEP_PX: f64 = 32.0;
/// The longer side in the network may be this many times the shorter: 1333 to 800 in torchvision.
const MAX_ASPECT: f64 = 1333.0 / 800.0;
/// The smallest anchor, at least and at most: two positions of the finest level, and the paper's.
const ANCHORS_PX: [f64; 2] = [8.0, 32.0];
/// Overlap from which an anchor suits an object: that of the box head's matcher.
const MIN_IOU: f64 = 0.5;

/// An object with a proper box, and the image it is in, both in pixels.
struct Placed {
    bbox: ObjectBox,
    image: ImageSize,
}

impl Placed {
    fn side(&self) -> f64 {
        (self.bbox.width * self.bbox.height).sqrt()
    }
}

/// Sets the sizes of pictures and anchors to what suits the data. Without objects nothing changes.
pub fn fit_sizes(architecture: &mut Architecture, dataset: &Dataset) {
    let placed = placed(dataset);
    let Some(small) = percentile(placed.iter().map(Placed::side), 0.1) else { return };
    let short = |placed: &Placed| placed.image.height.min(placed.image.width) as f64;
    let Some(short) = percentile(placed.iter().map(short), 0.5) else { return };
    let enlargement = (SMALL_OBJECT_PX / small).clamp(1.0, MAX_ENLARGEMENT);
    let [least, most] = SIDES_PX;
    let side = ((short * enlargement / SIDE_STEP_PX).round() * SIDE_STEP_PX).clamp(least, most);
    let resize = &mut architecture.resize;
    (resize.min_size, resize.max_size) = (side as usize, (side * MAX_ASPECT).round() as usize);

    let in_resized = |placed: &Placed| {
        let resized = architecture.resize.resized(placed.image);
        placed.side() * resized.height as f64 / placed.image.height as f64
    };
    let [least, most] = ANCHORS_PX;
    let smallest = percentile(placed.iter().map(in_resized), 0.1).unwrap_or(most);
    let smallest = smallest.round().clamp(least, most) as f32;
    let sizes = (0..architecture.anchors.sizes.len()).map(|level| smallest * (1 << level) as f32);
    architecture.anchors.sizes = sizes.collect();
}

/// How many objects some anchor suits. Images of unknown size are asked for theirs.
pub fn anchor_fit(architecture: &Architecture, dataset: &Dataset) -> AnchorFit {
    let grid = AnchorGrid {
        sizes: architecture.anchors.sizes.iter().map(|&size| f64::from(size)).collect(),
        ratios: architecture.anchors.ratios.iter().map(|&ratio| f64::from(ratio)).collect(),
        strides: (0..architecture.anchors.sizes.len()).map(|level| 4 << level).collect(),
        min_side: architecture.resize.min_size as f64,
        max_side: architecture.resize.max_size as f64,
        min_iou: MIN_IOU,
        ..AnchorGrid::default()
    };
    let placed = placed(dataset);
    let suits = |placed: &&Placed| grid.best_iou(&placed.bbox, placed.image) >= MIN_IOU;
    let objects = placed.len();
    AnchorFit::new(objects, objects - placed.iter().filter(suits).count())
}

fn placed(dataset: &Dataset) -> Vec<Placed> {
    let step = dataset.images.len().div_ceil(MAX_IMAGES).max(1);
    let of_image = |record: &ImageRecord| -> Vec<Placed> {
        let size =
            record.stated_size.or_else(|| probe(&record.path, &DecodeLimits::default()).ok());
        let Some(image) = size.filter(|size| size.area() > 0) else { return Vec::new() };
        let objects = record.objects.iter().filter(|object| !object.crowd);
        let placed = objects.map(|object| Placed { bbox: object.bbox, image });
        // Written so that NaN is refused too.
        placed.filter(|Placed { bbox, .. }| bbox.width > 0.0 && bbox.height > 0.0).collect()
    };
    dataset.images.iter().step_by(step).flat_map(of_image).collect()
}

/// The value that this part of all lies below; none of nothing.
fn percentile(values: impl Iterator<Item = f64>, part: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_data::{CategoryId, Object, Place};

    fn dataset(image: ImageSize, sides: &[f64]) -> Dataset {
        let object = |&side: &f64| Object {
            id: 1,
            category: CategoryId(1),
            bbox: ObjectBox { x: 10.0, y: 10.0, width: side, height: side },
            outline: None,
            area: None,
            crowd: false,
            difficult: false,
            place: Place::default(),
        };
        let record = ImageRecord {
            id: 1,
            name: "a.png".into(),
            path: "a.png".into(),
            stated_size: Some(image),
            objects: sides.iter().map(object).collect(),
            place: Place::default(),
        };
        Dataset { categories: Vec::new(), images: vec![record] }
    }

    #[test]
    fn small_objects_enlarge_the_picture_and_start_the_anchors() {
        let tile = dataset(ImageSize::new(256, 256), &[8.0, 10.0, 20.0, 40.0]);
        let mut architecture = Architecture::default();
        let tiny = dataset(ImageSize::new(800, 800), &[8.0, 12.0, 64.0]);
        assert_eq!(anchor_fit(&architecture, &tiny), AnchorFit::new(3, 2));
        fit_sizes(&mut architecture, &tile);
        assert_eq!((architecture.resize.min_size, architecture.resize.max_size), (512, 853));
        assert_eq!(architecture.anchors.sizes, [16.0, 32.0, 64.0, 128.0, 256.0]);
        assert_eq!(anchor_fit(&architecture, &tile).unmatched, 0);
    }

    #[test]
    fn large_objects_leave_a_photograph_as_it_is() {
        let photograph = dataset(ImageSize::new(480, 640), &[100.0, 200.0, 300.0]);
        let mut architecture = Architecture::default();
        fit_sizes(&mut architecture, &photograph);
        assert_eq!(architecture.resize.min_size, 480);
        assert_eq!(architecture.anchors.sizes[0], 32.0);
    }

    #[test]
    fn without_proper_objects_nothing_changes() {
        for sides in [&[][..], &[0.0, f64::NAN]] {
            let mut architecture = Architecture::default();
            fit_sizes(&mut architecture, &dataset(ImageSize::new(100, 100), sides));
            assert_eq!(architecture, Architecture::default());
            let none = dataset(ImageSize::new(100, 100), sides);
            assert_eq!(anchor_fit(&architecture, &none), AnchorFit::default());
        }
    }
}
