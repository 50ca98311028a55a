//! Files that are missing, foreign, cut short, changed or made to mislead.

use crate::fixture;
use kestrel_weights::{StateDict, WeightsError, summarize};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A folder with one file of these bytes in it.
struct OneFile {
    _folder: TempDir,
    path: PathBuf,
}

impl OneFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    /// The message for it, with the path taken out.
    fn refusal(&self) -> String {
        let refused = StateDict::read(&self.path).unwrap_err();
        assert_eq!(summarize(&self.path).unwrap_err().to_string(), refused.to_string());
        refused.to_string().replace(&self.path.display().to_string(), "PATH")
    }
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.pth");
    for path in [missing.as_path(), folder.path()] {
        let error = StateDict::read(path).unwrap_err();
        assert!(matches!(error, WeightsError::Read { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn an_empty_file_is_called_empty() {
    assert_eq!(
        OneFile::new("m.pth", b"").refusal(),
        "cannot read weights from `PATH`: the file is empty; download or copy it again"
    );
}

#[test]
fn foreign_files_are_recognised() {
    let jpeg = OneFile::new("m.pth", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00");
    assert_eq!(
        jpeg.refusal(),
        "cannot read weights from `PATH`: found a JPEG picture, expected a PyTorch checkpoint \
         (.pth) or a .safetensors file; check the path"
    );
    for (bytes, what) in [
        (&b"<!DOCTYPE html>\n<html>404</html>"[..], "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "an ONNX model"),
        (b"epochs: 12\nlr: 0.02\n", "a text file"),
        (b"{\"a\": 1}", "a text file"),
        (b"PNG", "a text file"),
        (b"\x00\x01", "data of an unknown format"),
    ] {
        let error = OneFile::new("m.pth", bytes).refusal();
        assert!(error.contains(&format!("found {what}")), "{error}");
    }
}

#[test]
fn zip_archives_of_other_programs_are_recognised() {
    for (inside, what) in
        [("photo.jpg", "a zip archive without a checkpoint inside"), ("a.npy", "a NumPy archive")]
    {
        let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file(inside, SimpleFileOptions::default()).unwrap();
        archive.write_all(b"content").unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        let error = OneFile::new("m.pth", &bytes).refusal();
        assert!(error.contains(&format!("found {what}")), "{error}");
    }
    let error = StateDict::read(&fixture("torch_script.pt")).unwrap_err().to_string();
    assert!(error.contains("found a TorchScript program"), "{error}");
}

#[test]
fn a_file_cut_short_is_refused_at_every_length() {
    for name in ["zip.pth", "legacy.pth", "python.safetensors", "hostile.pkl"] {
        let bytes = fs::read(fixture(name)).unwrap();
        for length in 0..bytes.len() {
            let error = OneFile::new("m.bin", &bytes[..length]).refusal();
            assert!(error.contains("PATH"), "{name} cut at {length}: {error}");
        }
    }
}

#[test]
fn a_checkpoint_cut_short_says_so() {
    for (name, container) in [
        ("zip.pth", "zip checkpoint"),
        ("legacy.pth", "legacy checkpoint"),
        ("tar.pth", "tar checkpoint"),
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        let error = OneFile::new("m.pth", &bytes[..600]).refusal();
        assert!(error.contains(&format!("it starts as a {container}")), "{error}");
        assert!(error.contains("cut short or damaged"), "{error}");
    }
}

/// Whatever the answer is, it comes as a value.
#[test]
fn no_changed_byte_brings_the_reader_down() {
    for name in ["zip.pth", "legacy.pth", "tar.pth", "python.safetensors", "views.pth"] {
        let bytes = fs::read(fixture(name)).unwrap();
        let file = OneFile::new("m.bin", &bytes);
        let mut opened = fs::OpenOptions::new().write(true).open(&file.path).unwrap();
        let mut put = |place: usize, byte: u8| {
            opened.seek(SeekFrom::Start(place as u64)).unwrap();
            opened.write_all(&[byte]).unwrap();
        };
        for (place, &byte) in bytes.iter().enumerate() {
            put(place, !byte);
            if let Ok(weights) = StateDict::read(&file.path) {
                assert!(weights.len() <= 4, "{name} changed at {place}");
            }
            put(place, byte);
        }
        assert!(StateDict::read(&file.path).is_ok());
    }
}

/// A safetensors file with this header and `num_bytes` of numbers.
fn safetensors(header: &str, num_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + num_bytes, 0);
    bytes
}

#[test]
fn a_header_that_lies_is_refused() {
    let right = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let file = OneFile::new("m.safetensors", &safetensors(right, 8));
    assert_eq!(StateDict::read(&file.path).unwrap().len(), 1);
    let headers = [
        (right.to_owned(), 7),
        (right.to_owned(), 9),
        (right.replace("[2]", "[3]"), 8),
        (right.replace("[0,8]", "[0,800]"), 8),
        (right.replace("[0,8]", "[8,0]"), 8),
        (right.replace("[0,8]", "[4,12]"), 12),
        (right.replace("[2]", "[4294967296,4294967296,4294967296]"), 8),
        (right.replace("[2]", "[-2]"), 8),
        (right.replace("F32", "F33"), 8),
        (right.replace("}}", "}"), 8),
        ("{[".repeat(5000), 8),
    ];
    for (header, num_bytes) in headers {
        let error = OneFile::new("m.safetensors", &safetensors(&header, num_bytes)).refusal();
        assert!(error.contains("it starts as a safetensors file but is cut short or damaged"));
    }
}

#[test]
fn a_header_longer_than_the_file_is_refused_before_it_is_read() {
    for length in [1_000, 100_000_000, u64::MAX] {
        let mut bytes = safetensors(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        let error = OneFile::new("m.safetensors", &bytes).refusal();
        assert!(error.contains(&format!("a header of {length} bytes where 62 are possible")));
    }
}

#[test]
fn elements_libtorch_does_not_have_are_refused() {
    let header = r#"{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}"#;
    let error = OneFile::new("m.safetensors", &safetensors(header, 2)).refusal();
    assert!(error.contains("tensor `a` has elements of type F8_E4M3"), "{error}");
}
