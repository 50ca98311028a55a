//! What pictures show, written down: JSON lines, CSV, and a table for a terminal.
//!
//! Scores are printed with the fewest digits that read back as the same float32.

use super::csv::quoted;
use super::destination::Output;
use super::table::{MAX_ROWS, push_remainder, shortened, table};
use super::{Destination, write_text};
use crate::console::printable;
use anyhow::Result;
use kestrel_args::ClassFormat;
use kestrel_core::ImageSize;
use kestrel_resnet::Prediction;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

/// What one image shows.
#[derive(Clone, Copy, Debug)]
pub struct ClassResult<'a> {
    /// The image as the user named it.
    pub path: &'a Path,
    /// Its size as a person sees it.
    pub image_size: ImageSize,
    /// The likeliest classes, likeliest first.
    pub predictions: &'a [Prediction],
    /// What the classes are called.
    pub classes: &'a [String],
}

impl ClassResult<'_> {
    fn name(&self, prediction: &Prediction) -> &str {
        self.classes.get(prediction.class).map_or("unknown", String::as_str)
    }
}

/// Takes results one image at a time and writes them in one format.
pub struct ClassSink {
    writer: Writer,
}

enum Writer {
    Json(Output),
    Csv(Output),
    /// Known when all images are.
    Table(Destination, ClassTable),
}

impl ClassSink {
    /// Opens the destination, so that what would fail at the end of a long run fails before it starts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(format: ClassFormat, destination: &Destination) -> Result<Self> {
        let mut output = Output::open(destination)?;
        let writer = match format {
            ClassFormat::Json => Writer::Json(output),
            ClassFormat::Csv => {
                output.write(write_header)?;
                Writer::Csv(output)
            }
            ClassFormat::Table => Writer::Table(destination.clone(), ClassTable::default()),
        };
        Ok(Self { writer })
    }

    /// Writes the result of one image.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, result: &ClassResult<'_>) -> Result<()> {
        match &mut self.writer {
            Writer::Json(output) => output.write(|out| write_json(out, result)),
            Writer::Csv(output) => output.write(|out| write_csv(out, result)),
            Writer::Table(_, table) => {
                table.add(result);
                Ok(())
            }
        }
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// When it cannot be written; then there is no file.
    pub fn finish(self) -> Result<()> {
        match self.writer {
            Writer::Json(output) | Writer::Csv(output) => output.finish(),
            Writer::Table(destination, table) => write_text(&destination, &table.render()),
        }
    }
}

#[derive(Serialize)]
struct Image<'a> {
    /// Bytes that are no text are replaced by U+FFFD.
    image: Cow<'a, str>,
    width: usize,
    height: usize,
    classes: Vec<Class<'a>>,
}

#[derive(Serialize)]
struct Class<'a> {
    class: &'a str,
    /// Its place among the logits, from 0.
    index: usize,
    score: f32,
}

fn write_json(out: &mut dyn Write, result: &ClassResult<'_>) -> io::Result<()> {
    let class = |prediction: &Prediction| {
        let Prediction { class: index, score } = *prediction;
        Class { class: result.name(prediction), index, score }
    };
    let image = Image {
        image: result.path.to_string_lossy(),
        width: result.image_size.width,
        height: result.image_size.height,
        classes: result.predictions.iter().map(class).collect(),
    };
    serde_json::to_writer(&mut *out, &image)?;
    writeln!(out)
}

fn write_header(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "image,width,height,rank,index,class,score")
}

fn write_csv(out: &mut dyn Write, result: &ClassResult<'_>) -> io::Result<()> {
    let path = result.path.to_string_lossy();
    let ImageSize { height, width } = result.image_size;
    for (rank, prediction) in (1..).zip(result.predictions) {
        let Prediction { class, score } = *prediction;
        let (path, name) = (quoted(&path), quoted(result.name(prediction)));
        writeln!(out, "{path},{width},{height},{rank},{class},{name},{score}")?;
    }
    Ok(())
}

/// A table that takes image after image and keeps only the lines it will show: for one image its
/// classes, for several a line each.
#[derive(Debug, Default)]
pub struct ClassTable {
    num_images: usize,
    /// The classes of the first image, shown when no other follows.
    first: String,
    /// Image, likeliest class, its score, the next classes.
    rows: Vec<[String; 4]>,
}

/// Classes named beside the likeliest one.
const MAX_OTHERS: usize = 2;

impl ClassTable {
    /// Takes note of one image.
    pub fn add(&mut self, result: &ClassResult<'_>) {
        if self.num_images == 0 {
            self.first = classes_of(result);
        }
        if self.rows.len() < MAX_ROWS {
            self.rows.push(summary_of(result));
        }
        self.num_images += 1;
    }

    /// The table as text, ending in a line feed; empty where no image came.
    pub fn render(&self) -> String {
        match self.num_images {
            0 => String::new(),
            1 => self.first.clone(),
            _ => {
                let header = ["image", "class", "score", "or"];
                let mut text = table(&header, &self.rows, 2..3);
                push_remainder(&mut text, self.num_images);
                text
            }
        }
    }
}

fn summary_of(result: &ClassResult<'_>) -> [String; 4] {
    let name = |prediction| printable(result.name(prediction));
    let score = |prediction: &Prediction| format!("{:.2}", prediction.score);
    let other = |prediction| format!("{} {}", name(prediction), score(prediction));
    let first = result.predictions.first();
    let others: Vec<String> =
        result.predictions.iter().skip(1).take(MAX_OTHERS).map(other).collect();
    [
        shortened(&result.path.to_string_lossy()),
        first.map_or_else(|| "-".into(), name),
        first.map_or_else(|| "-".into(), score),
        others.join(", "),
    ]
}

fn classes_of(result: &ClassResult<'_>) -> String {
    let row = |prediction: &Prediction| {
        [printable(result.name(prediction)), format!("{:.3}", prediction.score)]
    };
    let rows: Vec<[String; 2]> = result.predictions.iter().take(MAX_ROWS).map(row).collect();
    let path = shortened(&result.path.to_string_lossy());
    let mut text = format!("{path}, {}\n\n", result.image_size);
    text += &table(&["class", "score"], &rows, 1..2);
    push_remainder(&mut text, result.predictions.len());
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
