use super::*;
use crate::options::MaskChoice;
use crate::samples::{categories, found, images, truth, with_mask};
use proptest::prelude::*;
use std::io::Write;

fn read(content: &[u8]) -> Result<Vec<Annotation>, EvalError> {
    let truth = truth(images(&[7, 9]), categories(&[1, 4]), vec![]);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    read_results(file.path(), &truth)
}

fn message(content: &str) -> String {
    let message = read(content.as_bytes()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

fn check(list: Vec<Annotation>, masks: MaskChoice) -> Result<Detections, String> {
    let truth = truth(images(&[7, 9]), categories(&[1, 4]), vec![]);
    Detections::new(list, &truth, masks).map_err(|error| error.to_string())
}

#[test]
fn cocos_list() {
    let list = read(
        br#" [{"image_id": 7.0, "category_id": 4, "bbox": [1, 2, 3.5, 4], "score": 1, "more": []},
              {"image_id": 9, "category_id": 1, "score": 0.5,
               "segmentation": {"size": [2, 2], "counts": "04"}}]"#,
    );
    let list = list.unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!((list[0].image_id, list[0].category_id), (7, 4));
    assert_eq!((list[0].bbox, list[0].score), (Some([1.0, 2.0, 3.5, 4.0]), Some(1.0)));
    assert_eq!(list[1].bbox, None);
    assert!(has_mask(&list[1]) && !has_mask(&list[0]));
}

/// Numbers that `kestrel detect` made up where it knew no others.
#[test]
fn names_count_more_than_numbers() {
    let row = |names: &str| {
        let row = r#"{"image_id":7,"category_id":1,"bbox":[1,2,3,4],"score":1"#;
        read(format!("[{row},{names}}}]").as_bytes())
    };
    let one = &row(r#""file_name":"photos/9.png","category_name":"b""#).unwrap()[0];
    assert_eq!((one.image_id, one.category_id), (9, 4));
    let one = &row(r#""file_name":"9.png""#).unwrap()[0];
    assert_eq!((one.image_id, one.category_id), (9, 1));
    let error = row(r#""file_name":"8.png""#).unwrap_err().to_string();
    assert!(error.contains("not in the ground truth: 8.png"), "{error}");
    let error = row(r#""category_name":"zebra""#).unwrap_err().to_string();
    assert!(error.contains("zebra"), "{error}");
}

#[test]
fn nothing_is_no_results() {
    for nothing in ["", " \n", "[]", "[ ]\n"] {
        assert_eq!(read(nothing.as_bytes()).unwrap().len(), 0, "{nothing:?}");
    }
    let line = r#"{"image":"7.png","width":100,"height":100,"detections":[]}"#;
    assert_eq!(read(line.as_bytes()).unwrap().len(), 0);
}

#[test]
fn kestrels_lines() {
    let lines = concat!(
        "\n",
        r#"{"image":"photos/9.png","width":100,"height":100,"detections":[{"box":[1,2,4,8],"#,
        r#""score":0.5,"label":1,"category":"b","mask":{"size":[100,100],"counts":"`0"}}]}"#,
        "\r\n\n",
        r#"{"image":"7.png","width":100,"height":100,"detections":[]}"#,
    );
    let list = read(lines.as_bytes()).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].image_id, list[0].category_id), (9, 4));
    assert_eq!(list[0].bbox, Some([1.0, 2.0, 3.0, 6.0]));
    assert!(has_mask(&list[0]));
}

#[test]
fn a_broken_file_is_named_with_the_place() {
    for (content, expected) in [
        ("[{\"image_id\": 1,\n \"category_id\": 1}]", "result 0: missing field `score` at line 2"),
        (r#"[{"image_id": -1}]"#, "result 0: invalid type: integer `-1`"),
        (r#"[{"image_id": 1.5}]"#, "floating point `1.5`, expected a whole number"),
        (r#"[{"image_id": "a"}]"#, "invalid type: string \"a\""),
        ("[1]", "result 0: invalid type"),
        ("[", "EOF while parsing a list at line 1"),
        ("[] []", "trailing characters at line 1 column 4"),
        (r#"[{"image_id": 1, "score": NaN}]"#, "expected value at line 1"),
        (r#"[{"image_id": 1, "score": 1e999}]"#, "number out of range at line 1"),
        ("\n\n{\n", "line 3: EOF"),
        (r#"{"images": [], "annotations": []}"#, "line 1: missing field `image`"),
        ("<html>", "found a file that begins with \"<\""),
        ("\u{feff}[]", "found a file that begins with \"\\xef\""),
    ] {
        let message = message(content);
        assert!(message.contains(expected), "{content}: {message}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(message(&deep).contains("result 0: invalid type"));
    for field in ["segmentation", "more"] {
        let deep = format!(r#"[{{"image_id": 1, "{field}": {deep}"#);
        assert!(message(&deep).contains("result 0: "));
    }
    assert!(read(b"[{\"image_id\": \"\xff\"}]").is_err());
    assert!(matches!(
        read_results(Path::new("no such file"), &truth(vec![], vec![], vec![])),
        Err(EvalError::Io { .. })
    ));
}

#[test]
fn lines_that_do_not_fit_the_ground_truth() {
    let line = |image: &str, size: u32, category: &str| {
        format!(
            r#"{{"image":"{image}","width":{size},"height":100,"detections":[{{"box":[0,0,1,1],"score":1,"category":"{category}"}}]}}"#
        )
    };
    let unknown: Vec<String> =
        (0..7).map(|image| line(&format!("x{image}.png"), 100, "a")).collect();
    let expected = "7 images that are not in the ground truth: x0.png, x1.png, x2.png, x3.png, x4.png and 2 more";
    assert!(message(&unknown.join("\n")).contains(expected));
    let expected = "1 classes that are not in the ground truth: cat; expected the classes a, b";
    assert!(message(&line("7.png", 100, "cat")).contains(expected));
    let expected = "line 1: 7.png is 90x100, in the ground truth 100x100";
    assert!(message(&line("7.png", 90, "a")).contains(expected));
    let twice = [line("7.png", 100, "a"), line("other/7.png", 100, "a")].join("\n");
    assert!(message(&twice).contains("line 2: other/7.png is the image of line 1"));
}

#[test]
fn what_cannot_be_scored_is_named() {
    let bbox = [0.0, 0.0, 4.0, 4.0];
    let good = || found(7, 1, bbox, 0.5);
    let nan = |mut bbox: [f64; 4]| {
        bbox[2] = f64::NAN;
        found(7, 1, bbox, 0.5)
    };
    let no_box = Annotation { bbox: None, ..good() };
    let short = Annotation {
        segmentation: Some(Segmentation::CompressedRle { size: [100, 100], counts: "04".into() }),
        ..good()
    };
    let small = Annotation {
        segmentation: Some(Segmentation::UncompressedRle { size: [2, 2], counts: vec![4] }),
        ..good()
    };
    for (wrong, expected) in [
        (found(7, 1, bbox, f64::NAN), "result 1 (counted from 0): found the score NaN"),
        (Annotation { score: None, ..good() }, "found no score"),
        (nan(bbox), "found the box [0.0, 0.0, NaN, 4.0]"),
        (no_box, "neither a box nor a mask"),
        (short, "invalid COCO run lengths for a 100x100 mask"),
        (small, "found a mask of 2x2, expected the image's 100x100"),
        (Annotation { bbox: None, ..with_mask(good()) }, "some have a box and some have not"),
        (found(8, 1, bbox, 0.5), "1 images that are not in the ground truth: 8"),
        (
            found(7, 2, bbox, 0.5),
            "1 classes that are not in the ground truth: 2; expected the classes 1 (a), 4 (b)",
        ),
    ] {
        let message = check(vec![good(), wrong], MaskChoice::IfPresent).err().unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_results_or_an_error(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&content);
    }

    #[test]
    fn any_cut_is_results_or_an_error(length in 0usize..120) {
        let whole = br#"[{"image_id": 7, "category_id": 4, "bbox": [1, 2, 3.5, 4], "score": 1}, {"image_id": 9, "score": 0}]"#;
        let cut = &whole[..length.min(whole.len())];
        prop_assert!(read(cut).is_err() || cut.is_empty());
    }
}
