//! Colours that are told apart at a glance.
//!
//! Source: B. Ottosson, "A perceptual color space for image processing" (2020), for OKLab. Hues
//! advance by the golden angle, so that any first few colours lie far apart, and lightness
//! alternates, so that hues that come close again after many colours still differ.

use std::f32::consts::TAU;

/// Part of the circle between one hue and the next: the golden ratio's fractional part.
const HUE_STEP: f32 = 0.618_034;

/// Hue of the first colour, an orange red, as a part of the circle.
const FIRST_HUE: f32 = 0.10;

/// OKLab lightness of the colours in turn: light enough on dark micrographs, dark enough on light
/// ones.
const LIGHTNESS: [f32; 3] = [0.66, 0.54, 0.84];

/// Distance from grey in OKLab; hues that sRGB cannot show so saturated are cut off. Together with
/// the hue and the lightness above it keeps the first twelve colours 0.13 apart in OKLab.
const CHROMA: f32 = 0.20;

/// The relative luminance (WCAG 2) at which black and white contrast equally.
const EQUAL_CONTRAST: f32 = 0.179;

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 3]);

impl Color {
    pub(crate) const BLACK: Self = Self([0; 3]);
    pub(crate) const WHITE: Self = Self([255; 3]);

    /// The colour of thing number `index`; neighbours differ strongly, and there is no end.
    pub fn distinct(index: usize) -> Self {
        // In f64, since a large index would eat the digits of a float32 hue.
        let turns = f64::from(FIRST_HUE) + index as f64 * f64::from(HUE_STEP);
        from_oklch(LIGHTNESS[index % LIGHTNESS.len()], CHROMA, turns.fract() as f32)
    }

    /// Black or white, whichever reads better on this colour.
    pub fn legible_text(self) -> Self {
        let [red, green, blue] = self.0.map(linear);
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        if luminance > EQUAL_CONTRAST { Self::BLACK } else { Self::WHITE }
    }
}

/// The sRGB colour of a lightness, a chroma and a hue (part of the circle) in OKLab; components
/// that sRGB cannot show are cut off.
fn from_oklch(lightness: f32, chroma: f32, hue: f32) -> Color {
    let (a, b) = (chroma * (hue * TAU).cos(), chroma * (hue * TAU).sin());
    let long = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let medium = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let short = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    Color([
        gamma_coded(4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short),
        gamma_coded(-1.268_438 * long + 2.609_757_4 * medium - 0.341_319_38 * short),
        gamma_coded(-0.004_196_086 * long - 0.703_418_6 * medium + 1.707_614_7 * short),
    ])
}

fn gamma_coded(light: f32) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let coded =
        if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (coded * 255.0).round() as u8
}

fn linear(coded: u8) -> f32 {
    let coded = f32::from(coded) / 255.0;
    if coded <= 0.040_45 { coded / 12.92 } else { ((coded + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_and_red_come_out_as_in_the_paper() {
        assert_eq!(from_oklch(1.0, 0.0, 0.0), Color::WHITE);
        assert_eq!(from_oklch(0.0, 0.0, 0.3), Color::BLACK);
        // sRGB red is L 0.628, C 0.2577, h 29.23 degrees; a code step for the rounded numbers.
        let Color([red, green, blue]) = from_oklch(0.628, 0.2577, 29.23 / 360.0);
        assert!(red >= 254 && green <= 2 && blue <= 2, "{red} {green} {blue}");
    }

    #[test]
    fn the_first_colours_lie_apart() {
        let colors: Vec<Color> = (0..12).map(Color::distinct).collect();
        for (place, a) in colors.iter().enumerate() {
            for b in &colors[..place] {
                let far = a.0.iter().zip(b.0).map(|(&a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
                // 60 code steps over three channels show on any screen.
                assert!(far >= 60, "{a:?} and {b:?} differ by {far}");
            }
        }
    }

    #[test]
    fn an_index_always_has_the_same_colour() {
        assert_eq!(Color::distinct(7), Color::distinct(7));
        assert_ne!(Color::distinct(usize::MAX), Color::BLACK);
    }

    #[test]
    fn text_contrasts_with_its_tag() {
        assert_eq!(Color::WHITE.legible_text(), Color::BLACK);
        assert_eq!(Color([255, 255, 0]).legible_text(), Color::BLACK);
        assert_eq!(Color([0, 0, 255]).legible_text(), Color::WHITE);
    }
}
