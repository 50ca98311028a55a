//! PNG files with an EXIF block in each of the places it may stand in.

use super::tests::{decoded, exif, png, png_chunk, stored};
use super::*;
use png::text_metadata::{EncodableTextChunk, ITXtChunk, TEXtChunk, ZTXtChunk};
use png_exif::MAX_BYTES;
use proptest::prelude::*;

const KEYWORD: &str = "Raw profile type exif";

/// Where the header ends, and how long the end chunk is.
const HEADER: usize = 33;
const END: usize = 12;

#[derive(Clone, Copy, Debug)]
enum Place {
    BeforePixels,
    BehindPixels,
}

const PLACES: [Place; 2] = [Place::BeforePixels, Place::BehindPixels];

/// The picture stored for `orientation` with `chunk` put in.
fn file(orientation: u8, chunk: &[u8], place: Place) -> Vec<u8> {
    let image = stored(orientation);
    let ImageSize { height, width } = image.size();
    let mut file = png(image.pixels(), width as u32, height as u32, image::ExtendedColorType::Rgb8);
    let at = match place {
        Place::BeforePixels => HEADER,
        Place::BehindPixels => file.len() - END,
    };
    file.splice(at..at, chunk.iter().copied());
    file
}

/// As ImageMagick writes it: 36 bytes a line.
fn digits(block: &[u8]) -> String {
    let lines = block.chunks(36).map(|line| {
        let digits: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
        digits + "\n"
    });
    format!("\nexif\n{:8}\n{}", block.len(), lines.collect::<String>())
}

fn encoded(chunk: impl EncodableTextChunk) -> Vec<u8> {
    let mut bytes = Vec::new();
    chunk.encode(&mut bytes).unwrap();
    bytes
}

/// The text in each kind of chunk.
fn text_chunks(text: &str) -> [Vec<u8>; 4] {
    let mut compressed = ITXtChunk::new(KEYWORD, text);
    compressed.compressed = true;
    [
        encoded(TEXtChunk::new(KEYWORD, text)),
        encoded(ZTXtChunk::new(KEYWORD, text)),
        encoded(ITXtChunk::new(KEYWORD, text)),
        encoded(compressed),
    ]
}

#[test]
fn a_block_in_any_chunk_turns_the_picture() {
    for (orientation, prefix) in [(3, &b"Exif\0\0"[..]), (6, b"Exif\0\0"), (6, b""), (8, b"")] {
        let block = [prefix, &exif(orientation)].concat();
        let text = digits(&block);
        let chunks = text_chunks(&text).into_iter().chain([png_chunk(b"eXIf", &block)]);
        for (chunk, place) in chunks.flat_map(|chunk| PLACES.map(|place| (chunk.clone(), place))) {
            let picture = decoded(&file(orientation, &chunk, place)).unwrap();
            let kind = String::from_utf8_lossy(&chunk[4..8]);
            assert_eq!(picture, stored(1), "{orientation} in {kind}, {place:?}");
        }
    }
}

#[test]
fn the_exif_chunk_counts_more_than_the_text_and_the_last_text_more_than_the_first() {
    let [text, compressed, ..] = text_chunks(&digits(&exif(3)));
    let [other_text, ..] = text_chunks(&digits(&exif(8)));
    let chunk = png_chunk(b"eXIf", &exif(6));
    for both in [[&text[..], &chunk].concat(), [&chunk[..], &compressed].concat()] {
        assert_eq!(decoded(&file(6, &both, Place::BehindPixels)).unwrap(), stored(1));
    }
    let both = [other_text, compressed].concat();
    assert_eq!(decoded(&file(3, &both, Place::BeforePixels)).unwrap(), stored(1));
}

#[test]
fn a_broken_text_says_nothing() {
    let text = digits(&exif(3));
    let [mut wrong_checksum, ..] = text_chunks(&text);
    *wrong_checksum.last_mut().unwrap() ^= 1;
    let texts = ["", "\n\n\n", "\nexif\n 1\n4", &text.replace('4', "g"), &text.replace('\n', "")];
    for chunk in texts.iter().flat_map(|text| text_chunks(text)).chain([wrong_checksum]) {
        for place in PLACES {
            assert_eq!(decoded(&file(1, &chunk, place)).unwrap(), stored(1));
        }
    }
}

#[test]
fn what_is_larger_than_the_limit_is_not_unpacked() {
    let text = digits(&exif(3));
    let padded = |length: usize| text.clone() + &"0".repeat(length - text.len());
    for chunk in text_chunks(&padded(MAX_BYTES - 100)) {
        assert_eq!(decoded(&file(3, &chunk, Place::BehindPixels)).unwrap(), stored(1));
    }
    for chunk in text_chunks(&padded(MAX_BYTES + 1)) {
        assert_eq!(decoded(&file(1, &chunk, Place::BehindPixels)).unwrap(), stored(1));
    }
    // 8 MiB in less than the limit for a chunk, whichever deflate packs it.
    let [_, bomb, _, other_bomb] = text_chunks(&padded(1 << 23));
    for bomb in [bomb, other_bomb] {
        assert!(bomb.len() < MAX_BYTES, "{} bytes", bomb.len());
        assert_eq!(decoded(&file(1, &bomb, Place::BeforePixels)).unwrap(), stored(1));
    }
}

#[test]
fn a_length_that_lies_behind_the_pixels_costs_nothing() {
    for kind in [b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"none"] {
        for length in [1000, MAX_BYTES as u32, u32::MAX] {
            let mut chunk = png_chunk(kind, &[]);
            chunk[..4].copy_from_slice(&length.to_be_bytes());
            assert_eq!(decoded(&file(1, &chunk, Place::BehindPixels)).unwrap(), stored(1));
        }
    }
}

#[test]
fn what_follows_the_end_chunk_is_no_part_of_the_picture() {
    let chunk = png_chunk(b"eXIf", &exif(3));
    let whole = [file(1, &[], Place::BehindPixels), chunk].concat();
    assert_eq!(decoded(&whole).unwrap(), stored(1));
}

proptest! {
    /// Changes behind a right checksum, which would else hide them from what is tested.
    #[test]
    fn no_chunk_panics(
        which in 0usize..5,
        changes in proptest::collection::vec((0usize..4096, any::<u8>()), 0..6),
        kept in 0usize..512,
        place in proptest::sample::select(&PLACES[..]),
    ) {
        let block = [b"Exif\0\0", &exif(3)[..]].concat();
        let chunks = text_chunks(&digits(&block)).into_iter();
        let chunk = chunks.chain([png_chunk(b"eXIf", &block)]).nth(which).unwrap();
        let kind = [chunk[4], chunk[5], chunk[6], chunk[7]];
        let mut data = chunk[8..chunk.len() - 4].to_vec();
        for (at, byte) in changes {
            let at = at % data.len();
            data[at] = byte;
        }
        data.truncate(kept);
        // The pixels are whole; only how they are turned may change.
        if let Ok(picture) = decoded(&file(1, &png_chunk(&kind, &data), place)) {
            prop_assert_eq!(picture.size().area(), stored(1).size().area());
        } else {
            prop_assert!(matches!(place, Place::BeforePixels), "what is behind the pixels hurts none");
        }
    }

    #[test]
    fn no_bytes_behind_the_pixels_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..64),
        kept in 0usize..200,
        changed in (0usize..200, any::<u8>()),
    ) {
        let [_, compressed, ..] = text_chunks(&digits(&exif(3)));
        let mut chunk = compressed;
        let at = changed.0 % chunk.len();
        chunk[at] = changed.1;
        chunk.truncate(kept);
        chunk.extend(tail);
        let picture = decoded(&file(1, &chunk, Place::BehindPixels)).unwrap();
        prop_assert_eq!(picture.size().area(), stored(1).size().area());
    }
}
