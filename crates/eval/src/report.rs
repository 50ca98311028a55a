//! An evaluation as one HTML page that needs nothing else: no script, no font, no other file.
//!
//! Line charts are drawn by `plotters`, bars and the confusion matrix by hand, all as inline SVG or
//! plain HTML that follows the reader's light or dark setting. Every text from outside is escaped.

mod bars;
mod heat_map;
mod plots;
mod sections;
mod tables;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod text;

use crate::{EvalError, Evaluation};
use text::escape;

const STYLE: &str = include_str!("report/style.css");

/// What a report shows beside the evaluation.
#[derive(Clone, Debug, Default)]
pub struct ReportExtras {
    /// The heading; a plain one where empty.
    pub title: String,
    /// What the detector took.
    pub cost: Option<Cost>,
    /// Pictures of images, the worst first.
    pub gallery: Vec<GalleryPicture>,
    /// Where everything comes from: files, the model, settings.
    pub provenance: Vec<Fact>,
}

/// What a detector took.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// From picture to detections, mean over the images, in seconds.
    pub secs_per_image: f64,
    /// The most memory held at once, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// On what.
    pub device: Option<String>,
}

/// A picture file to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GalleryPicture {
    /// The file.
    pub bytes: Vec<u8>,
    /// What kind of file it is.
    pub format: PictureFormat,
    /// What it shows.
    pub caption: String,
}

/// A picture format every browser knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

/// A line of the provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl PictureFormat {
    fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Writes an evaluation as one HTML page.
///
/// # Errors
/// When a plot cannot be drawn, which would be a bug.
pub fn html(evaluation: &Evaluation, extras: &ReportExtras) -> Result<String, EvalError> {
    let title = match extras.title.as_str() {
        "" => "Evaluation",
        title => title,
    };
    let mut body = vec![
        format!("<h1>{}</h1>", escape(title)),
        sections::headline(evaluation, extras),
        sections::coco(evaluation),
    ];
    for (name, scores) in evaluation.sections() {
        body.push(sections::geometry(name, scores, evaluation.options.confusion_iou)?);
    }
    body.push(sections::voc(evaluation));
    body.push(sections::gallery(&extras.gallery, evaluation.finest().score_threshold));
    body.push(sections::provenance(evaluation, extras));
    Ok(page(&escape(title), &body.join("\n")))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n\
         </body>\n</html>\n"
    )
}
