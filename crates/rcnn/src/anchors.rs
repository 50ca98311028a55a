//! Anchor boxes (Ren et al. 2015, arXiv:1506.01497, section 3.1.1; one size a level as in the FPN
//! paper, section 4.1).
//!
//! Source: `torchvision/models/detection/anchor_utils.py`. Differences: none known; in particular
//! the stride is the padded size divided by the map's size *as integers*, which makes it 61 rather
//! than 64 on the coarsest level of an 800 pixel image, and the corners are rounded half to even.

use kestrel_core::{BBox, ImageSize};
use serde::{Deserialize, Serialize};

/// The sizes and shapes of anchors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnchorConfig {
    /// Square root of an anchor's area in pixels of the resized image, one for each level.
    pub sizes: Vec<f32>,
    /// Height divided by width, all of them at every position.
    pub ratios: Vec<f32>,
}

impl Default for AnchorConfig {
    fn default() -> Self {
        Self { sizes: vec![32.0, 64.0, 128.0, 256.0, 512.0], ratios: vec![0.5, 1.0, 2.0] }
    }
}

impl AnchorConfig {
    /// Anchors at each position, usually written `A`.
    pub fn per_position(&self) -> usize {
        self.ratios.len()
    }

    /// The anchors around the origin for one size.
    fn around_origin(&self, size: f32) -> Vec<BBox> {
        let anchor = |ratio: &f32| {
            let height_ratio = ratio.sqrt();
            let (width, height) = ((1.0 / height_ratio) * size, height_ratio * size);
            let half = |side: f32| (side / 2.0).round_ties_even();
            BBox::new(-half(width), -half(height), half(width), half(height))
        };
        self.ratios.iter().map(anchor).collect()
    }
}

/// All anchors of one padded image size, made when asked for: a level has up to 200,000.
///
/// Within a level they run over rows, then columns, then anchors at a position.
#[derive(Clone, Debug)]
pub struct Anchors {
    levels: Vec<LevelAnchors>,
}

/// The anchors of one level.
#[derive(Clone, Debug)]
pub struct LevelAnchors {
    around_origin: Vec<BBox>,
    /// Size of the feature map.
    map: ImageSize,
    /// Distance of two neighbouring positions in resized pixels.
    stride: ImageSize,
}

impl Anchors {
    /// Anchors for feature maps of these sizes, finest first, of an image padded to `padded`.
    pub fn new(config: &AnchorConfig, padded: ImageSize, maps: &[ImageSize]) -> Self {
        let level = |(&size, &map): (&f32, &ImageSize)| LevelAnchors {
            around_origin: config.around_origin(size),
            map,
            stride: ImageSize::new(
                padded.height / map.height.max(1),
                padded.width / map.width.max(1),
            ),
        };
        Self { levels: config.sizes.iter().zip(maps).map(level).collect() }
    }

    /// Level by level, finest first.
    pub fn levels(&self) -> &[LevelAnchors] {
        &self.levels
    }

    /// Anchors on all levels together.
    pub fn len(&self) -> usize {
        self.levels.iter().map(LevelAnchors::len).sum()
    }

    /// Whether there are none, as for an image without pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every anchor, level after level, in resized pixels. They may reach over the image's edge.
    pub fn to_vec(&self) -> Vec<BBox> {
        let mut all = Vec::with_capacity(self.len());
        self.levels.iter().for_each(|level| level.add_to(&mut all));
        all
    }
}

impl LevelAnchors {
    /// Number of anchors on this level.
    pub fn len(&self) -> usize {
        self.map.area() * self.around_origin.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The anchor at a place in row, column, anchor order; `index < self.len()`.
    pub fn get(&self, index: usize) -> BBox {
        let per_position = self.around_origin.len();
        let (position, anchor) = (index / per_position, self.around_origin[index % per_position]);
        self.at(position / self.map.width, position % self.map.width, &anchor)
    }

    /// All of them, without the divisions.
    fn add_to(&self, all: &mut Vec<BBox>) {
        for row in 0..self.map.height {
            for column in 0..self.map.width {
                all.extend(self.around_origin.iter().map(|anchor| self.at(row, column, anchor)));
            }
        }
    }

    #[inline]
    fn at(&self, row: usize, column: usize, around_origin: &BBox) -> BBox {
        let BBox { x1, y1, x2, y2 } = around_origin;
        let (x, y) = ((column * self.stride.width) as f32, (row * self.stride.height) as f32);
        BBox::new(x + x1, y + y1, x + x2, y + y2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(height: usize, width: usize) -> Anchors {
        let map = |stride: usize| ImageSize::new(height.div_ceil(stride), width.div_ceil(stride));
        let maps = [4, 8, 16, 32, 64].map(map);
        Anchors::new(&AnchorConfig::default(), ImageSize::new(height, width), &maps)
    }

    #[test]
    fn rounded_corners_around_the_origin() {
        let around = |size| AnchorConfig::default().around_origin(size);
        let corners = |anchor: BBox| [anchor.x1, anchor.y1, anchor.x2, anchor.y2];
        assert_eq!(corners(around(32.0)[0]), [-23.0, -11.0, 23.0, 11.0]);
        assert_eq!(corners(around(32.0)[1]), [-16.0, -16.0, 16.0, 16.0]);
        assert_eq!(corners(around(512.0)[2]), [-181.0, -362.0, 181.0, 362.0]);
    }

    /// Counts and strides that torchvision gives for these padded sizes.
    #[test]
    fn the_coarsest_stride_is_not_always_64() {
        for (height, width, count) in
            [(800, 1088, 217_413), (800, 1344, 268_569), (800, 1216, 242_991)]
        {
            assert_eq!(anchors(height, width).len(), count);
        }
        let coarsest = |height, width| anchors(height, width).levels()[4].stride;
        assert_eq!(coarsest(800, 1056), ImageSize::new(61, 62));
        assert_eq!(coarsest(768, 1344), ImageSize::new(64, 64));
        let some = anchors(100, 65);
        let by_place = some.levels().iter().flat_map(|l| (0..l.len()).map(|place| l.get(place)));
        assert_eq!(some.to_vec(), by_place.collect::<Vec<_>>());
        let second = anchors(800, 1056).levels()[4].get(3);
        assert_eq!(second, BBox::new(62.0 - 362.0, -181.0, 62.0 + 362.0, 181.0));
    }
}
