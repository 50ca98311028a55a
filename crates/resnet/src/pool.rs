//! The pooling after the stem: the largest of 3x3 pixels, at every second one.
//!
//! Difference from torchvision: none; of equal pixels the first is taken here too.

use kestrel_layers::channels_last;
use tch::{Device, Tensor, no_grad};

const KERNEL: [i64; 2] = [3, 3];
const STRIDE: [i64; 2] = [2, 2];
const PADDING: [i64; 2] = [1, 1];
const DILATION: [i64; 2] = [1, 1];

/// `[N, C, H, W] -> [N, C, H / 2, W / 2]`, rounded up.
pub(crate) fn halve(x: &Tensor) -> Tensor {
    if x.requires_grad() && x.device() == Device::Cpu && x.is_contiguous() {
        return gathered(x);
    }
    x.max_pool2d(KERNEL, STRIDE, PADDING, DILATION, false)
}

/// Places found in a channels-last copy, for which libtorch has vector code, and values gathered
/// from the contiguous map: 24 ms instead of 48 forward and backward for 4 x 64 x 128 x 128 on one
/// core. What follows in training stays contiguous.
fn gathered(x: &Tensor) -> Tensor {
    let places = no_grad(|| {
        let (_, places) =
            channels_last(x).max_pool2d_with_indices(KERNEL, STRIDE, PADDING, DILATION, false);
        places.contiguous()
    });
    x.flatten(2, -1).gather(2, &places.flatten(2, -1), false).view_as(&places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    /// Values, gradients, equal pixels, odd sizes and no image at all.
    #[test]
    fn both_ways_are_the_same() {
        tch::manual_seed(0);
        for shape in [[2, 3, 8, 9], [1, 1, 1, 1], [3, 2, 5, 4], [0, 2, 6, 6]] {
            let x = Tensor::randn(shape, (Kind::Float, Device::Cpu)).round();
            let way = |pooled: &dyn Fn(&Tensor) -> Tensor| {
                let x = x.copy().set_requires_grad(true);
                let y = pooled(&x);
                (&y * &y).sum(Kind::Float).backward();
                (y, x.grad())
            };
            let (found, found_grad) = way(&halve);
            let plain = |x: &Tensor| x.max_pool2d(KERNEL, STRIDE, PADDING, DILATION, false);
            let (expected, expected_grad) = way(&plain);
            assert!(found.equal(&expected) && found_grad.equal(&expected_grad), "{shape:?}");
        }
    }
}
