//! From detections to strokes, in the order that leaves the surest on top.

use crate::canvas::{Canvas, PixelRect};
use crate::contour::{draw_contour, fill_mask};
use crate::style::{Boxes, Lengths};
use crate::tag::place_tags;
use crate::{Color, ColorBy, DrawStyle};
use kestrel_core::{BBox, Categories, Detection, Detections, Mask, RgbImage, Target};

/// One outlined, named thing on a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation<'a> {
    /// Where, in pixels of the picture.
    pub bbox: BBox,
    /// Its pixels, if they are known.
    pub mask: Option<&'a Mask>,
    /// What its tag says; empty for no tag.
    pub text: String,
    /// Colour of its lines, mask and tag.
    pub color: Color,
}

/// Draws `detections`, given in pixels of `image`, each tagged with its category's name and its
/// score; the surest are on top.
///
/// What lies outside the picture is cut off, a box with NaN or swapped corners is left out, and a
/// label that `categories` lacks is called `unknown`.
pub fn draw_detections(
    image: &mut RgbImage,
    detections: &Detections,
    categories: &Categories,
    style: &DrawStyle,
) {
    // Reversed, so that of equal scores the first in the list comes out on top.
    let mut ranked: Vec<(usize, &Detection)> =
        detections.objects.iter().enumerate().rev().collect();
    ranked.sort_by(|(_, a), (_, b)| a.score.total_cmp(&b.score));
    let by_instance = match style.color_by {
        ColorBy::Auto => detections.objects.iter().any(|object| object.mask.is_some()),
        ColorBy::Instance => true,
        ColorBy::Category => false,
    };
    let annotations: Vec<Annotation<'_>> = ranked
        .into_iter()
        .map(|(place, object)| Annotation {
            bbox: object.bbox,
            mask: object.mask.as_ref(),
            text: format!("{} {:.2}", categories.name(object.label), object.score),
            color: Color::distinct(if by_instance { place } else { object.label.index() }),
        })
        .collect();
    draw_annotations(image, &annotations, style);
}

/// Draws ground truth, given in pixels of `image`, each object in a colour of its own and tagged with
/// its category's name.
pub fn draw_target(image: &mut RgbImage, target: &Target, categories: &Categories) {
    let annotation = |place: usize| Annotation {
        bbox: target.boxes()[place],
        mask: target.masks().map(|masks| &masks[place]),
        text: categories.name(target.labels()[place]).to_owned(),
        color: Color::distinct(place),
    };
    let annotations: Vec<Annotation<'_>> = (0..target.len()).map(annotation).collect();
    draw_annotations(image, &annotations, &DrawStyle::default());
}

/// Draws `annotations` in their order, the last on top: masks first, then lines, then tags.
pub fn draw_annotations(image: &mut RgbImage, annotations: &[Annotation<'_>], style: &DrawStyle) {
    let lengths = Lengths::for_picture(image.size());
    let opacity = (style.mask_opacity * 255.0).round() as u8;
    let mut canvas = Canvas::new(image);
    for Annotation { mask, color, .. } in annotations {
        if let Some(mask) = mask {
            fill_mask(&mut canvas, mask, *color, opacity);
        }
    }
    for annotation in annotations {
        draw_lines(&mut canvas, annotation, style.boxes, &lengths);
    }
    for tag in place_tags(annotations, style.labels, canvas.frame(), &lengths) {
        tag.draw(&mut canvas, &lengths);
    }
}

fn draw_lines(
    canvas: &mut Canvas<'_>,
    annotation: &Annotation<'_>,
    boxes: Boxes,
    lengths: &Lengths,
) {
    let Annotation { bbox, mask, color, .. } = annotation;
    if let Some(mask) = mask {
        draw_contour(canvas, mask, *color, lengths.thickness);
    }
    let Some(touched) = PixelRect::touched_by(bbox) else { return };
    let is_small = touched.width().min(touched.height()) < lengths.small_side;
    let is_drawn = match boxes {
        Boxes::Auto => mask.is_none() || !is_small,
        Boxes::All => true,
        Boxes::None => false,
    };
    let inside = touched.intersection(&canvas.frame());
    if is_drawn && !inside.is_empty() {
        // Thick lines grow outwards, off the object, but not out of the picture.
        let outer = inside.grown(lengths.thickness - 1).intersection(&canvas.frame());
        canvas.outline(outer, lengths.thickness, *color);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Labels;
    use kestrel_core::{ImageSize, Label};
    use proptest::prelude::*;

    const GREY: [u8; 3] = [90; 3];

    /// Lines and masks alone.
    const BARE: DrawStyle = DrawStyle {
        color_by: ColorBy::Auto,
        mask_opacity: 0.45,
        boxes: Boxes::Auto,
        labels: Labels::None,
    };

    fn object(corners: [f32; 4], score: f32) -> Detection {
        Detection { bbox: BBox::from(corners), label: Label(1), score, mask: None }
    }

    fn drawn(size: ImageSize, objects: Vec<Detection>, style: &DrawStyle) -> RgbImage {
        let mut image = RgbImage::filled(size, GREY);
        let detections = Detections { image_size: size, objects };
        draw_detections(&mut image, &detections, &Categories::numbered(3), style);
        image
    }

    fn pixel(image: &RgbImage, x: usize, y: usize) -> Color {
        let at = (y * image.size().width + x) * 3;
        Color(image.pixels()[at..at + 3].try_into().unwrap())
    }

    #[test]
    fn no_detections_leave_the_picture_alone() {
        let size = ImageSize::new(20, 30);
        assert_eq!(drawn(size, vec![], &DrawStyle::default()), RgbImage::filled(size, GREY));
    }

    #[test]
    fn a_box_is_outlined_in_its_category_s_colour() {
        let size = ImageSize::new(8, 8);
        let image = drawn(size, vec![object([2.0, 1.0, 6.0, 5.0], 0.9)], &BARE);
        let is_line = |x, y| {
            let (inside, edge) = ((2..6).contains(&x) && (1..5).contains(&y), [2, 5].contains(&x));
            inside && (edge || [1, 4].contains(&y))
        };
        for (x, y) in (0..8).flat_map(|x| (0..8).map(move |y| (x, y))) {
            let expected = if is_line(x, y) { Color::distinct(1) } else { Color(GREY) };
            assert_eq!(pixel(&image, x, y), expected, "at {x}, {y}");
        }
    }

    #[test]
    fn the_surest_is_on_top_and_keeps_the_first_colour() {
        let both = vec![object([1.0, 1.0, 9.0, 9.0], 0.9), object([1.0, 1.0, 9.0, 9.0], 0.4)];
        let style = DrawStyle { color_by: ColorBy::Instance, ..BARE };
        let image = drawn(ImageSize::new(10, 10), both, &style);
        assert_eq!(pixel(&image, 1, 1), Color::distinct(0));
        let equal = vec![object([1.0, 1.0, 9.0, 9.0], 0.5); 2];
        let image = drawn(ImageSize::new(10, 10), equal, &style);
        assert_eq!(pixel(&image, 1, 1), Color::distinct(0));
    }

    #[test]
    fn touching_masks_differ_and_need_no_small_boxes() {
        let size = ImageSize::new(10, 20);
        let half = |from: usize, label| {
            let bits: Vec<u8> =
                (0..200).map(|at| u8::from((from..from + 10).contains(&(at % 20)))).collect();
            let mask = Some(Mask::from_bitmap(size, &bits).unwrap());
            Detection { mask, label: Label(label), ..object([3.0, 3.0, 17.0, 7.0], 0.5) }
        };
        let image = drawn(size, vec![half(0, 1), half(10, 1)], &BARE);
        assert_eq!(pixel(&image, 9, 0), Color::distinct(0));
        assert_eq!(pixel(&image, 10, 0), Color::distinct(1));
        let translucent = pixel(&image, 5, 3);
        assert!(translucent != Color(GREY) && translucent != Color::distinct(0));
        let boxed = drawn(size, vec![half(0, 1)], &DrawStyle { boxes: Boxes::All, ..BARE });
        assert_eq!(pixel(&boxed, 5, 3), Color::distinct(0));
    }

    #[test]
    fn thick_lines_grow_outwards_but_stay_in_the_picture() {
        let size = ImageSize::new(1200, 1200);
        let image = drawn(size, vec![object([0.0, 100.0, 50.0, 200.0], 0.5)], &BARE);
        let color = Color::distinct(1);
        assert_eq!([97, 98, 100].map(|y| pixel(&image, 20, y) == color), [false, true, true]);
        assert_eq!([0, 2, 3].map(|x| pixel(&image, x, 150) == color), [true, true, false]);
    }

    #[test]
    fn a_tag_shows_the_category_s_colour() {
        let size = ImageSize::new(200, 600);
        let whole = object([100.0, 50.0, 400.0, 150.0], 0.5);
        let image = drawn(size, vec![whole], &DrawStyle::default());
        assert_eq!(pixel(&image, 101, 49), Color::distinct(1));
        assert_eq!(pixel(&image, 101, 33), Color(GREY));
    }

    fn any_coordinate() -> impl Strategy<Value = f32> {
        prop_oneof![4 => -40.0f32..80.0, 1 => any::<f32>(), 1 => Just(f32::NAN)]
    }

    fn any_object() -> impl Strategy<Value = Detection> {
        let corners = proptest::array::uniform4(any_coordinate());
        let mask = proptest::option::of((0usize..50, 0usize..50, any::<u8>()));
        (corners, any::<f32>(), any::<u32>(), mask).prop_map(|(corners, score, label, mask)| {
            let mask = mask.map(|(height, width, salt)| {
                let bits: Vec<u8> = (0..height * width)
                    .map(|at| (at as u8 ^ salt).count_ones() as u8 & 1)
                    .collect();
                Mask::from_bitmap(ImageSize::new(height, width), &bits).unwrap()
            });
            Detection { bbox: BBox::from(corners), label: Label(label), score, mask }
        })
    }

    fn any_style() -> impl Strategy<Value = DrawStyle> {
        let color_by =
            prop_oneof![Just(ColorBy::Auto), Just(ColorBy::Instance), Just(ColorBy::Category)];
        let boxes = prop_oneof![Just(Boxes::Auto), Just(Boxes::All), Just(Boxes::None)];
        let labels = prop_oneof![Just(Labels::Fitting), Just(Labels::All), Just(Labels::None)];
        (color_by, any::<f32>(), boxes, labels).prop_map(
            |(color_by, mask_opacity, boxes, labels)| DrawStyle {
                color_by,
                mask_opacity,
                boxes,
                labels,
            },
        )
    }

    proptest! {
        #[test]
        fn anything_can_be_drawn_and_twice_the_same(
            height in 0usize..60,
            width in 0usize..60,
            objects in proptest::collection::vec(any_object(), 0..8),
            style in any_style(),
        ) {
            let size = ImageSize::new(height, width);
            let once = drawn(size, objects.clone(), &style);
            prop_assert_eq!(once.pixels().len(), size.area() * 3);
            prop_assert_eq!(once, drawn(size, objects, &style));
        }
    }
}
