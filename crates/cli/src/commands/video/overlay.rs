//! What is drawn on a frame: objects with the colour and number of their tracks, lines and zones with
//! their counts.

use crate::output::video::{SeenFrame, SeenObject};
use kestrel_core::{Categories, ImageSize, Label};
use kestrel_draw::{Annotation, Color, DrawStyle, PathAnnotation, draw_annotations, draw_paths};
use kestrel_video::{Counter, Point};
use std::collections::BTreeMap;

/// Lines and zones: told from objects by being nobody's colour.
const PATH_COLOR: Color = Color([255, 255, 255]);

/// Draws frames of one clip.
pub(super) struct Overlay<'a> {
    categories: &'a Categories,
    style: DrawStyle,
}

impl<'a> Overlay<'a> {
    pub fn new(categories: &'a Categories) -> Self {
        Self { categories, style: DrawStyle::default() }
    }

    /// The lines and zones as they stand after a frame.
    pub fn paths(&self, counter: &Counter) -> Vec<PathAnnotation> {
        let total = |counts: &BTreeMap<Label, usize>| counts.values().sum::<usize>();
        let lines = counter.lines().map(|(line, totals)| PathAnnotation {
            points: points(&[line.from, line.to]),
            is_closed: false,
            text: format!("{} {}/{}", line.name, total(&totals.to_right), total(&totals.to_left)),
            color: PATH_COLOR,
        });
        let zones = counter.zones().map(|(zone, totals)| PathAnnotation {
            points: points(&zone.corners),
            is_closed: true,
            text: format!("{} {} ({})", zone.name, totals.inside, total(&totals.visitors)),
            color: PATH_COLOR,
        });
        lines.chain(zones).collect()
    }

    /// Draws what is in a frame, the surest on top.
    pub fn draw(
        &self,
        picture: &mut kestrel_core::RgbImage,
        seen: &SeenFrame,
        paths: &[PathAnnotation],
    ) {
        let letter_px = letter_width_px(picture.size());
        let mut objects: Vec<(usize, &SeenObject)> = seen.objects.iter().enumerate().collect();
        objects.sort_by(|(_, a), (_, b)| a.detection.score.total_cmp(&b.detection.score));
        let annotations: Vec<Annotation<'_>> = objects
            .into_iter()
            .map(|(place, object)| self.annotation(place, object, letter_px))
            .collect();
        draw_annotations(picture, &annotations, &self.style);
        draw_paths(picture, paths);
    }

    /// A track keeps its colour; without tracks instances differ where they have masks, else classes.
    /// Of a small object the tag is its number alone.
    fn annotation<'b>(
        &self,
        place: usize,
        object: &'b SeenObject,
        letter_px: f32,
    ) -> Annotation<'b> {
        let SeenObject { track, detection } = object;
        let name = self.categories.name(detection.label);
        let scored = || format!("{name} {:.2}", detection.score);
        let (text, number) = match (track, &detection.mask) {
            (Some(track), _) => {
                let full = format!("{name} {}", track.0);
                let fits = full.chars().count() as f32 * letter_px <= detection.bbox.width();
                (if fits { full } else { track.0.to_string() }, track.0 as usize)
            }
            (None, Some(_)) => (scored(), place),
            (None, None) => (scored(), detection.label.index()),
        };
        Annotation {
            bbox: detection.bbox,
            mask: detection.mask.as_ref(),
            text,
            color: Color::distinct(number),
        }
    }
}

/// About the width of a letter on a tag, which grows with the picture.
fn letter_width_px(size: ImageSize) -> f32 {
    (size.height.min(size.width) as f32 / 36.0 * 0.45).max(7.0)
}

fn points(points: &[Point]) -> Vec<[f32; 2]> {
    points.iter().map(|point| [point.x, point.y]).collect()
}
