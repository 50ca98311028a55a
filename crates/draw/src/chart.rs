//! A picture that plotters draws charts on: smooth lines, and letters without font files.

use crate::Color;
use crate::canvas::Canvas;
use crate::font::Font;
use kestrel_core::{ImageSize, RgbImage};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use std::convert::Infallible;
use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

/// Longest side of a chart, in pixels.
const MAX_SIDE_PX: usize = 8192;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// A chart in the making.
pub struct Chart {
    pixels: Pixmap,
    lines: Vec<Line>,
}

/// One line of letters; they come last, over everything.
struct Line {
    text: String,
    font: Font,
    left: i64,
    top: i64,
    color: Color,
}

/// What plotters draws through.
pub struct ChartBackend<'a>(&'a mut Chart);

impl Chart {
    /// An empty one; sides are at least 1 and at most 8192 pixels long.
    pub fn new(size: ImageSize, ground: Color) -> Self {
        let side = |pixels: usize| pixels.clamp(1, MAX_SIDE_PX) as u32;
        let pixels = Pixmap::new(side(size.width), side(size.height));
        // Sides are positive, and what they need in memory fits.
        let mut pixels = pixels.unwrap_or_else(|| unreachable!("{size} is a size"));
        pixels.fill(skia_color(ground.0, 1.0));
        Self { pixels, lines: Vec::new() }
    }

    /// Where plotters draws.
    pub fn backend(&mut self) -> ChartBackend<'_> {
        ChartBackend(self)
    }

    /// The finished picture.
    pub fn into_image(self) -> RgbImage {
        let Self { pixels, lines } = self;
        let size = ImageSize::new(pixels.height() as usize, pixels.width() as usize);
        let mut image = RgbImage::filled(size, [0; 3]);
        // The ground is opaque, so nothing is left to be divided by.
        for (to, from) in image.pixels_mut().chunks_exact_mut(3).zip(pixels.pixels()) {
            to.copy_from_slice(&[from.red(), from.green(), from.blue()]);
        }
        let mut canvas = Canvas::new(&mut image);
        for Line { text, font, left, top, color } in lines {
            font.write(&mut canvas, &text, left, top, color);
        }
        image
    }

    fn stroke(&mut self, path: &Path, color: BackendColor, width: u32) {
        let stroke = Stroke {
            width: width as f32,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let identity = Transform::identity();
        self.pixels.stroke_path(path, &paint(color), &stroke, identity, None);
    }

    fn fill(&mut self, path: &Path, color: BackendColor) {
        let identity = Transform::identity();
        self.pixels.fill_path(path, &paint(color), FillRule::Winding, identity, None);
    }
}

fn skia_color([red, green, blue]: [u8; 3], alpha: f64) -> tiny_skia::Color {
    let alpha = (alpha.clamp(0.0, 1.0) * 255.0).round() as u8;
    tiny_skia::Color::from_rgba8(red, green, blue, alpha)
}

fn paint(color: BackendColor) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(skia_color(color.rgb.into(), color.alpha));
    paint
}

/// Middle of a pixel, where a line of one pixel's width is sharp.
fn middle((x, y): BackendCoord) -> (f32, f32) {
    (x as f32 + 0.5, y as f32 + 0.5)
}

/// Straight lines from point to point; nothing where there are fewer than two.
fn line_through(points: impl IntoIterator<Item = BackendCoord>, closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for (place, point) in points.into_iter().enumerate() {
        let (x, y) = middle(point);
        match place {
            0 => builder.move_to(x, y),
            _ => builder.line_to(x, y),
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

impl DrawingBackend for ChartBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.0.pixels.width(), self.0.pixels.height())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, point, &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
            if let Some(path) = line_through(corners, true) {
                self.0.stroke(&path, style.color(), style.stroke_width());
            }
            return Ok(());
        }
        // Both corners belong to it.
        let [left, top, right, bottom] = [left, top, right + 1, bottom + 1].map(|at| at as f32);
        if let Some(rect) = Rect::from_ltrb(left, top, right, bottom) {
            self.0.fill(&PathBuilder::from_rect(rect), style.color());
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if let Some(path) = line_through(path, false) {
            self.0.stroke(&path, style.color(), style.stroke_width());
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (x, y) = middle(center);
        if let Some(path) = PathBuilder::from_circle(x, y, radius as f32) {
            match fill {
                true => self.0.fill(&path, style.color()),
                false => self.0.stroke(&path, style.color(), style.stroke_width()),
            }
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        if let Some(path) = line_through(corners, true) {
            self.0.fill(&path, style.color());
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let font = Font::about(style.size().round() as i64);
        let (width, height) = (font.width(text), font.line_height());
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => width / 2,
            HPos::Right => width,
        };
        let above = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => height / 2,
            VPos::Bottom => height,
        };
        self.0.lines.push(Line {
            text: text.to_owned(),
            font,
            left: i64::from(x) - left,
            top: i64::from(y) - above,
            color: Color(style.color().rgb.into()),
        });
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let font = Font::about(style.size().round() as i64);
        let side = |pixels: i64| u32::try_from(pixels).unwrap_or(u32::MAX);
        Ok((side(font.width(text)), side(font.line_height())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use plotters::prelude::{
        BLACK, Color as _, DrawingArea, IntoDrawingArea, IntoFont, PathElement, Rectangle, Text,
    };

    fn drawn(
        paint: impl FnOnce(&DrawingArea<ChartBackend<'_>, plotters::coord::Shift>),
    ) -> RgbImage {
        let mut chart = Chart::new(ImageSize::new(20, 30), Color([255; 3]));
        paint(&chart.backend().into_drawing_area());
        chart.into_image()
    }

    fn dark(image: &RgbImage) -> Vec<(usize, usize)> {
        let width = image.size().width;
        let is_dark = |at: &usize| image.pixels()[at * 3] < 128;
        (0..image.size().area()).filter(is_dark).map(|at| (at % width, at / width)).collect()
    }

    #[test]
    fn a_line_of_one_pixel_is_sharp() {
        let image = drawn(|area| area.draw(&PathElement::new([(3, 5), (6, 5)], BLACK)).unwrap());
        assert_eq!(dark(&image), [(3, 5), (4, 5), (5, 5), (6, 5)]);
        assert_eq!(image.pixels()[0..3], [255; 3]);
    }

    #[test]
    fn a_filled_rectangle_has_both_its_corners() {
        let rectangle = Rectangle::new([(1, 2), (2, 3)], BLACK.filled());
        let image = drawn(|area| area.draw(&rectangle).unwrap());
        assert_eq!(dark(&image), [(1, 2), (2, 2), (1, 3), (2, 3)]);
    }

    #[test]
    fn letters_stand_where_they_are_anchored() {
        let image = drawn(|area| {
            let style = ("", 16).into_font().color(&BLACK);
            area.draw(&Text::new("I", (10, 0), style)).unwrap();
        });
        let letter = dark(&image);
        assert!(!letter.is_empty() && letter.iter().all(|&(x, y)| (10..18).contains(&x) && y < 16));
    }

    #[test]
    fn nothing_to_draw_and_far_away_are_no_trouble() {
        let mut chart = Chart::new(ImageSize::new(20, 30), Color([255; 3]));
        let mut backend = chart.backend();
        backend.draw_path([], &BLACK).unwrap();
        backend.draw_path([(-9_000, 4), (-8_000, 1_000_000)], &BLACK).unwrap();
        backend.draw_circle((400, 4), 3, &BLACK, true).unwrap();
        backend.draw_rect((9, 9), (3, 3), &BLACK, true).unwrap();
        assert_eq!(dark(&chart.into_image()), []);
        let smallest = Chart::new(ImageSize::new(0, 0), Color([9; 3])).into_image();
        assert_eq!((smallest.size(), smallest.pixels()), (ImageSize::new(1, 1), &[9, 9, 9][..]));
    }
}
