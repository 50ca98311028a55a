//! Against a slow convolution in double precision.

#![allow(clippy::print_stderr, clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

/// Numbers that are spread like those of a network, and the same in every run.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    // The sum of four is near enough to a normal distribution.
    (0..count).map(|_| (next() + next() + next() + next()) * 1.7).collect()
}

/// `y [N, H, W, K]`.
fn slow(
    x: &[f32],
    shape: MapShape,
    weight: &[f32],
    bias: &[f32],
    channels: [usize; 2],
) -> Vec<f64> {
    let [channels_in, channels_out] = channels;
    let MapShape { images, height, width } = shape;
    let mut y = vec![0.0; shape.pixels() * channels_out];
    for (at, y) in y.iter_mut().enumerate() {
        let (pixel, out) = (at / channels_out, at % channels_out);
        let (image, row, column) =
            (pixel / (height * width), pixel / width % height, pixel % width);
        assert!(image < images);
        *y = f64::from(bias[out]);
        for (tap, (down, right)) in (0..9).map(|tap| (tap, (tap / 3, tap % 3))) {
            let (row, column) = ((row + down).wrapping_sub(1), (column + right).wrapping_sub(1));
            if row < height && column < width {
                let x = &x[((image * height + row) * width + column) * channels_in..];
                for channel in 0..channels_in {
                    let weight = weight[(out * channels_in + channel) * 9 + tap];
                    *y += f64::from(x[channel]) * f64::from(weight);
                }
            }
        }
    }
    y
}

/// Largest error over the largest value.
fn error(shape: MapShape, channels: [usize; 2], activation: Activation) -> Option<f64> {
    let [channels_in, channels_out] = channels;
    let x = numbers(shape.pixels() * channels_in, 1);
    let weight = numbers(channels_in * channels_out * 9, 2);
    let bias = numbers(channels_out, 3);
    let conv = Winograd::new(&weight, Some(&bias), channels)?;
    let mut y = vec![f32::NAN; shape.pixels() * channels_out];
    conv.forward(&x, shape, activation, &mut y);
    let mut expected = slow(&x, shape, &weight, &bias, channels);
    if activation == Activation::Relu {
        expected.iter_mut().for_each(|y| *y = y.max(0.0));
    }
    let largest = expected.iter().fold(1.0, |largest: f64, y| largest.max(y.abs()));
    let worst = y.iter().zip(&expected).map(|(y, expected)| (f64::from(*y) - expected).abs());
    // Not `f64::max`, which passes over NaN.
    Some(worst.fold(0.0, |worst, error| if error <= worst { worst } else { error }) / largest)
}

/// Some float32 steps for each of two ways of tiles and the sum of 128 channels.
const TOLERANCE: f64 = 1e-5;

/// Not every machine has vectors long enough.
fn is_here() -> bool {
    Arch::new().dispatch(PanelOf) > 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_size_is_convolved(
        images in 1usize..4,
        height in 1usize..14,
        width in 1usize..23,
        relu: bool,
    ) {
        let activation = if relu { Activation::Relu } else { Activation::None };
        let shape = MapShape { images, height, width };
        if let Some(error) = error(shape, [128, 64], activation) {
            prop_assert!(error < TOLERANCE, "{error}");
        }
    }
}

#[test]
fn more_tiles_than_fit_at_a_time() {
    if is_here() {
        let shape = MapShape { images: 1, height: 7, width: 450 };
        let error = error(shape, [32, 128], Activation::None).unwrap();
        assert!(error < TOLERANCE, "{error}");
    }
}

#[test]
fn the_error_with_many_channels_is_what_is_said() {
    if is_here() {
        let error = |channels| {
            let shape = MapShape { images: 1, height: 8, width: 12 };
            error(shape, channels, Activation::None).unwrap()
        };
        let errors = [[64, 64], [256, 256], [512, 128]].map(error);
        eprintln!("largest errors: {errors:?}");
        assert!(errors.iter().all(|error| *error < TOLERANCE), "{errors:?}");
    }
}

#[test]
fn nothing_gives_nothing() {
    if is_here() {
        for (images, height, width) in [(0, 5, 5), (2, 0, 5), (2, 5, 0)] {
            assert_eq!(
                error(MapShape { images, height, width }, [32, 64], Activation::Relu),
                Some(0.0)
            );
        }
    }
}

#[test]
fn nan_stays_nan() {
    if let Some(conv) = Winograd::new(&numbers(32 * 64 * 9, 1), None, [32, 64]) {
        let shape = MapShape { images: 1, height: 4, width: 4 };
        let mut y = vec![0.0; 16 * 64];
        conv.forward(&[f32::NAN; 16 * 32], shape, Activation::Relu, &mut y);
        assert!(y.iter().all(|y| y.is_nan()));
    }
}

#[test]
fn unsuited_channels_are_refused() {
    for channels in [[3, 64], [64, 3], [48, 64], [64, 40], [1024, 1024]] {
        let weight = vec![0.0; channels[0] * channels[1] * 9];
        assert!(Winograd::new(&weight, None, channels).is_none(), "{channels:?}");
    }
}

#[test]
fn threads_do_not_show() {
    let channels = [64, 64];
    let Some(conv) = Winograd::new(&numbers(64 * 64 * 9, 1), None, channels) else { return };
    let shape = MapShape { images: 2, height: 30, width: 41 };
    let x = numbers(shape.pixels() * 64, 2);
    let with = |threads| {
        let mut y = vec![0.0; shape.pixels() * 64];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| conv.forward(&x, shape, Activation::None, &mut y));
        y
    };
    assert_eq!(with(1), with(3));
}
