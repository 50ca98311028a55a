//! Pictures as they lie on real disks: damaged, turned, huge, strange.

use crate::results::{Found, Picture, pictures};
use crate::support::{Workplace, shared};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use kestrel_core::ImageSize;
use kestrel_data::{MicrographConfig, micrograph};
use std::collections::BTreeMap;
use std::fs;

/// Files nothing can decode, by the folder's index.
const BROKEN: [&str; 6] = [
    "imagers_Bad_clrsUsed.bmp",
    "imagers_Bad_width.bmp",
    "kangaroo_00090.jpg",
    "pillow_broken.png",
    "pillow_truncated_jpeg.jpg",
    "pillow_zero_width.gif",
];

/// Pairs that show the same scene, stored turned differently and compressed anew.
const SAME_SCENE: [[&str; 2]; 3] = [
    ["pillow_hopper_orientation_5.jpg", "pillow_hopper_orientation_8.jpg"],
    ["pillow_hopper_orientation_3.jpg", "pillow_hopper_orientation_6.webp"],
    ["recurser_Portrait_1.jpg", "recurser_Portrait_6.jpg"],
];

#[test]
fn every_odd_picture_is_done_or_named() {
    let Some(folder) = shared("data/odd-images") else { return };
    let files: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    let work = Workplace::new();
    let answer = work.run_with(["detect"].into_iter().chain(files.iter().map(String::as_str)));
    let answer = answer.ended(1);
    let found = pictures(&answer.stdout);
    let errors = answer.errors();
    assert_eq!(found.len() + errors.len(), files.len(), "each once: {errors:?}");
    for file in &files {
        let is_done = found.iter().any(|picture| picture.image == *file);
        let reason = errors.iter().find_map(|error| error.strip_prefix(&format!("{file}: ")));
        assert!(is_done != reason.is_some_and(|reason| reason.contains("found ")), "{file}");
    }
    for broken in BROKEN {
        assert!(errors.iter().any(|error| error.contains(broken)), "{broken} is broken");
    }
    let summary = format!("{} of {} pictures could not be read", errors.len(), files.len());
    assert!(answer.stderr.contains(&summary), "{}", answer.stderr);
    for pair in SAME_SCENE {
        assert_same_scene(pair.map(|name| picture(&found, name)));
    }
}

fn picture<'a>(all: &'a [Picture], name: &str) -> &'a Picture {
    all.iter().find(|picture| picture.name() == name).unwrap()
}

/// Each was compressed anew, which moves grey levels and with them what is nearly an object; what
/// the model is sure of in one lies at the same place in the other.
fn assert_same_scene([a, b]: [&Picture; 2]) {
    assert_eq!(a.size(), b.size(), "{} and {}", a.image, b.image);
    let sure: Vec<&Found> = a.detections.iter().filter(|found| found.score > 0.5).collect();
    assert!(!sure.is_empty(), "{}", a.image);
    let again = |found: &&&Found| b.detections.iter().any(|b| b.bbox.iou(&found.bbox) > 0.5);
    let num_again = sure.iter().filter(again).count();
    assert!(num_again * 10 >= sure.len() * 9, "{num_again} of {} in {}", sure.len(), b.image);
}

/// Wider than high, so that a forgotten turn shows in its size.
fn upright() -> RgbImage {
    let size = ImageSize::new(96, 160);
    let config = MicrographConfig { size, num_nuclei: 10, ..MicrographConfig::default() };
    RgbImage::from_raw(160, 96, micrograph(&config, 3).unwrap().image.into_pixels()).unwrap()
}

/// How a camera that was held as `orientation` says stores the picture: EXIF 2.3, tag 274, by
/// which side of the scene the first row and the first column are.
fn stored(upright: &RgbImage, orientation: u16) -> RgbImage {
    let (width, height) = upright.dimensions();
    let (right, bottom) = (width - 1, height - 1);
    let turned = if orientation < 5 { (width, height) } else { (height, width) };
    RgbImage::from_fn(turned.0, turned.1, |column, row| -> Rgb<u8> {
        let (x, y) = match orientation {
            1 => (column, row),
            2 => (right - column, row),
            3 => (right - column, bottom - row),
            4 => (column, bottom - row),
            5 => (row, column),
            6 => (right - row, column),
            7 => (right - row, bottom - column),
            _ => (row, bottom - column),
        };
        *upright.get_pixel(x, y)
    })
}

/// A TIFF header and one entry, the orientation: a short, big-endian.
fn exif(orientation: u16) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation as u8, 0, 0];
    [&b"MM\0*\0\0\0\x08\0\x01"[..], &entry, &[0; 4]].concat()
}

fn encoded(mut encoder: impl ImageEncoder, picture: &RgbImage, orientation: u16) {
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    let (width, height) = picture.dimensions();
    encoder.write_image(picture, width, height, ExtendedColorType::Rgb8).unwrap();
}

#[test]
fn all_eight_orientations_give_the_same_detections() {
    let work = Workplace::new();
    fs::create_dir(work.path("turned")).unwrap();
    let upright = upright();
    for orientation in 1..=8 {
        let stored = stored(&upright, orientation);
        let mut png = Vec::new();
        encoded(PngEncoder::new(&mut png), &stored, orientation);
        work.write(&format!("turned/{orientation}.png"), png);
    }
    let found = pictures(&work.run("detect turned --model nuclei").done().stdout);
    assert_eq!(found.len(), 8);
    assert!(found[0].detections.len() >= 5, "{:?}", found[0].detections);
    for turned in &found {
        assert_eq!((turned.width, turned.height), (160, 96), "{}", turned.image);
        // PNG keeps every bit, so the network sees the same numbers.
        assert_eq!(turned.detections, found[0].detections, "{}", turned.image);
    }
}

#[test]
fn orientations_of_jpegs_are_applied_too() {
    let work = Workplace::new();
    fs::create_dir(work.path("turned")).unwrap();
    let upright = upright();
    for orientation in 1..=8 {
        let stored = stored(&upright, orientation);
        let mut jpeg = Vec::new();
        encoded(JpegEncoder::new_with_quality(&mut jpeg, 95), &stored, orientation);
        work.write(&format!("turned/{orientation}.jpg"), jpeg);
    }
    let found = pictures(&work.run("detect turned --model nuclei").done().stdout);
    assert_eq!(found.len(), 8);
    for turned in &found {
        assert_eq!((turned.width, turned.height), (160, 96), "{}", turned.image);
        assert_same_scene([&found[0], turned]);
    }
}

/// Headers of 54 and 13 bytes that promise more pixels than a machine has memory for.
fn huge() -> BTreeMap<&'static str, Vec<u8>> {
    let side = 40_000_u32.to_le_bytes();
    let mut bmp = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([&side[..], &side, &[1, 0, 24, 0], &[0; 24]].concat());
    let gif = [b"GIF89a".as_slice(), &[0xff; 4], &[0, 0, 0], b",\0\0\0\0\xff\xff\xff\xff\0"];
    let ppm = b"P6 100000 100000 255\n".to_vec();
    BTreeMap::from([("huge.bmp", bmp), ("huge.gif", gif.concat()), ("huge.ppm", ppm)])
}

#[test]
fn a_header_that_claims_gigapixels_is_refused_and_the_rest_done() {
    let work = Workplace::with_micrographs(1);
    for (name, bytes) in huge() {
        work.write(&format!("drawn/{name}"), bytes);
    }
    let answer = work.run("detect drawn").ended(1);
    assert_eq!(pictures(&answer.stdout).len(), 1);
    let errors = answer.errors();
    assert_eq!(errors.len(), 3, "{errors:?}");
    for error in errors {
        assert!(error.starts_with("drawn/huge.") && error.contains("too large: found"), "{error}");
    }
}

#[test]
fn files_that_are_no_pictures_are_named_and_the_rest_done() {
    let work = Workplace::with_micrographs(2);
    work.write("empty.jpg", "");
    work.write("text.png", "not a picture");
    let picture = fs::read(work.path("drawn/micrograph-0001.png")).unwrap();
    work.write("cut.png", &picture[..picture.len() / 2]);
    let answer = work.run("detect empty.jpg drawn text.png cut.png --batch 2").ended(1);
    assert_eq!(pictures(&answer.stdout).len(), 2);
    let errors = answer.errors();
    let starts = [
        "empty.jpg: unknown format: ",
        "text.png: unknown format: found a file that begins with \"not a ",
        "cut.png: cannot decode the PNG picture: ",
    ];
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (error, start) in errors.iter().zip(starts) {
        assert!(error.starts_with(start), "{error}");
    }
    assert!(answer.stderr.ends_with("3 of 5 pictures could not be read\n"), "{}", answer.stderr);
}

#[test]
fn when_no_picture_can_be_read_the_results_are_empty() {
    let work = Workplace::new();
    work.write("text.png", "not a picture");
    let answer = work.run("detect text.png -f coco -o found.json --save-images drawn").ended(1);
    assert_eq!(work.read("found.json").trim_end(), "[]");
    assert_eq!(answer.errors().len(), 1);
    assert!(answer.stderr.ends_with("1 of 1 picture could not be read\n"), "{}", answer.stderr);
}

#[test]
fn the_thinnest_pictures_are_pictures() {
    let work = Workplace::new();
    for (name, width, height) in [("dot", 1, 1), ("wide", 3000, 1), ("high", 1, 3000)] {
        let picture = RgbImage::from_pixel(width, height, Rgb([90, 90, 90]));
        picture.save(work.path(&format!("{name}.png"))).unwrap();
    }
    for batch in [1, 3] {
        let answer = work.run(&format!("detect dot.png wide.png high.png --batch {batch}")).done();
        let sizes: Vec<_> = pictures(&answer.stdout).iter().map(|picture| picture.size()).collect();
        let expected = [(1, 1), (1, 3000), (3000, 1)];
        assert_eq!(sizes, expected.map(|(height, width)| ImageSize::new(height, width)));
    }
}

#[cfg(unix)]
#[test]
fn file_names_cannot_steer_the_terminal() {
    let work = Workplace::new();
    fs::create_dir(work.path("in")).unwrap();
    work.write("in/a\u{1b}[2J.png", "not a picture");
    let answer = work.run("detect in").ended(1);
    assert!(answer.stderr.contains("in/a\u{fffd}[2J.png: unknown format"), "{}", answer.stderr);
    assert!(!answer.stderr.contains('\u{1b}'));
}
