//! A PNG whose pixel values are numbers, not colours: `0` is background, anything else an instance.
//!
//! Source: W3C, "Portable Network Graphics (PNG) Specification" (2nd edition), section 7, for how
//! samples are packed. Grey of 1 to 16 bits and palettes of 1 to 8 bits give their samples as they
//! are stored, since a palette's colours only make the numbers visible. A colour picture gives
//! `red + 256 green + 65536 blue`, as COCO's panoptic PNGs are numbered; grey written as colour still
//! has one number an instance then. Transparency says nothing.

use crate::DecodeLimits;
use kestrel_core::{ImageSize, Mask};
use png::{BitDepth, ColorType, Decoder, Limits, OutputInfo, Transformations};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// As many as a 16-bit PNG can number; a photograph that lies among the masks has more colours.
const MAX_INSTANCES: usize = 65_535;

/// A picture of numbers.
pub(super) struct IndexPicture {
    pub size: ImageSize,
    /// Rows from the top.
    values: Vec<u32>,
}

/// Why a file gives no numbers; the place is told by the finding around it.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexPngError {
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    #[error("cannot decode the PNG: {0}")]
    Damaged(#[from] png::DecodingError),
    #[error("found {0} pixels, expected at most {max}", max = DecodeLimits::default().max_pixels)]
    TooLarge(ImageSize),
    #[error("found a colour PNG of 16 bits a channel, expected grey, a palette, or 8 bits")]
    DeepColour,
    #[error("found more than {MAX_INSTANCES} values, expected one an instance")]
    TooManyInstances,
}

impl IndexPicture {
    pub fn read(path: &Path) -> Result<Self, IndexPngError> {
        let DecodeLimits { max_pixels, max_bytes } = DecodeLimits::default();
        let bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let file = BufReader::new(File::open(path)?);
        let mut decoder = Decoder::new_with_limits(file, Limits { bytes });
        decoder.set_transformations(Transformations::IDENTITY);
        let mut reader = decoder.read_info()?;
        let (width, height) = reader.info().size();
        let size = ImageSize::new(height as usize, width as usize);
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(IndexPngError::TooLarge(size));
        }
        let num_bytes = reader.output_buffer_size().ok_or(IndexPngError::TooLarge(size))?;
        let mut packed = vec![0; num_bytes];
        let stored = reader.next_frame(&mut packed)?;
        Ok(Self { size, values: unpacked(&packed, size, &stored)? })
    }

    /// The pixels of each number but 0, by number.
    pub fn instances(&self) -> Result<BTreeMap<u32, Mask>, IndexPngError> {
        let mut instances: BTreeMap<u32, Runs> = BTreeMap::new();
        self.each_run(|value, start, length| {
            instances.entry(value).or_default().add(start, length);
            instances.len() <= MAX_INSTANCES
        })?;
        Ok(instances.into_iter().map(|(value, runs)| (value, runs.finish(self.size))).collect())
    }

    /// The pixels of all numbers but 0 together.
    pub fn foreground(&self) -> Mask {
        let mut runs = Runs::default();
        let all = self.each_run(|_, start, length| {
            runs.add(start, length);
            true
        });
        debug_assert!(all.is_ok(), "nothing stopped it");
        runs.finish(self.size)
    }

    /// Hands over each run of one number within a column: the number, the first pixel counted down
    /// the columns, the length; until `take` says that there are too many.
    fn each_run(
        &self,
        mut take: impl FnMut(u32, usize, usize) -> bool,
    ) -> Result<(), IndexPngError> {
        let ImageSize { height, width } = self.size;
        let mut column = vec![0; height];
        for x in 0..width {
            for (y, value) in column.iter_mut().enumerate() {
                *value = self.values[y * width + x];
            }
            let mut start = x * height;
            for run in column.chunk_by(|a, b| a == b) {
                if run[0] != 0 && !take(run[0], start, run.len()) {
                    return Err(IndexPngError::TooManyInstances);
                }
                start += run.len();
            }
        }
        Ok(())
    }
}

/// COCO run lengths of one instance as its pixels come, column by column.
#[derive(Default)]
struct Runs {
    counts: Vec<u32>,
    /// Pixels covered by `counts`.
    end: usize,
}

impl Runs {
    fn add(&mut self, start: usize, length: usize) {
        match self.counts.last_mut() {
            Some(last) if start == self.end => *last += length as u32,
            _ => self.counts.extend([(start - self.end) as u32, length as u32]),
        }
        self.end = start + length;
    }

    fn finish(mut self, size: ImageSize) -> Mask {
        let rest = size.area() - self.end;
        if rest > 0 || self.counts.is_empty() {
            self.counts.push(rest as u32);
        }
        Mask::from_counts(size, self.counts)
            .unwrap_or_else(|error| unreachable!("runs up to the last pixel: {error}"))
    }
}

fn unpacked(
    packed: &[u8],
    size: ImageSize,
    stored: &OutputInfo,
) -> Result<Vec<u32>, IndexPngError> {
    let channels = stored.color_type.samples();
    let is_colour = matches!(stored.color_type, ColorType::Rgb | ColorType::Rgba);
    let value: &dyn Fn(&[u8], usize) -> u32 = match stored.bit_depth {
        BitDepth::Sixteen if is_colour => return Err(IndexPngError::DeepColour),
        BitDepth::Sixteen => &|row, x| {
            let at = 2 * x * channels;
            u32::from(u16::from_be_bytes([row[at], row[at + 1]]))
        },
        BitDepth::Eight if is_colour => &|row, x| {
            let at = x * channels;
            u32::from_le_bytes([row[at], row[at + 1], row[at + 2], 0])
        },
        BitDepth::Eight => &|row, x| u32::from(row[x * channels]),
        depth => &move |row, x| u32::from(narrow_sample(row, x, depth as usize)),
    };
    let rows = packed.chunks_exact(stored.line_size.max(1)).take(size.height);
    Ok(rows.flat_map(|row| (0..size.width).map(move |x| value(row, x))).collect())
}

/// Sample `x` of a row that holds several in a byte, the leftmost in the high bits.
fn narrow_sample(row: &[u8], x: usize, bits: usize) -> u8 {
    let at = x * bits;
    let shift = 8 - bits - at % 8;
    row[at / 8] >> shift & ((1 << bits) - 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use png::Encoder;

    /// Writes samples as they are.
    pub fn write_png(path: &Path, size: ImageSize, color: ColorType, depth: BitDepth, rows: &[u8]) {
        let file = File::create(path).unwrap();
        let mut encoder = Encoder::new(file, size.width as u32, size.height as u32);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            // All of one colour: a reader that expands the palette sees one instance.
            encoder.set_palette([9u8; 3 * 16].as_slice());
        }
        encoder.write_header().unwrap().write_image_data(rows).unwrap();
    }

    pub fn write_grey(path: &Path, size: ImageSize, values: &[u8]) {
        write_png(path, size, ColorType::Grayscale, BitDepth::Eight, values);
    }

    fn written(
        size: ImageSize,
        color: ColorType,
        depth: BitDepth,
        rows: &[u8],
    ) -> Result<Vec<u32>, IndexPngError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_png(&path, size, color, depth, rows);
        IndexPicture::read(&path).map(|picture| picture.values)
    }

    #[test]
    fn samples_are_numbers_whatever_their_packing() {
        let size = ImageSize::new(2, 3);
        let grey = |depth, rows: &[u8]| written(size, ColorType::Grayscale, depth, rows).unwrap();
        assert_eq!(grey(BitDepth::Eight, &[0, 1, 2, 3, 4, 255]), [0, 1, 2, 3, 4, 255]);
        assert_eq!(grey(BitDepth::One, &[0b1010_0000, 0b0110_0000]), [1, 0, 1, 0, 1, 1]);
        assert_eq!(grey(BitDepth::Two, &[0b0111_1000, 0b0001_0000]), [1, 3, 2, 0, 1, 0]);
        let sixteen = [1, 0, 0, 0, 0, 7, 1, 44, 255, 255, 0, 0];
        assert_eq!(grey(BitDepth::Sixteen, &sixteen), [256, 0, 7, 300, 65_535, 0]);
    }

    #[test]
    fn a_palette_is_not_looked_up() {
        let size = ImageSize::new(1, 3);
        let values = written(size, ColorType::Indexed, BitDepth::Four, &[0x03, 0xf0]).unwrap();
        assert_eq!(values, [0, 3, 15]);
    }

    #[test]
    fn colours_are_numbers_too_and_transparency_is_none() {
        let size = ImageSize::new(1, 2);
        let rgba = [0, 0, 0, 255, 2, 1, 0, 0];
        assert_eq!(written(size, ColorType::Rgba, BitDepth::Eight, &rgba).unwrap(), [0, 258]);
        let error = written(size, ColorType::Rgb, BitDepth::Sixteen, &[0; 12]).unwrap_err();
        assert!(matches!(error, IndexPngError::DeepColour), "{error}");
    }

    #[test]
    fn each_number_is_an_instance() {
        let size = ImageSize::new(3, 4);
        let values = vec![0, 5, 5, 0, 0, 5, 2, 0, 5, 0, 2, 2];
        let picture = IndexPicture { size, values: values.clone() };
        let instances = picture.instances().unwrap();
        assert_eq!(instances.keys().copied().collect::<Vec<_>>(), [2, 5]);
        for (number, mask) in instances {
            let bits: Vec<u8> = values.iter().map(|&value| u8::from(value == number)).collect();
            assert_eq!(mask, Mask::from_bitmap(size, &bits).unwrap());
        }
        let bits: Vec<u8> = values.iter().map(|&value| u8::from(value != 0)).collect();
        assert_eq!(picture.foreground(), Mask::from_bitmap(size, &bits).unwrap());
    }

    #[test]
    fn background_alone_has_no_instances() {
        let picture = IndexPicture { size: ImageSize::new(2, 2), values: vec![0; 4] };
        assert!(picture.instances().unwrap().is_empty());
        assert_eq!(picture.foreground().area(), 0);
    }

    #[test]
    fn a_photograph_is_no_mask() {
        let size = ImageSize::new(256, 257);
        let picture = IndexPicture { size, values: (1..=256 * 257).collect() };
        assert!(matches!(picture.instances(), Err(IndexPngError::TooManyInstances)));
    }

    #[test]
    fn a_cut_file_is_damaged_and_a_missing_one_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_grey(
            &path,
            ImageSize::new(16, 16),
            &std::array::from_fn::<u8, 256, _>(|at| at as u8),
        );
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() - 12 {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let error = IndexPicture::read(&path).err();
            assert!(matches!(error, Some(IndexPngError::Damaged(_))), "{length} bytes: {error:?}");
        }
        let error = IndexPicture::read(&folder.path().join("b.png")).err();
        assert!(matches!(error, Some(IndexPngError::Io(_))), "{error:?}");
    }
}
