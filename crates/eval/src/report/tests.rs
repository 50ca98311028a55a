use super::*;
use crate::samples::{categories, fixture, found, images, object, truth};
use crate::{EvalOptions, Truth, evaluate};

fn full_page() -> String {
    let (dataset, results) = fixture("crowds");
    let truth = Truth::new(dataset).unwrap();
    let evaluation = evaluate(&truth, results, &EvalOptions::default()).unwrap();
    let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
    let extras = ReportExtras {
        title: "discs & slabs".into(),
        cost: Some(Cost {
            secs_per_image: 0.25,
            peak_memory_bytes: Some(300 << 20),
            device: Some("cpu".into()),
        }),
        gallery: vec![GalleryPicture {
            bytes: b"foo".to_vec(),
            format: PictureFormat::Png,
            caption: "<5.png>".into(),
        }],
        provenance: vec![fact("results", "a\"b<c>.json")],
    };
    html(&evaluation, &extras).unwrap()
}

#[test]
fn a_page_has_every_part() {
    let page = full_page();
    for part in [
        "<h1>discs &amp; slabs</h1>",
        "<h2>COCO&#39;s numbers</h2>",
        "<h2>By boxes</h2>",
        "<h2>By masks</h2>",
        "Precision over recall, IoU 0.75",
        "F1 over the score threshold",
        "What AP is lost to",
        "Calibration",
        "Who is taken for whom",
        "AP by size and by IoU",
        "<h2>Pascal VOC&#39;s numbers</h2>",
        "<h2>Worst images</h2>",
        "src=\"data:image/png;base64,Zm9v\" alt=\"&lt;5.png&gt;\"",
        "a&quot;b&lt;c&gt;.json",
        "250 ms",
        "300 MiB",
        "prefers-color-scheme: dark",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_page_needs_nothing_else() {
    let page = full_page();
    // The name of SVG itself, which nothing fetches.
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn names_from_a_data_set_are_text() {
    let mut classes = categories(&[1]);
    classes[0].name = "<script>\"'&".into();
    let bbox = [0.0, 0.0, 10.0, 10.0];
    let truth = truth(images(&[1]), classes, vec![object(1, 1, 1, bbox)]);
    let results = vec![found(1, 1, bbox, 0.5)];
    let evaluation = evaluate(&truth, results, &EvalOptions::default()).unwrap();
    let page = html(&evaluation, &ReportExtras::default()).unwrap();
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;"));
}

#[test]
fn tags_are_closed_in_order() {
    let page = full_page();
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter(|tag| !tag.starts_with('!')) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name = tag.split([' ', '\n', '/']).find(|part| !part.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/') || ["meta", "img"].contains(&name)) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, false) => open.push(name),
            (false, true) => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
