//! Boxes as differences from reference boxes (Girshick et al. 2014, arXiv:1311.2524, appendix C).
//!
//! Source: `BoxCoder` in `torchvision/models/detection/_utils.py`. Differences: none known; every
//! step is in float32 and in torchvision's order.

use kestrel_core::BBox;

/// `ln(1000 / 16)`: a side may grow to at most 62.5 times that of its reference.
const MAX_LOG_RATIO: f32 = 4.135_166_6;

/// Four differences: centre in units of the reference's sides, sides as logarithms, each times its
/// weight.
pub type Deltas = [f32; 4];

/// Encodes boxes against references and back.
#[derive(Clone, Copy, Debug)]
pub struct BoxCoder {
    weights: [f32; 4],
}

impl BoxCoder {
    /// The weights of the region proposal network.
    pub const PROPOSALS: Self = Self { weights: [1.0, 1.0, 1.0, 1.0] };
    /// The weights of the box head.
    pub const DETECTIONS: Self = Self { weights: [10.0, 10.0, 5.0, 5.0] };

    /// What has to be predicted for `reference` to become `bbox`.
    #[inline]
    pub fn encode(&self, bbox: &BBox, reference: &BBox) -> Deltas {
        let [wx, wy, ww, wh] = self.weights;
        let (from, to) = (Centred::new(reference), Centred::new(bbox));
        [
            wx * (to.x - from.x) / from.width,
            wy * (to.y - from.y) / from.height,
            ww * (to.width / from.width).ln(),
            wh * (to.height / from.height).ln(),
        ]
    }

    /// The box that `deltas` make of `reference`. Growth is clamped from above only.
    #[inline]
    pub fn decode(&self, deltas: Deltas, reference: &BBox) -> BBox {
        let [wx, wy, ww, wh] = self.weights;
        let from = Centred::new(reference);
        let [dx, dy, dw, dh] = deltas;
        let x = dx / wx * from.width + from.x;
        let y = dy / wy * from.height + from.y;
        let half_width = 0.5 * ((dw / ww).min(MAX_LOG_RATIO).exp() * from.width);
        let half_height = 0.5 * ((dh / wh).min(MAX_LOG_RATIO).exp() * from.height);
        BBox::new(x - half_width, y - half_height, x + half_width, y + half_height)
    }
}

struct Centred {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl Centred {
    #[inline]
    fn new(bbox: &BBox) -> Self {
        let (width, height) = (bbox.width(), bbox.height());
        Self { x: bbox.x1 + 0.5 * width, y: bbox.y1 + 0.5 * height, width, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers of `golden.json`.
    #[test]
    fn golden_encoding_and_clamp() {
        let anchor = BBox::new(10.0, 20.0, 50.0, 80.0);
        let deltas = BoxCoder::DETECTIONS.encode(&BBox::new(12.0, 18.0, 60.0, 90.0), &anchor);
        for (found, expected) in deltas.into_iter().zip([1.5, 0.666_667, 0.911_608, 0.911_608]) {
            // The table has six decimals.
            assert!((found - expected).abs() < 1e-6, "{deltas:?}");
        }
        let decoded = BoxCoder::DETECTIONS.decode([1.0, -2.0, 30.0, 0.5], &anchor);
        let expected = [-1_216.000_1, 4.844_872, 1_284.000_1, 71.155_13];
        for (found, expected) in <[f32; 4]>::from(decoded).into_iter().zip(expected) {
            // Two float32 steps at 1284 are 2.5e-4.
            assert!((found - expected).abs() < 2.5e-4, "{decoded:?}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        let decoded =
            BoxCoder::PROPOSALS.decode([f32::NAN, 0.0, 0.0, 0.0], &BBox::new(0.0, 0.0, 2.0, 2.0));
        assert!(decoded.x1.is_nan() && !decoded.y1.is_nan());
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(x in -50f32..50.0, y in -50f32..50.0, w in 1f32..90.0, h in 1f32..90.0) {
            let (bbox, reference) = (BBox::new(x, y, x + w, y + h), BBox::new(5.0, -4.0, 25.0, 30.0));
            for coder in [BoxCoder::PROPOSALS, BoxCoder::DETECTIONS] {
                let again = coder.decode(coder.encode(&bbox, &reference), &reference);
                for (a, b) in <[f32; 4]>::from(again).into_iter().zip(<[f32; 4]>::from(bbox)) {
                    // Logarithm and exponential lose a few float32 steps of coordinates near 100.
                    prop_assert!((a - b).abs() < 1e-4);
                }
            }
        }
    }
}
