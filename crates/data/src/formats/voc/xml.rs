//! One xml of Pascal VOC, read from front to back with the line of everything that is wrong.

use super::boxes::Corners;
use crate::formats::locate::{Lines, read_text};
use crate::{Finding, FindingKind, Place};
use kestrel_core::ImageSize;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where the name of the outermost element stands in a file without a book before it.
const START_BYTES: u64 = 1024;

/// What an xml says of its image.
#[derive(Debug, Default)]
pub struct Annotated {
    pub filename: Option<String>,
    pub size: Option<ImageSize>,
    pub objects: Vec<Marked>,
    pub findings: Vec<Finding>,
}

/// One `object`.
#[derive(Debug)]
pub struct Marked {
    pub line: u64,
    pub class: String,
    pub corners: Corners,
    pub difficult: bool,
}

/// The elements that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Annotation,
    Filename,
    Size,
    Width,
    Height,
    Object,
    Name,
    Difficult,
    Bndbox,
    Corner(usize),
    Other,
}

const CORNERS: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

impl Element {
    fn named(name: &[u8]) -> Self {
        match name {
            b"annotation" => Self::Annotation,
            b"filename" => Self::Filename,
            b"size" => Self::Size,
            b"width" => Self::Width,
            b"height" => Self::Height,
            b"object" => Self::Object,
            b"name" => Self::Name,
            b"difficult" => Self::Difficult,
            b"bndbox" => Self::Bndbox,
            _ => match CORNERS.iter().position(|corner| corner.as_bytes() == name) {
                Some(corner) => Self::Corner(corner),
                None => Self::Other,
            },
        }
    }
}

/// An `object` that is not closed yet.
#[derive(Default)]
struct OpenObject {
    line: u64,
    class: String,
    corners: [Option<String>; 4],
    difficult: bool,
}

/// Whether a file begins with the outermost element of CVAT, which has xml too.
pub fn is_of_another_kind(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START_BYTES).read_to_end(&mut start));
    read.is_ok() && start.windows(12).any(|bytes| bytes == b"<annotations")
}

/// Reads a file; what is wrong with it is among the findings.
pub fn read(path: &Path) -> Annotated {
    match read_text(path) {
        Ok(text) => Parser::new(&text, path).read(),
        Err(error) => Annotated { findings: vec![error.into_finding()], ..Default::default() },
    }
}

struct Parser<'t> {
    path: &'t Path,
    lines: Lines<'t>,
    text: &'t str,
    reader: Reader<&'t [u8]>,
    /// The elements open now, outermost first. On the heap: a hostile file nests millions.
    open: Vec<Element>,
    /// Whether there was any element at all.
    has_begun: bool,
    /// The text of the innermost of them.
    content: String,
    sides: [Option<usize>; 2],
    object: OpenObject,
    annotated: Annotated,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, path: &'t Path) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        // `black & white` is met as the name of a class.
        reader.config_mut().allow_dangling_amp = true;
        Self {
            path,
            lines: Lines::new(text),
            text,
            reader,
            open: Vec::new(),
            has_begun: false,
            content: String::new(),
            sides: [None; 2],
            object: OpenObject::default(),
            annotated: Annotated::default(),
        }
    }

    fn read(mut self) -> Annotated {
        loop {
            let event = self.reader.read_event();
            match event {
                Ok(Event::Start(start)) => self.begin(start.local_name().as_ref()),
                Ok(Event::End(_)) => self.end(),
                Ok(Event::Text(text)) => self.content.push_str(&text.decode().unwrap_or_default()),
                Ok(Event::CData(text)) => self.content.push_str(&text.decode().unwrap_or_default()),
                Ok(Event::GeneralRef(reference)) => self.content.push_str(&character(&reference)),
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => {
                    let at = self.line_at(self.reader.error_position());
                    self.wrong(at, FindingKind::MalformedAnnotation, error.to_string());
                    return self.finish();
                }
            }
        }
        if !self.open.is_empty() || !self.has_begun {
            let end = self.line_at(self.text.len() as u64);
            let detail = "the file ends, expected the end of `annotation`";
            self.wrong(end, FindingKind::MalformedAnnotation, detail.into());
        }
        self.finish()
    }

    fn finish(mut self) -> Annotated {
        if let [Some(height), Some(width)] = self.sides {
            let size = ImageSize::new(height, width);
            self.annotated.size = (height > 0 && width > 0).then_some(size);
        }
        self.annotated
    }

    fn begin(&mut self, name: &[u8]) {
        let element = Element::named(name);
        if self.open.is_empty() && element != Element::Annotation {
            let detail = format!("`{}`, expected `annotation`", String::from_utf8_lossy(name));
            self.wrong(self.line(), FindingKind::MalformedAnnotation, detail);
        }
        self.has_begun = true;
        self.open.push(element);
        self.content.clear();
        if self.open == [Element::Annotation, Element::Object] {
            self.object = OpenObject { line: self.line(), ..Default::default() };
        }
    }

    fn end(&mut self) {
        use Element::{Annotation, Bndbox, Corner, Difficult, Filename, Height, Name, Object};
        use Element::{Size, Width};
        let content = std::mem::take(&mut self.content);
        let content = content.trim();
        match self.open[..] {
            [Annotation, Filename] if !content.is_empty() => {
                self.annotated.filename = Some(content.to_owned());
            }
            [Annotation, Size, Height] => self.sides[0] = side(content),
            [Annotation, Size, Width] => self.sides[1] = side(content),
            [Annotation, Object, Name] => self.object.class = content.to_owned(),
            [Annotation, Object, Difficult] => self.object.difficult = is_set(content),
            [Annotation, Object, Bndbox, Corner(corner)] => {
                self.object.corners[corner] = Some(content.to_owned());
            }
            [Annotation, Object] => self.end_object(),
            _ => {}
        }
        self.open.pop();
    }

    fn end_object(&mut self) {
        let OpenObject { line, class, corners, difficult } = std::mem::take(&mut self.object);
        if class.is_empty() {
            let detail = "`name` is empty or missing, expected the class of the object";
            return self.wrong(line, FindingKind::MalformedAnnotation, detail.into());
        }
        let mut numbers = [0.0; 4];
        for ((number, corner), field) in numbers.iter_mut().zip(corners).zip(CORNERS) {
            let corner = corner.unwrap_or_default();
            let detail = || format!("`{field}` is `{corner}`, expected a number of pixels");
            match corner.parse::<f64>() {
                Ok(found) if found.is_finite() => *number = found,
                Ok(_) => return self.wrong(line, FindingKind::NonFiniteBox, detail()),
                Err(_) => return self.wrong(line, FindingKind::MalformedAnnotation, detail()),
            }
        }
        self.annotated.objects.push(Marked { line, class, corners: numbers, difficult });
    }

    /// The line on which the element read last ends.
    fn line(&self) -> u64 {
        self.line_at(self.reader.buffer_position())
    }

    fn line_at(&self, position: u64) -> u64 {
        let at = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        let at = (0..=at).rev().find(|&at| self.text.is_char_boundary(at)).unwrap_or(0);
        self.lines.line_of(&self.text[at..])
    }

    fn wrong(&mut self, line: u64, kind: FindingKind, detail: String) {
        let place = Place::line(self.path, line);
        self.annotated.findings.push(Finding { kind, place, detail });
    }
}

/// What `&amp;` or `&#38;` stands for; itself, where it is not known.
fn character(reference: &BytesRef) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.into();
    }
    match reference.decode().unwrap_or_default().as_ref() {
        "amp" => "&".into(),
        "lt" => "<".into(),
        "gt" => ">".into(),
        "apos" => "'".into(),
        "quot" => "\"".into(),
        other => format!("&{other};"),
    }
}

/// Pixels of a side, which some tools write as `640.0`.
fn side(content: &str) -> Option<usize> {
    let pixels = content.parse::<f64>().ok()?;
    // Products of two sides are taken everywhere.
    (pixels.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&pixels))
        .then_some(pixels as usize)
}

fn is_set(content: &str) -> bool {
    content.eq_ignore_ascii_case("true") || content.parse::<f64>().is_ok_and(|number| number != 0.0)
}
