//! A data set as its files describe it: images, objects, classes, nothing judged and nothing dropped.
//!
//! Every reader gives a [`Collection`], whatever the format was; checking, converting, splitting,
//! drawing, training and scoring start from it. Boxes that lie outside or have no area are still in
//! here, so that a check can name them; [`Dataset::sample`] is what leaves them out.
//!
//! Boxes are as COCO writes them, `x y width height` in double precision, in pixels of the image as a
//! person sees it: evaluation has to see the very numbers of the file.

mod finding;
mod join;
mod sample;

use kestrel_core::{Categories, ImageSize, Label, Mask};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use finding::{Finding, FindingKind, Place, Severity};
pub use sample::{Sample, SampleError};

/// Everything read from one place: one data set a split.
#[derive(Clone, Debug)]
pub struct Collection {
    /// How the files were written.
    pub format: Format,
    /// What was named by the user.
    pub root: PathBuf,
    /// The splits in the order `train`, `val`, `test`, others; a set without splits has one, `all`.
    pub splits: Vec<Split>,
}

/// A part of a collection that is used on its own.
#[derive(Clone, Debug)]
pub struct Split {
    /// `train`, `val`, `test`, `all`, or what the files call it.
    pub name: String,
    /// Its images and objects.
    pub dataset: Dataset,
    /// What was wrong with its files; the objects concerned are not in `dataset`, or lack what could
    /// not be read.
    pub findings: Vec<Finding>,
}

/// How a data set is written on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// One JSON a split: images, annotations, categories.
    Coco,
    /// One XML an image.
    Voc,
    /// One text file an image, a line an object, relative coordinates.
    Yolo,
    /// Penn-Fudan: one PNG an image whose pixel values number the instances.
    InstancePng,
    /// Data Science Bowl 2018: a folder an image with `images/` and one PNG an instance in `masks/`.
    MaskFolders,
    /// VGG Image Annotator, one JSON for all images.
    Via,
    /// LabelMe, one JSON an image.
    LabelMe,
    /// A folder a class, with the pictures that show it: each has one object, which is all of it.
    ClassFolders,
}

/// Images, their objects, and what the classes are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// By rising id; ids may be sparse.
    pub categories: Vec<Category>,
    /// In the order of the files.
    pub images: Vec<ImageRecord>,
}

/// The number a data set gives to a class. A network's [`Label`] is another thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub u64);

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its number in the files, or counted from 1 where the format has none.
    pub id: CategoryId,
    /// Its name.
    pub name: String,
    /// COCO's group of the class.
    pub supercategory: Option<String>,
}

/// An image and its objects, of which there may be none.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageRecord {
    /// Its number in the files, or counted from 1 where the format has none.
    pub id: u64,
    /// The name the annotations use, with `/` between folders.
    pub name: String,
    /// Where the file lies, or should.
    pub path: PathBuf,
    /// The size the annotations state, not yet compared with the file.
    pub stated_size: Option<ImageSize>,
    /// Its objects in the order of the files.
    pub objects: Vec<Object>,
    /// Where the annotations speak of it.
    pub place: Place,
}

/// One annotated object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its number in the files, or counted from 1 over the whole split.
    pub id: u64,
    /// Its class; may be one that the data set does not declare.
    pub category: CategoryId,
    /// Its box as stated, or around its outline where only that is given.
    pub bbox: ObjectBox,
    /// Its shape, where the format has one.
    pub outline: Option<Outline>,
    /// Area in pixels as stated.
    pub area: Option<f64>,
    /// A region with uncounted objects, neither a hit nor a miss.
    pub crowd: bool,
    /// VOC's mark for an object that VOC's own evaluation passes over.
    pub difficult: bool,
    /// Where it is annotated.
    pub place: Place,
}

/// A box as a file states it, in pixels: may be empty, lie outside, or hold no number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ObjectBox {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Right edge minus left edge.
    pub width: f64,
    /// Bottom edge minus top edge.
    pub height: f64,
}

/// The shape of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Outline {
    /// Closed lines in pixels, `x y x y ...` each; their union is the object.
    Polygons(Vec<Vec<f64>>),
    /// Its pixels; the size is that of the mask, which may not be the image's.
    Mask(Mask),
}

impl Format {
    /// The name a person knows the format by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco => "COCO",
            Self::Voc => "Pascal VOC",
            Self::Yolo => "YOLO",
            Self::InstancePng => "instance PNG",
            Self::MaskFolders => "mask folders",
            Self::Via => "VIA",
            Self::LabelMe => "LabelMe",
            Self::ClassFolders => "class folders",
        }
    }
}

impl Dataset {
    /// Number of objects in all images, crowds included.
    pub fn num_objects(&self) -> usize {
        self.images.iter().map(|image| image.objects.len()).sum()
    }

    /// Whether any object has a shape beyond its box.
    pub fn has_outlines(&self) -> bool {
        self.images.iter().flat_map(|image| &image.objects).any(|object| object.outline.is_some())
    }

    /// The labels a network is trained with: 1, 2, ... by rising category id, so that ids may have
    /// gaps and nobody has to count classes.
    pub fn labels(&self) -> BTreeMap<CategoryId, Label> {
        let mut ids: Vec<CategoryId> = self.categories.iter().map(|category| category.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().zip((1..).map(Label)).collect()
    }

    /// The names of [`Dataset::labels`], background first.
    pub fn label_names(&self) -> Categories {
        let by_id: BTreeMap<CategoryId, &str> =
            self.categories.iter().map(|category| (category.id, category.name.as_str())).collect();
        Categories::new(std::iter::once("background").chain(by_id.into_values()))
    }
}

impl ObjectBox {
    /// A box from its corners.
    pub fn from_corners(x1: f64, y1: f64, x2: f64, y2: f64) -> Self {
        Self { x: x1, y: y1, width: x2 - x1, height: y2 - y1 }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

impl Outline {
    /// The pixels of the object in an image of `size`, drawn as COCO draws polygons.
    ///
    /// # Errors
    /// When a polygon cannot be drawn, or the mask is of another size; the text says which.
    pub fn to_mask(&self, size: ImageSize) -> Result<Mask, String> {
        match self {
            Self::Mask(mask) if mask.size() == size => Ok(mask.clone()),
            Self::Mask(mask) => Err(format!("the mask is {}, the image {size}", mask.size())),
            Self::Polygons(polygons) => {
                Mask::from_polygons(size, polygons).map_err(|error| error.to_string())
            }
        }
    }
}
