//! Open and closed lines through points, with a caption: gates and zones on video.

use crate::Color;
use crate::canvas::{Canvas, PixelRect};
use crate::style::Lengths;
use kestrel_core::RgbImage;

/// A captioned line.
#[derive(Clone, Debug, PartialEq)]
pub struct PathAnnotation {
    /// Its corners as `x`, `y`, in pixels of the picture.
    pub points: Vec<[f32; 2]>,
    /// Whether the last is joined to the first.
    pub is_closed: bool,
    /// Written beside the first; empty for none.
    pub text: String,
    /// Colour of the line and behind the text.
    pub color: Color,
}

/// Draws the paths in their order, the last on top. What lies outside the picture is cut off.
pub fn draw_paths(image: &mut RgbImage, paths: &[PathAnnotation]) {
    let lengths = Lengths::for_picture(image.size());
    let mut canvas = Canvas::new(image);
    for PathAnnotation { points, is_closed, text, color } in paths {
        let ends = points.iter().cycle().skip(1);
        let num_edges = if *is_closed { points.len() } else { points.len().saturating_sub(1) };
        for (from, to) in points.iter().zip(ends).take(num_edges) {
            draw_edge(&mut canvas, *from, *to, lengths.thickness + 1, *color);
        }
        if let Some(&first) = points.first().filter(|_| !text.is_empty()) {
            write_caption(&mut canvas, text, first, *color, &lengths);
        }
    }
}

fn draw_edge(canvas: &mut Canvas<'_>, from: [f32; 2], to: [f32; 2], thickness: i64, color: Color) {
    // The brush is as wide as that: an edge further outside leaves no trace.
    let Some([from, to]) = clipped(from, to, canvas.frame().grown(thickness)) else { return };
    let [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    let steps = dx.abs().max(dy.abs()).ceil();
    for step in 0..=steps as u32 {
        let part = if steps > 0.0 { step as f32 / steps } else { 0.0 };
        let corner = |at: f32, along: f32| (at + part * along).floor() as i64 - thickness / 2;
        let (left, top) = (corner(from[0], dx), corner(from[1], dy));
        canvas.fill(PixelRect::new(left, top, left + thickness, top + thickness), color);
    }
}

/// The part of an edge that lies in `rect`, after Liang and Barsky; `None` where there is none, or where
/// a corner is no finite number.
fn clipped(from: [f32; 2], to: [f32; 2], rect: PixelRect) -> Option<[[f32; 2]; 2]> {
    if !from.iter().chain(&to).all(|at| at.is_finite()) {
        return None;
    }
    let [from, to] = [from, to].map(|point| point.map(f64::from));
    let bounds =
        [[rect.left, rect.right], [rect.top, rect.bottom]].map(|ends| ends.map(|at| at as f64));
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for axis in [0, 1] {
        // Along the other axis this divides by zero, and the infinities tell inside from outside.
        let parts = bounds[axis].map(|bound| (bound - from[axis]) / (to[axis] - from[axis]));
        enters = enters.max(parts[0].min(parts[1]));
        leaves = leaves.min(parts[0].max(parts[1]));
    }
    let at = |part: f64, axis: usize| {
        let [low, high] = bounds[axis];
        // Of corners that are very far away, rounding moves the place out of the rectangle.
        (from[axis] + part * (to[axis] - from[axis])).clamp(low, high) as f32
    };
    let point = |part| [at(part, 0), at(part, 1)];
    (enters <= leaves).then(|| [point(enters), point(leaves)])
}

/// Above the point, moved into the picture.
fn write_caption(
    canvas: &mut Canvas<'_>,
    text: &str,
    point: [f32; 2],
    color: Color,
    lengths: &Lengths,
) {
    let frame = canvas.frame();
    let padding = lengths.font.line_height() / 8;
    let (width, height) = (lengths.font.width(text) + 2 * padding, lengths.font.line_height());
    let left = (point[0] as i64).min(frame.right - width).max(0);
    let top = (point[1] as i64).saturating_sub(height).min(frame.bottom - height).max(0);
    canvas.fill(PixelRect::new(left, top, left + width, top + height), color);
    lengths.font.write(canvas, text, left + padding, top, color.legible_text());
}

#[cfg(test)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;

    const RED: Color = Color([255, 0, 0]);

    /// Rows of the picture, `#` where something is drawn.
    fn drawn(points: &[[f32; 2]], is_closed: bool) -> Vec<String> {
        let mut image = RgbImage::filled(ImageSize::new(6, 8), [0; 3]);
        let points = points.to_vec();
        draw_paths(
            &mut image,
            &[PathAnnotation { points, is_closed, text: String::new(), color: RED }],
        );
        let mark = |pixel: &[u8]| if pixel == RED.0 { '#' } else { '.' };
        image.pixels().chunks_exact(24).map(|row| row.chunks_exact(3).map(mark).collect()).collect()
    }

    #[test]
    fn a_path_goes_through_its_points() {
        let line = [[1.0, 1.0], [6.0, 1.0]];
        assert!(drawn(&line, false)[1].contains("######"));
        let corner = [[1.0, 1.0], [6.0, 1.0], [6.0, 5.0]];
        let open = drawn(&corner, false);
        let closed = drawn(&corner, true);
        assert_eq!((&open[4][2..4], &closed[4][4..6]), ("..", "##"));
    }

    #[test]
    fn nothing_and_nonsense_are_drawn_as_nothing() {
        let empty = drawn(&[], true);
        assert!(empty.iter().all(|row| !row.contains('#')));
        assert_eq!(drawn(&[[f32::NAN, 0.0], [5.0, 5.0]], false), empty);
        assert_eq!(drawn(&[[0.0, 0.0], [f32::INFINITY, 0.0]], false), empty);
    }

    #[test]
    fn a_long_edge_is_drawn_as_far_as_the_picture_goes() {
        let across = drawn(&[[0.0, 3.0], [20.0, 3.0]], false);
        assert_eq!(&across[2..4], ["########"; 2]);
        for far in [100_000.0, 1e9] {
            assert_eq!(drawn(&[[0.0, 3.0], [far, 3.0]], false), across, "{far}");
            assert_eq!(drawn(&[[far, 3.0], [0.0, 3.0]], false), across, "{far}");
        }
        assert_eq!(drawn(&[[-1e6, 3.0], [1e6, 3.0]], false), across);
        let slope = drawn(&[[-2.0, -2.0], [9.0, 9.0]], false);
        assert_eq!(drawn(&[[-9e4, -9e4], [9e4, 9e4]], false), slope);
        // Beside the picture, and so far away that rounding is larger than the picture.
        assert_eq!(drawn(&[[-1e6, 30.0], [1e6, 30.0]], false), drawn(&[], false));
        assert_eq!(drawn(&[[-f32::MAX; 2], [f32::MAX; 2]], true).len(), 6);
    }

    #[test]
    fn a_caption_stays_in_the_picture() {
        let mut image = RgbImage::filled(ImageSize::new(40, 60), [0; 3]);
        let path = PathAnnotation {
            points: vec![[58.0, 2.0]],
            is_closed: false,
            text: "ab".into(),
            color: RED,
        };
        draw_paths(&mut image, &[path]);
        let reds = image.pixels().chunks_exact(3).filter(|pixel| *pixel == RED.0).count();
        // 18 x 16, less the letters.
        assert!((150..=288).contains(&reds), "{reds}");
    }
}
