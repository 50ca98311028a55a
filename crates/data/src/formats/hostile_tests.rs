//! Files of annotations that were damaged, or made to do damage. Whatever they hold there is an error
//! or a finding that names them, or another data set, never a panic.

use super::*;
use crate::{DecodeLimits, write_picture};
use kestrel_core::{ImageSize, RgbImage};
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;

const COCO: &str = r#"{"images": [{"id": 1, "file_name": "a.png", "height": 8, "width": 6}],
"annotations": [
{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1.5, 2, 3e0], "area": 6, "iscrowd": 0,
 "segmentation": [[1, 1, 3, 1, 3, 4.5]]},
{"id": 2, "image_id": 1, "category_id": 1, "iscrowd": 1, "bbox": [0, 0, 6, 8],
 "segmentation": {"size": [8, 6], "counts": [40, 8]}},
{"id": 3, "image_id": 1, "category_id": 1, "segmentation": {"size": [8, 6], "counts": "X18"}}],
"categories": [{"id": 1, "name": "cell", "supercategory": "none"}]}"#;

const VOC: &str = "<annotation><filename>a.png</filename>
<size><width>6</width><height>8</height><depth>3</depth></size>
<object><name>cell &amp; co</name><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>5</ymax></bndbox>
</object><!-- end --></annotation>";

const YOLO: &str = "0 0.5 0.5 0.25 0.25\n1 0.1 0.1 0.9 0.1 0.9 0.9\n";

const DATA_YAML: &str = "train: images\nval: [images]\nnc: 2\nnames: {0: cell, 1: 'no cell'}\n";

const DESCRIPTOR: &str = "name: Cells\nformat: coco\npath: .\nsplits:\n  val: {annotations: sound.json}\n\
                          names: {1: cell}\nlicense: CC0\n";

/// A file to damage, and what lies beside it.
#[derive(Clone, Copy, Debug)]
struct Case {
    file: &'static str,
    content: &'static str,
    beside: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 5] = [
    Case { file: "instances.json", content: COCO, beside: &[] },
    Case { file: "a.xml", content: VOC, beside: &[] },
    Case {
        file: "labels/a.txt",
        content: YOLO,
        beside: &[("data.yaml", "train: images\nnames: [a, b]\n")],
    },
    Case { file: "data.yaml", content: DATA_YAML, beside: &[("labels/a.txt", YOLO)] },
    Case { file: "cells.yaml", content: DESCRIPTOR, beside: &[("sound.json", COCO)] },
];

impl Case {
    /// A folder with the picture, the files beside, and `content` in the place of the damaged one.
    fn folder(&self, content: &[u8]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        self.beside.iter().for_each(|(name, content)| write(name, content.as_bytes()));
        write(self.file, content);
        let picture = RgbImage::filled(ImageSize::new(8, 6), [7; 3]);
        for name in ["a.png", "images/a.png"] {
            write(name, b"");
            write_picture(&folder.path().join(name), &picture).unwrap();
        }
        folder
    }

    /// Reads folder and file; whatever is found is put to all its uses.
    fn survives(&self, content: &[u8]) {
        let folder = self.folder(content);
        for root in [folder.path(), &folder.path().join(self.file)] {
            match read_collection(root) {
                Ok(collection) => use_everything(&collection, folder.path()),
                Err(error) => {
                    let named = error.to_string().contains(folder.path().to_str().unwrap());
                    assert!(named, "the file is named: {error}");
                }
            }
        }
    }
}

fn use_everything(collection: &Collection, folder: &Path) {
    for split in &collection.splits {
        for finding in &split.findings {
            assert!(finding.place.file.starts_with(folder), "{finding}");
            assert!(!finding.detail.is_empty() && !finding.detail.contains('\n'), "{finding}");
        }
        for record in &split.dataset.images {
            let size = ImageSize::new(8, 6);
            split.dataset.target(record, size, true).unwrap();
        }
        split.dataset.to_coco();
        split.dataset.label_names();
    }
    for (format, images) in [
        (WriteFormat::Coco, ImageFiles::Leave),
        (WriteFormat::Voc, ImageFiles::Leave),
        (WriteFormat::Yolo, ImageFiles::Link),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_collection(collection, format, folder.path(), images).unwrap();
    }
}

/// What may stand in the place of a number or a name.
const NASTY: [&str; 16] = [
    "NaN",
    "-1",
    "1e400",
    "-1e308",
    "99999999999999999999",
    "4294967296",
    "0.5",
    "1e-320",
    "null",
    "\"x\"",
    "[]",
    "{}",
    "true",
    "",
    "\u{0}",
    "../../..",
];

#[derive(Clone, Debug)]
enum Damage {
    /// These bytes, by their place in the file as a share of it, become others.
    Bytes(Vec<(f64, u8)>),
    /// The file ends early.
    End(f64),
    /// One word or number becomes another thing.
    Word(f64, usize),
}

impl Damage {
    fn of(&self, content: &str) -> Vec<u8> {
        let at = |share: f64| ((content.len() as f64 * share) as usize).min(content.len() - 1);
        let mut bytes = content.as_bytes().to_vec();
        match self {
            Self::Bytes(changes) => {
                changes.iter().for_each(|&(share, byte)| bytes[at(share)] = byte)
            }
            Self::End(share) => bytes.truncate(at(*share)),
            Self::Word(share, nasty) => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
                let place = at(*share);
                let start = bytes[..place].iter().rposition(|b| !is_word(b)).map_or(0, |at| at + 1);
                let length = bytes[place..].iter().position(|b| !is_word(b));
                let end = length.map_or(bytes.len(), |length| place + length);
                bytes.splice(start..end.max(start), NASTY[*nasty].bytes());
            }
        }
        bytes
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        proptest::collection::vec((0.0..1.0, any::<u8>()), 1..4).prop_map(Damage::Bytes),
        (0.0..1.0).prop_map(Damage::End),
        (0.0..1.0, 0..NASTY.len()).prop_map(|(share, nasty)| Damage::Word(share, nasty)),
    ]
}

proptest! {
    // A case is some dozen files read and written.
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_files_never_panic(case in 0..CASES.len(), damage in damage()) {
        let case = CASES[case];
        case.survives(&damage.of(case.content));
    }
}

#[test]
fn the_sound_files_are_read() {
    for case in CASES {
        let folder = case.folder(case.content.as_bytes());
        for root in [folder.path(), &folder.path().join(case.file)] {
            if case.file == "cells.yaml" && root == folder.path() || case.file.ends_with(".txt") {
                continue;
            }
            if case.file.ends_with(".xml") && root != folder.path() {
                continue;
            }
            let collection = read_collection(root).unwrap();
            let dataset = &collection.splits[0].dataset;
            assert_eq!(collection.splits[0].findings, vec![], "{case:?}");
            assert!(dataset.num_objects() > 0, "{case:?}");
        }
    }
}

#[test]
fn a_million_levels_overflow_no_stack() {
    let deep = |open: &str| open.repeat(1_000_000);
    let [coco, voc, label, yaml, descriptor] = CASES;
    for content in [
        deep("["),
        deep("{\"a\":"),
        format!("{{\"images\": {}", deep("[")),
        format!("{{\"images\": [{}{}]}}", deep("["), deep("]")),
        format!("{{\"images\": [], \"annotations\": [{{\"id\": {}{}}}]}}", deep("["), deep("]")),
        COCO.replace("[1, 1, 3, 1, 3, 4.5]", &format!("{}{}", deep("["), deep("]"))),
    ] {
        coco.survives(content.as_bytes());
    }
    voc.survives(deep("<a>").as_bytes());
    voc.survives(format!("<annotation>{}", deep("<object>")).as_bytes());
    label.survives(deep("0 ").as_bytes());
    for case in [yaml, descriptor] {
        case.survives(format!("{}x: {}", case.content, deep("[")).as_bytes());
        case.survives(format!("{}x:\n  {}", case.content, deep("- ")).as_bytes());
    }
}

/// Nine lists, each of nine times the one before.
#[test]
fn yaml_that_repeats_itself_is_refused() {
    let mut bomb = String::from("x0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let again = format!("*a{}, ", level - 1).repeat(9);
        bomb.push_str(&format!("x{level}: &a{level} [{}]\n", again.trim_end_matches(", ")));
    }
    for case in [CASES[3], CASES[4]] {
        let content = format!("{}{bomb}", case.content);
        let folder = case.folder(content.as_bytes());
        let error = read_collection(&folder.path().join(case.file)).unwrap_err().to_string();
        assert!(error.contains(case.file), "{error}");
    }
}

/// The picture is found, so that nothing but the numbers is wrong.
#[test]
fn a_size_that_no_machine_holds_is_harmless() {
    for size in ["4294967295", "18446744073709551615"] {
        let content = COCO.replace(
            "\"height\": 8, \"width\": 6",
            &format!("\"height\": {size}, \"width\": {size}"),
        );
        CASES[0].survives(content.as_bytes());
        let content = COCO.replace("\"size\": [8, 6]", &format!("\"size\": [{size}, {size}]"));
        CASES[0].survives(content.as_bytes());
        CASES[1].survives(VOC.replace("<width>6<", &format!("<width>{size}<")).as_bytes());
    }
    assert!(crate::probe(Path::new("no such picture"), &DecodeLimits::default()).is_err());
}
