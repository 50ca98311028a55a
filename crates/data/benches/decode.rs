//! Pictures from bytes to pixels: `cargo bench --profile dev -p kestrel-data`.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use kestrel_data::{DecodeLimits, decode_bytes};
use std::path::Path;

const SIDES: (u32, u32) = (640, 480);

/// Smooth in one direction and noisy in the other, as photographs are in part.
fn pixels() -> Vec<u8> {
    let (width, height) = SIDES;
    let pixel = |at: u32| [(at % width / 3) as u8, (at * 7919 % 61) as u8, (at / width / 2) as u8];
    (0..width * height).flat_map(pixel).collect()
}

fn decode(criterion: &mut Criterion) {
    let (width, height) = SIDES;
    let (mut png, mut jpeg) = (Vec::new(), Vec::new());
    let color = ExtendedColorType::Rgb8;
    PngEncoder::new(&mut png).write_image(&pixels(), width, height, color).unwrap();
    JpegEncoder::new_with_quality(&mut jpeg, 90)
        .write_image(&pixels(), width, height, color)
        .unwrap();
    for (name, bytes) in [("photo.png", png), ("photo.jpg", jpeg)] {
        criterion.bench_function(&format!("decode/640x480 {name}"), |b| {
            b.iter(|| decode_bytes(&bytes, Path::new(name), &DecodeLimits::default()).unwrap());
        });
    }
}

criterion_group!(pictures, decode);
criterion_main!(pictures);
