//! Pictures made here, so that what they should decode to is known.

use super::*;
use image::codecs::{gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use proptest::prelude::*;

/// Blocks of 16, so that every JPEG block, colour subsampled by two, is of one colour.
const BLOCK: usize = 16;
const UPRIGHT: ImageSize = ImageSize::new(2 * BLOCK, 3 * BLOCK);
const COLOURS: [[u8; 3]; 6] =
    [[200, 40, 40], [40, 200, 40], [40, 40, 200], [220, 220, 30], [128, 128, 128], [10, 10, 10]];

/// One rounding in the transform and one in each of the two colour conversions.
const JPEG_LEVELS: u8 = 3;

fn upright_pixel(y: usize, x: usize) -> [u8; 3] {
    COLOURS[y / BLOCK * 3 + x / BLOCK]
}

/// Where the pixel of the upright picture stands in the stored one, by the EXIF standard's words:
/// the stored first row is the visual top, bottom, left or right, and so is the first column.
fn stored_place(orientation: u8, y: usize, x: usize) -> (usize, usize) {
    let (bottom, right) = (UPRIGHT.height - 1 - y, UPRIGHT.width - 1 - x);
    match orientation {
        1 => (y, x),
        2 => (y, right),
        3 => (bottom, right),
        4 => (bottom, x),
        5 => (x, y),
        6 => (right, y),
        7 => (right, bottom),
        _ => (x, bottom),
    }
}

pub fn stored(orientation: u8) -> RgbImage {
    let ImageSize { height, width } = UPRIGHT;
    let size = if orientation < 5 { UPRIGHT } else { ImageSize::new(width, height) };
    let mut image = RgbImage::filled(size, [0; 3]);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let (row, column) = stored_place(orientation, y, x);
        let at = (row * size.width + column) * 3;
        image.pixels_mut()[at..at + 3].copy_from_slice(&upright_pixel(y, x));
    }
    image
}

/// A TIFF header and one entry: tag 0x112, type 3 (SHORT), one value.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

fn encoded(image: &RgbImage, encoder: impl ImageEncoder) {
    let ImageSize { height, width } = image.size();
    let (height, width) = (height as u32, width as u32);
    encoder.write_image(image.pixels(), width, height, ExtendedColorType::Rgb8).unwrap();
}

/// The picture as PNG, JPEG and WebP with that EXIF block.
fn containers(image: &RgbImage, exif: Vec<u8>) -> [Vec<u8>; 3] {
    let mut files = [Vec::new(), Vec::new(), Vec::new()];
    let [png, jpeg, webp] = &mut files;
    let mut encoder = PngEncoder::new(png);
    encoder.set_exif_metadata(exif.clone()).unwrap();
    encoded(image, encoder);
    let mut encoder = JpegEncoder::new_with_quality(jpeg, 95);
    encoder.set_exif_metadata(exif.clone()).unwrap();
    encoded(image, encoder);
    let mut encoder = WebPEncoder::new_lossless(webp);
    encoder.set_exif_metadata(exif).unwrap();
    encoded(image, encoder);
    files
}

pub fn decoded(bytes: &[u8]) -> Result<RgbImage, DecodeError> {
    decode_bytes(bytes, Path::new("a picture"), &DecodeLimits::default())
}

fn worst_difference(a: &RgbImage, b: &RgbImage) -> u8 {
    assert_eq!(a.size(), b.size());
    a.pixels().iter().zip(b.pixels()).map(|(&a, &b)| a.abs_diff(b)).max().unwrap_or(0)
}

#[test]
fn all_orientations_give_the_upright_picture() {
    let upright = stored(1);
    for orientation in 1..=8 {
        let prefixed = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
        let [png, jpeg, webp] = containers(&stored(orientation), exif(orientation));
        let [prefixed_png, _, prefixed_webp] = containers(&stored(orientation), prefixed);
        for lossless in [png, webp, prefixed_png, prefixed_webp] {
            assert_eq!(decoded(&lossless).unwrap(), upright, "orientation {orientation}");
        }
        let worst = worst_difference(&decoded(&jpeg).unwrap(), &upright);
        assert!(worst <= JPEG_LEVELS, "orientation {orientation}: {worst} levels");
    }
}

#[test]
fn a_broken_exif_block_leaves_the_picture_as_it_is() {
    for block in [b"Exif\0\0".to_vec(), exif(1)[..13].to_vec(), exif(9), exif(0)] {
        let [png, _, webp] = containers(&stored(1), block);
        assert_eq!(decoded(&png).unwrap(), stored(1));
        assert_eq!(decoded(&webp).unwrap(), stored(1));
    }
}

/// A grey TIFF of 2 rows and 3 columns; entries are tag, value, all of type SHORT.
#[test]
fn a_tiff_is_turned_by_its_tag() {
    let entries: [(u16, u16); 9] = [
        (256, 3), // columns
        (257, 2), // rows
        (258, 8), // bits
        (259, 1), // not compressed
        (262, 1), // 0 is black
        (273, 8), // where the pixels are
        (274, 6), // the first stored row is the visual right
        (278, 2), // rows a strip
        (279, 6), // bytes a strip
    ];
    let mut file = b"II*\0\x0e\0\0\0\x0a\x14\x1e\x28\x32\x3c".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        file.extend([tag, 3, 1, 0, value, 0].iter().flat_map(|field| field.to_le_bytes()));
    }
    file.extend([0; 4]);
    let picture = decoded(&file).unwrap();
    assert_eq!(picture.size(), ImageSize::new(3, 2));
    let grey: Vec<u8> = picture.pixels().iter().step_by(3).copied().collect();
    assert_eq!(grey, [40, 10, 50, 20, 60, 30]);
}

pub fn png(pixels: &[u8], width: u32, height: u32, kind: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(pixels, width, height, kind).unwrap();
    file
}

#[test]
fn sixteen_bits_are_rounded_to_eight() {
    let levels = [0u16, 128, 129, 257 * 100, 257 * 100 + 129, u16::MAX];
    // The encoder takes the machine's byte order.
    let bytes: Vec<u8> = levels.iter().flat_map(|level| level.to_ne_bytes()).collect();
    let picture = decoded(&png(&bytes, 6, 1, ExtendedColorType::L16)).unwrap();
    let grey: Vec<u8> = picture.pixels().iter().step_by(3).copied().collect();
    assert_eq!(grey, [0, 0, 1, 100, 101, 255]);
}

#[test]
fn transparency_lies_over_white() {
    let pixels = [0, 100, 200, 255, 0, 100, 200, 0, 0, 100, 200, 51];
    let picture = decoded(&png(&pixels, 3, 1, ExtendedColorType::Rgba8)).unwrap();
    assert_eq!(picture.pixels(), [0, 100, 200, 255, 255, 255, 204, 224, 244]);
    let picture = decoded(&png(&[100, 51], 1, 1, ExtendedColorType::La8)).unwrap();
    assert_eq!(picture.pixels(), [224; 3]);
}

#[test]
fn an_animation_gives_its_first_frame() {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    for level in [255u8, 0] {
        encoder.encode(&[level; 12], 2, 2, ExtendedColorType::Rgb8).unwrap();
    }
    drop(encoder);
    assert_eq!(decoded(&file).unwrap(), RgbImage::filled(ImageSize::new(2, 2), [255; 3]));
}

/// CRC-32 of PNG chunks, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let chunk = [&kind[..], data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], &chunk, &crc(&chunk).to_be_bytes()].concat()
}

fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", &header[..]), (b"IDAT", &[0x78, 0x9c]), (b"IEND", &[])] {
        file.extend(png_chunk(kind, data));
    }
    file
}

#[test]
fn a_huge_claim_is_refused_by_the_header() {
    let found = ImageSize::new(60000, 60000);
    let error = decoded(&png_that_claims(60000, 60000)).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooManyPixels { found: size, .. } if size == found),
        "{error}"
    );
    // A screen of 65535x65535, two colours, and a frame of one pixel.
    let gif =
        b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let error = decoded(gif).unwrap_err();
    assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{error}");
    // Within the limit, and not there.
    let error = decoded(&png_that_claims(100, 100)).unwrap_err();
    assert!(matches!(error, DecodeError::Damaged { .. }), "{error}");
}

#[test]
fn the_limits_are_inclusive() {
    let file = png(&[7; 300], 10, 10, ExtendedColorType::Rgb8);
    let tried = |max_pixels, max_bytes| {
        decode_bytes(&file, Path::new("a picture"), &DecodeLimits { max_pixels, max_bytes })
    };
    assert!(tried(100, 300).is_ok());
    assert!(matches!(tried(99, 300), Err(DecodeError::TooManyPixels { .. })));
    assert!(matches!(tried(100, 299), Err(DecodeError::TooManyBytes { max_bytes: 299, .. })));
}

#[test]
fn a_jpeg_file_counts_whole() {
    let [_, jpeg, _] = containers(&stored(1), exif(1));
    let with_clip = [jpeg.clone(), vec![0; 5000]].concat();
    let limits = DecodeLimits { max_pixels: 1 << 20, max_bytes: 5000 };
    // 48 x 32 pixels take 4608 bytes.
    assert!(decode_bytes(&jpeg, Path::new("a.jpg"), &limits).is_ok());
    assert!(decoded(&with_clip).is_ok(), "a clip behind the picture is no damage");
    let error = decode_bytes(&with_clip, Path::new("a.jpg"), &limits).unwrap_err();
    assert!(matches!(error, DecodeError::TooManyBytes { .. }), "{error}");
}

#[test]
fn the_content_tells_the_format_but_for_tga() {
    let folder = tempfile::tempdir().unwrap();
    let limits = DecodeLimits::default();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let file = png(&[1, 2, 3], 1, 1, ExtendedColorType::Rgb8);
    let path = write("really-a-png.jpg", &file);
    assert_eq!(decode(&path, &limits).unwrap().pixels(), [1, 2, 3]);
    // Type 2 (true colour), one pixel of 24 bits, blue first.
    let tga = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0, 3, 2, 1];
    assert_eq!(decode(&write("a.tga", &tga), &limits).unwrap().pixels(), [1, 2, 3]);
    for (name, bytes) in [("a.dat", &tga[..]), ("notes.png", b"plain text"), ("empty.jpg", b"")] {
        let error = decode(&write(name, bytes), &limits).unwrap_err();
        assert!(matches!(error, DecodeError::UnknownFormat { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn what_is_not_read_is_named() {
    for (start, name) in [(&b"\0\0\0\x18ftypheic"[..], "HEIC"), (b"#?RADIANCE\n", "HDR")] {
        let error = decoded(start).unwrap_err();
        assert!(matches!(error, DecodeError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_missing_file_and_a_folder_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), &folder.path().join("none.png")] {
        let error = decode(path, &DecodeLimits::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Io { .. }), "{error}");
        assert_eq!(error.path(), path);
    }
}

#[test]
fn a_picture_cut_off_anywhere_is_damaged() {
    let [png, jpeg, webp] = containers(&stored(1), exif(1));
    for file in [png, jpeg, webp] {
        // What is cut off here is more than the last chunk, which carries no pixels in PNG.
        for length in (16..file.len() - 32).step_by(7) {
            let error = decoded(&file[..length]).unwrap_err();
            assert!(matches!(error, DecodeError::Damaged { .. }), "{length} bytes: {error}");
        }
    }
}

const WRITTEN_HERE: [ImageFormat; 10] = {
    use ImageFormat::{Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP};
    [Png, Jpeg, Gif, WebP, Tiff, Bmp, Tga, Qoi, Ico, Pnm]
};

fn small_picture(format: ImageFormat) -> Vec<u8> {
    let image = image::RgbImage::from_raw(48, 32, stored(1).into_pixels()).unwrap();
    let image = DynamicImage::from(image);
    // ICO takes transparency alone.
    let image = if format == ImageFormat::Ico { image.to_rgba8().into() } else { image };
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn every_format_decodes() {
    for format in WRITTEN_HERE {
        let picture =
            decode_bytes(&small_picture(format), Path::new("a.tga"), &DecodeLimits::default());
        // GIF's palette of 256 holds the six colours; JPEG at its default quality is checked above.
        if format != ImageFormat::Jpeg {
            assert_eq!(picture.unwrap(), stored(1), "{format:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(
        format in proptest::sample::select(&WRITTEN_HERE[..]),
        changes in proptest::collection::vec((0usize..4096, any::<u8>()), 1..6),
        kept in 0usize..8192,
    ) {
        let mut file = small_picture(format);
        for (at, byte) in changes {
            let at = at % file.len();
            file[at] = byte;
        }
        file.truncate(kept.max(1));
        // Small limits: a changed size must not make the test slow.
        let limits = DecodeLimits { max_pixels: 1 << 16, max_bytes: 1 << 20 };
        if let Ok(picture) = decode_bytes(&file, Path::new("a.tga"), &limits) {
            prop_assert!(picture.size().area() as u64 <= limits.max_pixels);
        }
    }
}
