//! Tags: a name and a score on the object's colour, by its box.

use crate::annotation::Annotation;
use crate::canvas::{Canvas, PixelRect};
use crate::style::{Labels, Lengths};

/// A tag and its place.
pub(crate) struct Tag<'a> {
    annotation: &'a Annotation<'a>,
    rect: PixelRect,
}

impl Tag<'_> {
    pub fn draw(&self, canvas: &mut Canvas<'_>, lengths: &Lengths) {
        let Annotation { text, color, .. } = self.annotation;
        canvas.fill(self.rect, *color);
        let left = self.rect.left + padding(lengths);
        lengths.font.write(canvas, text, left, self.rect.top, color.legible_text());
    }
}

/// The tags to draw, in drawing order. Places are given to the last annotations first, since
/// those are drawn on top.
pub(crate) fn place_tags<'a>(
    annotations: &'a [Annotation<'a>],
    labels: Labels,
    frame: PixelRect,
    lengths: &Lengths,
) -> Vec<Tag<'a>> {
    let mut tags: Vec<Tag<'a>> = Vec::new();
    for annotation in annotations.iter().rev().filter(|annotation| !annotation.text.is_empty()) {
        let Some(bbox) = visible_box(annotation, frame) else { continue };
        let places = places_by(&annotation.text, bbox, frame, lengths);
        let is_free =
            |place: &&PixelRect| tags.iter().all(|tag| tag.rect.intersection(place).is_empty());
        let mut in_picture = places.iter().filter(|place| frame.contains(place));
        let rect = match labels {
            Labels::None => None,
            Labels::Fitting => {
                in_picture.find(|place| suits(place, &bbox, &frame) && is_free(place))
            }
            // Inside the box where all are taken: never off the picture's top or bottom.
            Labels::All => in_picture.find(is_free).or(places.get(1)),
        };
        tags.extend(rect.map(|&rect| Tag { annotation, rect }));
    }
    tags.reverse();
    tags
}

/// Whether a tag leaves its object and the neighbours visible.
fn suits(tag: &PixelRect, bbox: &PixelRect, frame: &PixelRect) -> bool {
    let is_narrow = tag.width() <= bbox.width().max(frame.width() / 4);
    is_narrow && tag.area() <= bbox.area()
}

fn visible_box(annotation: &Annotation<'_>, frame: PixelRect) -> Option<PixelRect> {
    let touched = PixelRect::touched_by(&annotation.bbox)?.intersection(&frame);
    (!touched.is_empty()).then_some(touched)
}

/// Above the box, inside it, below it; moved sideways into the picture.
fn places_by(text: &str, bbox: PixelRect, frame: PixelRect, lengths: &Lengths) -> [PixelRect; 3] {
    let width = lengths.font.width(text) + 2 * padding(lengths);
    let height = lengths.font.line_height();
    let outlined = bbox.grown(lengths.thickness - 1);
    let left = outlined.left.min(frame.right - width).max(frame.left);
    let inside = bbox.top.min(frame.bottom - height).max(frame.top);
    [outlined.top - height, inside, outlined.bottom]
        .map(|top| PixelRect::new(left, top, left + width, top + height))
}

fn padding(lengths: &Lengths) -> i64 {
    lengths.font.line_height() / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Color;
    use kestrel_core::{BBox, ImageSize};

    const FRAME: PixelRect = PixelRect::new(0, 0, 400, 300);

    /// Where the tags of boxes end up; `ab` is 14 pixels wide, with padding 18, and 16 high.
    fn placed(boxes: &[[f32; 4]], labels: Labels) -> Vec<(i64, i64)> {
        let annotation = |&corners: &[f32; 4]| Annotation {
            bbox: BBox::from(corners),
            mask: None,
            text: "ab".into(),
            color: Color::BLACK,
        };
        let annotations: Vec<_> = boxes.iter().map(annotation).collect();
        let lengths = Lengths::for_picture(ImageSize::new(300, 400));
        let tags = place_tags(&annotations, labels, FRAME, &lengths);
        let corner = |tag: &Tag<'_>| {
            assert_eq!((tag.rect.width(), tag.rect.height()), (18, 16));
            (tag.rect.left, tag.rect.top)
        };
        tags.iter().map(corner).collect()
    }

    #[test]
    fn a_tag_stands_above_else_inside_else_below() {
        assert_eq!(placed(&[[50.0, 50.0, 90.0, 90.0]], Labels::Fitting), [(50, 34)]);
        assert_eq!(placed(&[[50.0, 10.0, 90.0, 90.0]], Labels::Fitting), [(50, 10)]);
        let same = [[50.0, 50.0, 90.0, 90.0]; 3];
        assert_eq!(placed(&same, Labels::Fitting), [(50, 90), (50, 50), (50, 34)]);
    }

    #[test]
    fn a_tag_stays_in_the_picture() {
        assert_eq!(placed(&[[390.0, 50.0, 500.0, 200.0]], Labels::Fitting), [(382, 34)]);
        assert_eq!(placed(&[[-40.0, -40.0, 60.0, 60.0]], Labels::Fitting), [(0, 0)]);
        assert_eq!(placed(&[[500.0, 50.0, 600.0, 200.0]], Labels::All), []);
    }

    #[test]
    fn a_tag_that_would_bury_the_picture_is_left_out_unless_asked_for() {
        // 17 x 16 pixels are fewer than 18 x 16.
        let small = [[50.0, 50.0, 67.0, 66.0]];
        assert_eq!(placed(&small, Labels::Fitting), []);
        assert_eq!(placed(&small, Labels::All), [(50, 34)]);
        let same = [[50.0, 50.0, 90.0, 90.0]; 4];
        assert_eq!(placed(&same, Labels::Fitting).len(), 3);
        assert_eq!(placed(&same, Labels::All).len(), 4);
        assert_eq!(placed(&same, Labels::None), []);
    }
}
