//! Colours of single pixels, with torchvision's formulas and rounding (down, on 8-bit tensors).

use kestrel_core::RgbImage;

/// Replaces every level by `new` of it, cut to 0 to 255 and rounded down.
pub(super) fn map_levels(image: &mut RgbImage, new: impl Fn(f32) -> f32) {
    let table: [u8; 256] = std::array::from_fn(|level| new(level as f32) as u8);
    for level in image.pixels_mut() {
        *level = table[usize::from(*level)];
    }
}

/// Replaces every pixel.
pub(super) fn map_pixels(image: &mut RgbImage, new: impl Fn([u8; 3]) -> [u8; 3]) {
    for pixel in image.pixels_mut().as_chunks_mut::<3>().0 {
        *pixel = new(*pixel);
    }
}

/// Luma by the weights torchvision and Pillow use, rounded down.
fn grey(pixel: [u8; 3]) -> f32 {
    let [red, green, blue] = pixel.map(f32::from);
    // Through an integer: `floor` and `%` are calls on processors without SSE4.
    f32::from((red * 0.2989 + green * 0.587 + blue * 0.114) as u8)
}

/// Mean of all pixels' grey, in levels; 0 for a picture without pixels.
pub(super) fn average_grey(image: &RgbImage) -> f32 {
    let (pixels, _) = image.pixels().as_chunks::<3>();
    let sum: u64 = pixels.iter().map(|&pixel| grey(pixel) as u64).sum();
    (sum as f64 / pixels.len().max(1) as f64) as f32
}

/// Moves a pixel away from its grey: 0 is grey, 1 leaves it.
pub(super) fn saturated(pixel: [u8; 3], factor: f32) -> [u8; 3] {
    let rest = grey(pixel) * (1.0 - factor);
    pixel.map(|level| (f32::from(level) * factor + rest) as u8)
}

/// Turns the hue of a pixel in the circle of colours (HSV), in turns; its largest and smallest
/// channel keep their values and change places.
pub(super) fn hue_turned(pixel: [u8; 3], turns: f32) -> [u8; 3] {
    let [red, green, blue] = pixel.map(f32::from);
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let range = most - least;
    if range == 0.0 {
        return pixel;
    }
    // Sixths of the circle: red at 0, green at 2, blue at 4.
    let (nearest, beyond) = if most == red {
        (0.0, green - blue)
    } else if most == green {
        (2.0, blue - red)
    } else {
        (4.0, red - green)
    };
    let turned = within_circle(nearest + beyond / range + 6.0 * turns);
    let level = |height: f32| {
        // The scale of torchvision's way back from floats: just below 256 / 255, then down.
        ((least + range * height.clamp(0.0, 1.0)) * (255.999 / 255.0)) as u8
    };
    let [from_green, from_cyan, from_blue] = [2.0, 3.0, 4.0].map(|colour| (turned - colour).abs());
    [level(from_cyan - 1.0), level(2.0 - from_green), level(2.0 - from_blue)]
}

/// Sixths of the circle of colours, at most a turn below or above 0 to 6, brought between them.
fn within_circle(sixths: f32) -> f32 {
    match sixths {
        _ if sixths < 0.0 => sixths + 6.0,
        _ if sixths >= 6.0 => sixths - 6.0,
        _ => sixths,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;

    #[test]
    fn a_third_of_the_circle_makes_red_green() {
        assert_eq!(hue_turned([200, 10, 10], 1.0 / 3.0), [10, 200, 10]);
        assert_eq!(hue_turned([200, 10, 10], -1.0 / 3.0), [10, 10, 200]);
        assert_eq!(hue_turned([77, 77, 77], 0.2), [77, 77, 77]);
    }

    #[test]
    fn no_saturation_is_grey() {
        assert_eq!(saturated([200, 100, 50], 0.0), [124; 3]);
        assert_eq!(saturated([200, 100, 50], 1.0), [200, 100, 50]);
        assert_eq!(saturated([250, 10, 10], 10.0), [255, 0, 0]);
    }

    #[test]
    fn a_picture_without_pixels_has_a_mean() {
        assert_eq!(average_grey(&RgbImage::filled(ImageSize::new(0, 3), [0; 3])), 0.0);
        assert_eq!(average_grey(&RgbImage::filled(ImageSize::new(2, 3), [50; 3])), 49.0);
    }
}
