//! What people mark by hand in VIA and LabelMe: regions with a class name, which become objects.
//!
//! Circles and ellipses become closed lines of 64 points on the curve, the four outermost among
//! them; 0.16 % of the area lies outside. An exact mask would need the size of the picture, which
//! VIA does not store.
//!
//! A rectangle alone is a box without outline. In a collection that has other shapes it is an
//! outline too: somebody who marks shapes and draws a rectangle means a rectangular object, and
//! without an outline it would be missing from the ground truth of masks.

use super::assemble::number_from_one;
use super::counted;
use crate::dataset::{
    Category, CategoryId, Dataset, Finding, ImageRecord, Object, ObjectBox, Outline, Place, Split,
};
use kestrel_core::ImageSize;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;
use std::path::PathBuf;

/// Corners of what stands for a circle.
const NUM_CORNERS: u32 = 64;

/// A split as its files have it, before the classes of all splits are known.
#[derive(Debug)]
pub(super) struct MarkedSplit {
    pub name: String,
    pub images: Vec<MarkedImage>,
    pub findings: Vec<Finding>,
}

#[derive(Debug)]
pub(super) struct MarkedImage {
    pub name: String,
    pub path: PathBuf,
    pub stated_size: Option<ImageSize>,
    pub place: Place,
    pub objects: Vec<MarkedObject>,
}

#[derive(Debug)]
pub(super) struct MarkedObject {
    pub class: String,
    /// One, or the parts of an object that something hides in the middle.
    pub regions: Vec<Region>,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Region {
    Rectangle(ObjectBox),
    /// A closed line in pixels, `x y x y ...`.
    Polygon(Vec<f64>),
}

/// An ellipse in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ellipse {
    pub x: f64,
    pub y: f64,
    /// Half of the axis that lies along x where the ellipse is not turned.
    pub x_radius: f64,
    /// Half of the other axis.
    pub y_radius: f64,
    /// From x towards y.
    pub turn_radians: f64,
}

impl Region {
    /// A closed line of at least three points.
    ///
    /// # Errors
    /// What is wrong with the points.
    pub fn polygon(points: Vec<f64>) -> Result<Self, String> {
        if points.len() < 6 {
            let found = counted(points.len() / 2, "point");
            return Err(format!("a closed line of {found}, expected three or more"));
        }
        if !points.iter().all(|value| value.is_finite()) {
            return Err("a coordinate beyond all numbers".into());
        }
        Ok(Self::Polygon(points))
    }

    /// The points that stand for an ellipse.
    ///
    /// # Errors
    /// When a radius is not above 0, or the points are no numbers.
    pub fn ellipse(ellipse: Ellipse) -> Result<Self, String> {
        let Ellipse { x, y, x_radius, y_radius, turn_radians } = ellipse;
        // Written so that NaN is refused too.
        if !(x_radius > 0.0 && y_radius > 0.0) {
            return Err(format!("radii {x_radius} and {y_radius}, expected both above 0"));
        }
        let (turn_sin, turn_cos) = turn_radians.sin_cos();
        let corner = |number: u32| {
            let (sin, cos) = quarter_exact_sin_cos(number);
            let (along, across) = (x_radius * cos, y_radius * sin);
            [x + along * turn_cos - across * turn_sin, y + along * turn_sin + across * turn_cos]
        };
        Self::polygon((0..NUM_CORNERS).flat_map(corner).collect())
    }

    fn bounds(&self) -> ObjectBox {
        match self {
            Self::Rectangle(bbox) => *bbox,
            Self::Polygon(points) => {
                let (x1, x2) = range(points.iter().step_by(2));
                let (y1, y2) = range(points.iter().skip(1).step_by(2));
                ObjectBox::from_corners(x1, y1, x2, y2)
            }
        }
    }

    fn into_polygon(self) -> Vec<f64> {
        match self {
            Self::Polygon(points) => points,
            Self::Rectangle(bbox) => {
                let ObjectBox { x, y, .. } = bbox;
                vec![x, y, bbox.right(), y, bbox.right(), bbox.bottom(), x, bbox.bottom()]
            }
        }
    }
}

/// Sine and cosine of `number` steps, whose quarters are exact: a circle's box is then its own.
fn quarter_exact_sin_cos(number: u32) -> (f64, f64) {
    let quarter = NUM_CORNERS / 4;
    let (sin, cos) = (TAU * f64::from(number % quarter) / f64::from(NUM_CORNERS)).sin_cos();
    match number / quarter {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

fn range<'a>(values: impl Iterator<Item = &'a f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
        (low.min(value), high.max(value))
    })
}

/// The box around all regions of an object, of which there is at least one.
fn bounds(regions: &[Region]) -> ObjectBox {
    let boxes: Vec<ObjectBox> = regions.iter().map(Region::bounds).collect();
    if let [bbox] = boxes.as_slice() {
        // A box with swapped edges stays as it is stated.
        return *bbox;
    }
    let edges = |edge: fn(&ObjectBox) -> f64| boxes.iter().map(edge).collect::<Vec<f64>>();
    let (x1, _) = range(edges(|bbox| bbox.x).iter());
    let (y1, _) = range(edges(|bbox| bbox.y).iter());
    let (_, x2) = range(edges(ObjectBox::right).iter());
    let (_, y2) = range(edges(ObjectBox::bottom).iter());
    ObjectBox::from_corners(x1, y1, x2, y2)
}

/// Splits with one list of classes, by name and numbered from 1.
pub(super) fn splits(marked: Vec<MarkedSplit>) -> Vec<Split> {
    let objects = || marked.iter().flat_map(|it| &it.images).flat_map(|image| &image.objects);
    let names: BTreeSet<&str> = objects().map(|object| object.class.as_str()).collect();
    let ids: BTreeMap<String, CategoryId> =
        names.into_iter().map(str::to_owned).zip((1..).map(CategoryId)).collect();
    let is_shape = |region: &Region| matches!(region, Region::Polygon(_));
    let has_shapes = objects().flat_map(|object| &object.regions).any(is_shape);
    marked.into_iter().map(|split| split.assemble(&ids, has_shapes)).collect()
}

impl MarkedSplit {
    fn assemble(self, ids: &BTreeMap<String, CategoryId>, has_shapes: bool) -> Split {
        let category = |(name, &id): (&String, &CategoryId)| Category {
            id,
            name: name.clone(),
            supercategory: None,
        };
        let images = self.images.into_iter().map(|image| image.record(ids, has_shapes));
        let mut dataset =
            Dataset { categories: ids.iter().map(category).collect(), images: images.collect() };
        number_from_one(&mut dataset);
        Split { name: self.name, dataset, findings: self.findings }
    }
}

impl MarkedImage {
    fn record(self, ids: &BTreeMap<String, CategoryId>, has_shapes: bool) -> ImageRecord {
        let Self { name, path, stated_size, place, objects } = self;
        let objects = objects.into_iter().map(|object| object.object(ids, has_shapes)).collect();
        ImageRecord { id: 0, name, path, stated_size, objects, place }
    }
}

impl MarkedObject {
    fn object(self, ids: &BTreeMap<String, CategoryId>, has_shapes: bool) -> Object {
        let bbox = bounds(&self.regions);
        let polygons = || self.regions.into_iter().map(Region::into_polygon).collect();
        Object {
            id: 0,
            category: ids.get(&self.class).copied().unwrap_or_default(),
            bbox,
            outline: has_shapes.then(|| Outline::Polygons(polygons())),
            area: None,
            crowd: false,
            difficult: false,
            place: self.place,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    const BOX: ObjectBox = ObjectBox { x: 1.0, y: 2.0, width: 3.0, height: 4.0 };

    fn circle(radius: f64) -> Ellipse {
        Ellipse { x: 50.0, y: 40.0, x_radius: radius, y_radius: radius, turn_radians: 0.0 }
    }

    /// Of a closed line, by the shoelace formula.
    fn area(points: &[f64]) -> f64 {
        let corners: Vec<_> = points.chunks_exact(2).collect();
        let next = corners.iter().cycle().skip(1);
        corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0
    }

    fn split(regions: Vec<Vec<Region>>) -> MarkedSplit {
        let object = |regions| MarkedObject { class: "a".into(), regions, place: Place::default() };
        let objects = regions.into_iter().map(object).collect();
        let image = MarkedImage {
            name: "a.png".into(),
            path: "a.png".into(),
            stated_size: None,
            place: Place::default(),
            objects,
        };
        MarkedSplit { name: "all".into(), images: vec![image], findings: Vec::new() }
    }

    #[test]
    fn a_circle_has_its_own_box_and_nearly_its_area() {
        let region = Region::ellipse(circle(10.0)).unwrap();
        assert_eq!(region.bounds(), ObjectBox { x: 40.0, y: 30.0, width: 20.0, height: 20.0 });
        let share = area(&region.into_polygon()) / (100.0 * PI);
        // An inscribed 64-gon has 64 sin(2 pi / 64) / 2 pi = 0.99839 of the circle.
        assert!((0.9983..0.9985).contains(&share), "{share}");
    }

    #[test]
    fn a_turned_ellipse_reaches_along_its_axis() {
        let ellipse = Ellipse { y_radius: 5.0, turn_radians: PI / 2.0, ..circle(10.0) };
        let bbox = Region::ellipse(ellipse).unwrap().bounds();
        let expected = ObjectBox { x: 45.0, y: 30.0, width: 10.0, height: 20.0 };
        // The cosine of a quarter turn is 6e-17 in double precision.
        assert!(
            (bbox.x - expected.x).abs() < 1e-12 && (bbox.height - expected.height).abs() < 1e-12
        );
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        assert!(Region::polygon(vec![1.0; 4]).unwrap_err().contains("2 points"));
        assert!(Region::polygon(vec![f64::NAN; 6]).is_err());
        assert!(Region::ellipse(circle(0.0)).is_err());
        assert!(Region::ellipse(circle(f64::NAN)).is_err());
        assert!(Region::ellipse(circle(f64::INFINITY)).is_err());
        assert!(Region::ellipse(Ellipse { x: f64::MAX, ..circle(f64::MAX) }).is_err());
    }

    #[test]
    fn rectangles_are_outlines_only_beside_other_shapes() {
        let rectangle = || vec![Region::Rectangle(BOX)];
        let alone = splits(vec![split(vec![rectangle()])]);
        assert!(!alone[0].dataset.has_outlines());
        let polygon = vec![Region::polygon(vec![0.0, 0.0, 9.0, 0.0, 9.0, 9.0]).unwrap()];
        let mixed = splits(vec![split(vec![rectangle()]), split(vec![polygon])]);
        let object = &mixed[0].dataset.images[0].objects[0];
        let corners = vec![1.0, 2.0, 4.0, 2.0, 4.0, 6.0, 1.0, 6.0];
        assert_eq!(object.outline, Some(Outline::Polygons(vec![corners])));
        assert_eq!(object.bbox, BOX);
    }

    #[test]
    fn parts_share_a_box() {
        let far = Region::Rectangle(ObjectBox { x: 10.0, y: 0.0, width: 2.0, height: 3.0 });
        let together = splits(vec![split(vec![vec![Region::Rectangle(BOX), far]])]);
        let bbox = ObjectBox { x: 1.0, y: 0.0, width: 11.0, height: 6.0 };
        assert_eq!(together[0].dataset.images[0].objects[0].bbox, bbox);
    }
}
