//! Every odd picture of the shared folder, against the index that comes with it.

use super::*;
use std::path::PathBuf;

/// Files Pillow opens and this module refuses, with the word that gives the reason.
const REFUSED_HERE: &[(&str, &str)] = &[
    // No AV1 decoder is linked.
    ("pillow_hopper.avif", "AVIF"),
    // zune-jpeg wants 12 bytes in the Adobe segment.
    ("pillow_truncated_app14.jpg", "App14"),
];

/// Files Pillow refuses and this module opens: the bomb is a text chunk, which is never unpacked.
const OPENED_HERE: &[&str] = &["pillow_png_decompression_dos.png"];

/// A line of `INDEX.tsv`.
struct Odd {
    file: String,
    /// As stored in the file, `None` where Pillow could not open it.
    stored: Option<ImageSize>,
    is_turned: bool,
    opens_in_pillow: bool,
}

impl Odd {
    fn from_line(line: &str) -> Self {
        let columns: Vec<&str> = line.split('\t').collect();
        let stored = columns[4]
            .split_once('x')
            .map(|(width, height)| ImageSize::new(height.parse().unwrap(), width.parse().unwrap()));
        Self {
            file: columns[0].into(),
            stored,
            is_turned: matches!(columns[5], "5" | "6" | "7" | "8"),
            opens_in_pillow: columns[8].starts_with("ok"),
        }
    }

    fn check(&self, path: &Path) {
        let result = decode(path, &DecodeLimits::default());
        let refused = REFUSED_HERE.iter().find(|(file, _)| *file == self.file);
        let should_open = self.opens_in_pillow || OPENED_HERE.contains(&self.file.as_str());
        match (result, refused) {
            (Err(error), Some((_, reason))) => assert!(error.to_string().contains(reason)),
            (Err(error), None) => {
                assert!(!should_open, "{error}");
                assert!(matches!(error, DecodeError::Damaged { .. }), "{error}");
            }
            (Ok(picture), _) => {
                assert!(should_open && refused.is_none(), "{} decodes now", self.file);
                self.check_size(picture.size());
                assert_eq!(probe(path, &DecodeLimits::default()).unwrap(), picture.size());
            }
        }
    }

    fn check_size(&self, found: ImageSize) {
        if let Some(stored) = self.stored {
            let turned = ImageSize::new(stored.width, stored.height);
            assert_eq!(found, if self.is_turned { turned } else { stored }, "{}", self.file);
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/odd-images")
}

#[test]
fn every_odd_picture_decodes_or_says_why_not() {
    let folder = folder();
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        eprintln!("skipped: no {} here", folder.display());
        return;
    };
    let mut checked = 0;
    for odd in index.lines().skip(1).map(Odd::from_line) {
        let path = folder.join(&odd.file);
        // The index lists more than the folder holds.
        if path.exists() {
            odd.check(&path);
            checked += 1;
        }
    }
    assert!(checked > 0, "the index names none of the files beside it");
}

#[test]
fn the_orientation_imagemagick_wrote_is_applied() {
    let path = folder().join("pillow_exif_imagemagick_orientation.png");
    let Ok(mut file) = std::fs::read(&path) else {
        eprintln!("skipped: no {} here", path.display());
        return;
    };
    let found = decode_bytes(&file, &path, &DecodeLimits::default()).unwrap();
    // Another keyword, whose chunk says nothing.
    let at = file.windows(3).position(|bytes| bytes == b"Raw").unwrap();
    file[at] = b'r';
    let stored = decode_bytes(&file, &path, &DecodeLimits::default()).unwrap();
    // Orientation 3: both axes reversed.
    let turned: Vec<u8> = stored.pixels().rchunks(3).flatten().copied().collect();
    assert_ne!(found.pixels(), stored.pixels());
    assert_eq!(found.pixels(), turned);
}
