//! Pascal VOC, in the layout of its development kit.
//!
//! Coordinates are whole pixels from 1, as VOC's tools expect them, but for boxes below about a pixel
//! (`crate::formats::voc::boxes`). `labels.txt` holds the classes in their order, for Kestrel and
//! hotcoco: VOC itself has none. Where pictures stay, `filename` is the way to them from the xml.
//! Kestrel follows it; VOC's own tools look into `JPEGImages` alone.

use super::classes::{Classes, held};
use super::pictures::Pictures;
use super::{
    LossKind, WriteError, WriteSummary, clipped, lines, make, size_of, write_text, write_whole,
};
use crate::formats::locate::stem;
use crate::formats::voc::{LABELS, LISTS, boxes};
use crate::{Collection, Object, ObjectBox, split_file_names};
use kestrel_core::ImageSize;
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;
use std::path::Path;

/// The folder for the pictures.
const PICTURES: &str = "JPEGImages";

type Xml = Writer<Vec<u8>>;

pub fn write(
    collection: &Collection,
    folder: &Path,
    pictures: &mut Pictures,
    summary: &mut WriteSummary,
) -> Result<(), WriteError> {
    let (annotations, lists) = (folder.join("Annotations"), folder.join(LISTS));
    make(&annotations)?;
    make(&lists)?;
    let classes = Classes::of(collection, 1, summary);
    write_text(&folder.join(LABELS), &lines(&classes.names))?;
    for (split, list) in collection.splits.iter().zip(split_file_names(&collection.splits)) {
        let index_of = classes.index_of(&split.dataset);
        let dataset = pictures.named_from(&annotations, &split.dataset);
        let mut names = Vec::with_capacity(dataset.images.len());
        for record in &dataset.images {
            let picture = pictures.place(record, &folder.join(PICTURES), summary)?;
            let objects = held(record, &index_of, summary);
            let document = Annotation {
                folder: (!pictures.stay()).then_some(PICTURES),
                picture: if pictures.stay() { &record.name } else { &picture },
                size: size_of(record),
                objects: objects.iter().map(|(index, object)| (&*classes.names[*index], *object)),
            };
            let name = stem(Path::new(&picture));
            let path = annotations.join(format!("{name}.xml"));
            let xml = document.into_xml(summary);
            xml.and_then(|xml| write_whole(&path, &xml))
                .map_err(|source| WriteError::io(&path, source))?;
            summary.images += 1;
            summary.objects += objects.len();
            names.push(name);
        }
        // VOC has no list of everything.
        if collection.splits.len() > 1 || split.name != "all" {
            write_text(&lists.join(format!("{list}.txt")), &lines(&names))?;
        }
    }
    Ok(())
}

/// What one xml says.
struct Annotation<'d, O> {
    /// The folder of the picture, if it is VOC's.
    folder: Option<&'static str>,
    /// Its name there, or else the way to it from the xml.
    picture: &'d str,
    size: Option<ImageSize>,
    /// Each with the name of its class.
    objects: O,
}

impl<'d, O: Iterator<Item = (&'d str, &'d Object)>> Annotation<'d, O> {
    fn into_xml(self, summary: &mut WriteSummary) -> io::Result<Vec<u8>> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.create_element("annotation").write_inner_content(|xml| {
            if let Some(folder) = self.folder {
                text(xml, "folder", folder)?;
            }
            text(xml, "filename", self.picture)?;
            if let Some(size) = self.size {
                xml.create_element("size").write_inner_content(|xml| {
                    text(xml, "width", &size.width.to_string())?;
                    text(xml, "height", &size.height.to_string())?;
                    text(xml, "depth", "3")
                })?;
            }
            text(xml, "segmented", "0")?;
            for (class, object) in self.objects {
                summary.lose(LossKind::Shapes, usize::from(object.outline.is_some()));
                let (bbox, is_cut) = clipped(object.bbox, self.size);
                summary.lose(LossKind::ClippedBoxes, usize::from(is_cut));
                write_object(xml, class, object.difficult, &bbox)?;
            }
            Ok(())
        })?;
        let mut bytes = xml.into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn write_object(xml: &mut Xml, class: &str, difficult: bool, bbox: &ObjectBox) -> io::Result<()> {
    xml.create_element("object").write_inner_content(|xml| {
        text(xml, "name", class)?;
        text(xml, "pose", "Unspecified")?;
        text(xml, "truncated", "0")?;
        text(xml, "difficult", if difficult { "1" } else { "0" })?;
        xml.create_element("bndbox").write_inner_content(|xml| {
            let corners = ["xmin", "ymin", "xmax", "ymax"].into_iter().zip(boxes::corners(bbox));
            corners.into_iter().try_for_each(|(tag, value)| text(xml, tag, &value.to_string()))
        })?;
        Ok(())
    })?;
    Ok(())
}

fn text(xml: &mut Xml, tag: &str, content: &str) -> io::Result<()> {
    xml.create_element(tag).write_text_content(BytesText::new(content))?;
    Ok(())
}
