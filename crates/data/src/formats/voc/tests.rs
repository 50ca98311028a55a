//! VOC folders made here.

use super::*;
use crate::{Collection, Format, ObjectBox, read_collection};
use kestrel_core::ImageSize;
use std::fs;
use tempfile::TempDir;

const CAT: &str = "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax>\
                   <ymax>5</ymax></bndbox></object>";

fn annotation(content: &str) -> String {
    format!("<annotation>\n{content}\n</annotation>")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// The only split of a folder with one xml.
fn with_xml(content: &str) -> Split {
    let folder = folder(&[("a.xml", content)]);
    let Collection { format, mut splits, .. } = read_collection(folder.path()).unwrap();
    assert_eq!((format, splits.len()), (Format::Voc, 1));
    splits.remove(0)
}

#[test]
fn every_field_is_read() {
    let split = with_xml(&annotation(
        "<filename>elsewhere.jpg</filename><size><width>6.0</width><height>5</height></size>
         <object><name> salt &amp; pepper </name><pose/><truncated></truncated>
         <difficult>1</difficult>
         <part><name>lid</name><bndbox><xmin>9</xmin></bndbox></part>
         <bndbox><xmin>2.5</xmin><ymin>1e0</ymin><xmax> 4 </xmax><ymax>5</ymax></bndbox></object>
         <object><name>cat</name><difficult/><bndbox><ymax>5</ymax><xmax>3</xmax><ymin>2</ymin>
         <xmin>1</xmin></bndbox></object>",
    ));
    assert_eq!((split.name.as_str(), &split.findings), ("all", &vec![]));
    let names: Vec<_> =
        split.dataset.categories.iter().map(|c| (c.id.0, c.name.as_str())).collect();
    assert_eq!(names, [(1, "cat"), (2, "salt & pepper")]);
    let [image] = &split.dataset.images[..] else { panic!("one image") };
    assert_eq!(image.stated_size, Some(ImageSize::new(5, 6)));
    assert_eq!(image.name, "elsewhere.jpg", "no picture is there");
    let [lid, cat] = &image.objects[..] else { panic!("two objects") };
    assert_eq!(lid.bbox, ObjectBox { x: 1.5, y: 0.0, width: 2.5, height: 5.0 });
    assert_eq!(cat.bbox, ObjectBox { x: 0.0, y: 1.0, width: 3.0, height: 4.0 });
    assert_eq!((lid.category, cat.category), (CategoryId(2), CategoryId(1)));
    assert!(lid.difficult && !cat.difficult);
    assert_eq!((lid.id, lid.place.line, cat.id, cat.place.line), (1, Some(3), 2, Some(7)));
}

#[test]
fn an_image_without_size_or_objects_is_one() {
    let split = with_xml("<annotation/>");
    assert_eq!((split.findings.len(), split.dataset.images.len()), (0, 1));
    assert_eq!(split.dataset.images[0].stated_size, None);
    assert_eq!(split.dataset.images[0].name, "a.jpg");
}

#[test]
fn bad_objects_are_findings_and_the_rest_is_read() {
    let object = |inner: &str| format!("{CAT}\n<object>{inner}</object>\n{CAT}");
    let bndbox = |xmin: &str| {
        format!(
            "<name>a</name><bndbox><xmin>{xmin}</xmin><ymin>2</ymin><xmax>3</xmax><ymax>5</ymax></bndbox>"
        )
    };
    for (inner, kind, word) in [
        (bndbox("x"), FindingKind::MalformedAnnotation, "`xmin` is `x`"),
        (bndbox(""), FindingKind::MalformedAnnotation, "`xmin` is ``"),
        (bndbox("NaN"), FindingKind::NonFiniteBox, "`NaN`"),
        (bndbox("1e400"), FindingKind::NonFiniteBox, "`1e400`"),
        ("<name>a</name>".into(), FindingKind::MalformedAnnotation, "`xmin`"),
        (String::new(), FindingKind::MalformedAnnotation, "`name`"),
    ] {
        let split = with_xml(&annotation(&object(&inner)));
        assert_eq!(split.dataset.num_objects(), 2, "{inner}");
        let [finding] = &split.findings[..] else { panic!("{inner}: {:?}", split.findings) };
        assert_eq!((finding.kind, finding.place.line), (kind, Some(3)), "{finding}");
        assert!(finding.detail.contains(word), "{finding}");
    }
}

#[test]
fn broken_xml_has_a_line() {
    let deep = "<a>".repeat(1_000_000);
    for (content, line, num_objects) in [
        (format!("<annotation>\n{CAT}\n<object><name>"), 3, 1),
        (format!("<annotation>\n{CAT}\n</object>"), 3, 1),
        ("".into(), 1, 0),
        ("no xml".into(), 1, 0),
        ("<html></html>".into(), 1, 0),
        (deep, 1, 0),
    ] {
        let split = with_xml(&content);
        let place = split.findings.first().map(|finding| finding.place.line);
        assert_eq!(place, Some(Some(line)), "{:?}", split.findings.first());
        assert_eq!(split.dataset.num_objects(), num_objects);
    }
}

#[test]
fn a_set_that_counts_from_zero_is_not_shifted() {
    let at_zero = CAT.replace("<xmin>1<", "<xmin>0<");
    let folder = folder(&[("a.xml", &annotation(CAT)), ("b.xml", &annotation(&at_zero))]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    let boxes = split.dataset.images.iter().map(|image| image.objects[0].bbox);
    let expected = [
        ObjectBox { x: 1.0, y: 2.0, width: 2.0, height: 3.0 },
        ObjectBox { x: 0.0, y: 2.0, width: 3.0, height: 3.0 },
    ];
    assert_eq!(boxes.collect::<Vec<_>>(), expected);
}

/// `split:picture of the first image` of each split.
fn found(folder: &TempDir) -> Vec<String> {
    let of = |split: &Split| {
        let paths = split.dataset.images.iter().map(|image| {
            image.path.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/")
        });
        format!("{}:{}", split.name, paths.collect::<Vec<_>>().join(","))
    };
    read_collection(folder.path()).unwrap().splits.iter().map(of).collect()
}

#[test]
fn layouts_give_splits_and_pictures() {
    let cat = annotation(CAT);
    let xml = cat.as_str();
    let devkit = folder(&[
        ("VOC2007/Annotations/1.xml", xml),
        ("VOC2007/Annotations/2.xml", xml),
        ("VOC2007/Annotations/3.xml", xml),
        ("VOC2007/JPEGImages/1.jpg", ""),
        ("VOC2007/ImageSets/Main/train.txt", "1\n"),
        ("VOC2007/ImageSets/Main/val.txt", "2 -1\n\n3.jpg  1\n"),
        ("VOC2007/ImageSets/Main/trainval.txt", "1\n2\n3"),
        ("VOC2007/ImageSets/Main/cat_train.txt", "1 1"),
    ]);
    let images = |names: [&str; 2]| names.map(|name| format!("VOC2007/JPEGImages/{name}"));
    let expected = [
        "train:VOC2007/JPEGImages/1.jpg".into(),
        format!("val:{}", images(["2.jpg", "3.jpg"]).join(",")),
    ];
    assert_eq!(found(&devkit), expected);
    let beside = folder(&[("a.xml", xml), ("a.png", ""), ("other.png", "")]);
    assert_eq!(found(&beside), ["all:a.png"]);
    let kaggle = folder(&[("annotations/a.xml", xml), ("images/a.png", "")]);
    assert_eq!(found(&kaggle), ["all:images/a.png"]);
    let splits = folder(&[("valid/a.xml", xml), ("valid/a.jpg", ""), ("train/b.xml", xml)]);
    assert_eq!(found(&splits), ["train:train/b.jpg", "val:valid/a.jpg"]);
}

#[test]
fn the_picture_of_the_xml_counts_before_its_filename() {
    let named = annotation("<filename>photos\\b</filename>");
    let both = folder(&[("a.xml", &named), ("a.jpg", ""), ("b.jpg", "")]);
    assert_eq!(found(&both), ["all:a.jpg"]);
    let other = folder(&[("a.xml", &named), ("b.png", "")]);
    assert_eq!(found(&other), ["all:b.png"]);
}

#[test]
fn a_listed_name_without_xml_is_a_finding() {
    let folder = folder(&[
        ("Annotations/1.xml", &annotation(CAT)),
        ("ImageSets/Main/train.txt", "1\n2\n"),
        ("labels.txt", "dog\ncat\n"),
    ]);
    let split = read_collection(folder.path()).unwrap().splits.remove(0);
    assert_eq!(split.findings.len(), 1);
    assert!(split.findings[0].to_string().contains("train.txt:2"), "{}", split.findings[0]);
    let names: Vec<_> = split.dataset.categories.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["dog", "cat"], "in the order of labels.txt");
}

#[test]
fn xml_of_cvat_is_not_voc() {
    let folder = folder(&[("annotations.xml", "<?xml version=\"1.0\"?>\n<annotations><version/>")]);
    let error = read_collection(folder.path()).unwrap_err();
    assert!(matches!(error, FormatError::Unknown { .. }), "{error}");
}
