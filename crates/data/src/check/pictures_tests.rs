//! Picture files of every kind of trouble, written here.

use super::*;
use crate::check::samples::{image as record, kinds_of, object, picture};
use crate::{DecodeLimits, Object, ObjectBox};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};
use std::io::Cursor;
use std::path::PathBuf;
use tempfile::TempDir;

/// As stored; not square, so that a quarter turn shows.
const STORED: ImageSize = ImageSize::new(48, 64);
const TURNED: ImageSize = ImageSize::new(64, 48);

fn scene() -> DynamicImage {
    let pixel = |x, y| image::Rgb([(x * 4) as u8, (y * 5) as u8, (x * y % 251) as u8]);
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(64, 48, pixel))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A TIFF header and one entry: tag 0x112, type 3 (SHORT), one value.
fn oriented_jpeg(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.set_exif_metadata(block).unwrap();
    let pixels = scene().into_rgb8().into_raw();
    encoder.write_image(&pixels, 64, 48, ExtendedColorType::Rgb8).unwrap();
    bytes
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str, bytes: &[u8]) -> PictureState {
        read(&self.file(name, bytes), &CheckOptions::default())
    }

    fn facts(&self, name: &str, bytes: &[u8]) -> PictureFacts {
        match self.read(name, bytes) {
            PictureState::Readable(facts) => facts,
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn headers_only() -> CheckOptions {
    CheckOptions { decode_pictures: false, ..CheckOptions::default() }
}

#[test]
fn a_sound_picture_is_what_its_header_says() {
    let folder = Folder::new();
    for (name, format) in [("a.png", ImageFormat::Png), ("a.bmp", ImageFormat::Bmp)] {
        let facts = folder.facts(name, &encoded(&scene(), format));
        let expected = PictureFacts { sha256: facts.sha256, ..picture(STORED) };
        assert_eq!(facts, expected);
        assert!(facts.sha256.is_some());
        let path = folder.0.path().join(name);
        assert_eq!(read(&path, &headers_only()), PictureState::Readable(picture(STORED)));
    }
}

#[test]
fn equal_pixels_hash_alike_however_they_are_packed() {
    let folder = Folder::new();
    let png = folder.facts("a.png", &encoded(&scene(), ImageFormat::Png));
    let bmp = folder.facts("a.bmp", &encoded(&scene(), ImageFormat::Bmp));
    assert_eq!(png.sha256, bmp.sha256);
    let mirrored = folder.facts("b.png", &encoded(&scene().fliph(), ImageFormat::Png));
    assert_ne!(png.sha256, mirrored.sha256);
    let plain = |width, height| encoded(&DynamicImage::new_rgb8(width, height), ImageFormat::Png);
    let [wide, high] = [plain(8, 2), plain(2, 8)].map(|bytes| folder.facts("c.png", &bytes).sha256);
    assert_ne!(wide, high, "the same bytes in another shape");
}

#[test]
fn a_file_that_is_not_there_is_missing_and_one_that_is_no_picture_unreadable() {
    let folder = Folder::new();
    for options in [CheckOptions::default(), headers_only()] {
        assert_eq!(read(&folder.0.path().join("none.png"), &options), PictureState::Missing);
        let is_unreadable =
            |path: &Path| matches!(read(path, &options), PictureState::Unreadable { .. });
        assert!(is_unreadable(&folder.file("a.jpg", b"<html>not found</html>")));
        assert!(is_unreadable(folder.0.path()), "a folder");
        let empty = read(&folder.file("empty.png", b""), &options);
        assert!(matches!(empty, PictureState::Unreadable { .. } | PictureState::Truncated { .. }));
    }
}

/// Whatever words a decoder finds for it.
#[test]
fn a_file_cut_in_its_pixels_is_truncated() {
    let folder = Folder::new();
    let formats = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
        ImageFormat::Tga,
        ImageFormat::Pnm,
        ImageFormat::Gif,
    ];
    for format in formats {
        let whole = encoded(&scene(), format);
        let extension = format.extensions_str()[0];
        let picture = folder.read(&format!("cut.{extension}"), &whole[..whole.len() * 3 / 4]);
        assert!(matches!(picture, PictureState::Truncated { .. }), "{format:?}: {picture:?}");
    }
}

#[test]
fn a_damaged_file_of_full_length_is_unreadable() {
    let folder = Folder::new();
    let mut bytes = encoded(&scene(), ImageFormat::Png);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xff);
    let picture = folder.read("a.png", &bytes);
    assert!(matches!(picture, PictureState::Unreadable { .. }), "{picture:?}");
}

#[test]
fn a_picture_over_the_limits_is_unreadable_and_the_reason_leaves_out_the_place() {
    let folder = Folder::new();
    let path = folder.file("a.png", &encoded(&scene(), ImageFormat::Png));
    let limits = DecodeLimits { max_pixels: 100, ..DecodeLimits::default() };
    let PictureState::Unreadable { reason } =
        read(&path, &CheckOptions { limits, ..CheckOptions::default() })
    else {
        panic!("too large")
    };
    assert!(reason.starts_with("too large: found 64x48 pixels"), "{reason}");
}

#[test]
fn grey_is_told_by_how_the_file_is_stored() {
    let folder = Folder::new();
    let grey = DynamicImage::ImageLuma8(scene().into_luma8());
    let colourless = DynamicImage::ImageRgb8(grey.to_rgb8());
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        assert!(folder.facts("a", &encoded(&grey, format)).is_grey);
        assert!(!folder.facts("a", &encoded(&colourless, format)).is_grey);
    }
    let facts = PictureFacts { is_grey: true, ..picture(STORED) };
    let record = record(STORED, vec![object(ObjectBox::default())]);
    let found = findings(&record, &PictureState::Readable(facts));
    assert_eq!(kinds_of(&found), [FindingKind::GreyImage]);
}

fn kinds(stated: Option<ImageSize>, orientation: u8, objects: Vec<Object>) -> Vec<FindingKind> {
    let folder = Folder::new();
    let facts = folder.facts("a.jpg", &oriented_jpeg(orientation));
    assert_eq!(facts.known_turn(), Some(Turn::from_exif(orientation)));
    let record = ImageRecord { stated_size: stated, ..record(STORED, objects) };
    kinds_of(&findings(&record, &PictureState::Readable(facts)))
}

#[test]
fn a_turned_picture_annotated_as_stored_is_told_from_one_annotated_as_seen() {
    let some = || vec![object(ObjectBox::default())];
    for orientation in 5..=8 {
        assert_eq!(kinds(Some(STORED), orientation, some()), [FindingKind::ExifRotation]);
        assert_eq!(kinds(Some(TURNED), orientation, some()), []);
        assert_eq!(kinds(None, orientation, some()), [FindingKind::ExifUnclear]);
    }
    for orientation in 2..=4 {
        assert_eq!(kinds(Some(STORED), orientation, some()), [FindingKind::ExifUnclear]);
        assert_eq!(kinds(Some(TURNED), orientation, some()), [FindingKind::SizeMismatch]);
    }
    assert_eq!(kinds(Some(STORED), 1, some()), []);
    assert_eq!(kinds(None, 1, some()), []);
    assert_eq!(kinds(Some(STORED), 3, vec![]), [FindingKind::NoObjects], "nothing to be turned");
}

#[test]
fn any_other_size_is_a_mismatch() {
    let some = || vec![object(ObjectBox::default())];
    let other = Some(ImageSize::new(48, 65));
    assert_eq!(kinds(other, 1, some()), [FindingKind::SizeMismatch]);
    assert_eq!(kinds(other, 6, some()), [FindingKind::SizeMismatch]);
}

#[test]
fn objects_are_looked_at_in_the_size_they_were_annotated_in() {
    let turned = Turn::from_exif(6);
    let facts = PictureFacts { seen_size: TURNED, turn: turned, ..picture(STORED) };
    let readable = PictureState::Readable(facts);
    let size = |stated, picture| {
        annotated_size(&ImageRecord { stated_size: stated, ..record(STORED, vec![]) }, picture)
    };
    assert_eq!(size(Some(STORED), &readable), Some(STORED));
    assert_eq!(size(Some(TURNED), &readable), Some(TURNED));
    assert_eq!(size(None, &readable), Some(TURNED));
    assert_eq!(size(Some(STORED), &PictureState::Missing), Some(STORED));
    for absurd in [ImageSize::new(0, 5), ImageSize::new(usize::MAX, 2)] {
        assert_eq!(size(Some(absurd), &PictureState::Missing), None);
    }
}

#[test]
fn a_file_that_is_missing_or_broken_is_one_finding() {
    let record = record(STORED, vec![object(ObjectBox::default())]);
    let reason = String::new();
    let expected = [
        (PictureState::Missing, FindingKind::MissingImage),
        (PictureState::Unreadable { reason: reason.clone() }, FindingKind::UnreadableImage),
        (PictureState::Truncated { reason }, FindingKind::TruncatedImage),
    ];
    for (picture, kind) in expected {
        assert_eq!(kinds_of(&findings(&record, &picture)), [kind]);
    }
}

#[test]
fn progress_counts_every_picture_once() {
    let (done, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let images = vec![record(STORED, vec![]); 20];
    let progress = |_| {
        told.fetch_add(1, Ordering::Relaxed);
    };
    let pictures = read_all(&images, &headers_only(), &done, &progress);
    assert_eq!((pictures.len(), done.into_inner(), told.into_inner()), (20, 20, 20));
}
