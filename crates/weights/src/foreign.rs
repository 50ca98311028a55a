//! Files that hold no weights, or hold them in a form that is not read, by their first bytes: so
//! that an error can say what the file is and what to do with it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

const CHECK_PATH: &str = "check the path";
const EXPORT: &str =
    "save the weights alone, with `torch.save(model.state_dict(), path)` in PyTorch";
const UNPACK: &str = "unpack it first";
const DOWNLOAD_AGAIN: &str =
    "the download went wrong: open its address in a browser to see why, then fetch it again";

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// What it is, with its article.
    pub what: &'static str,
    /// What to do with it.
    pub remedy: &'static str,
}

/// The bytes a kind of file has at a fixed place.
struct Mark {
    offset: usize,
    bytes: &'static [u8],
    found: Foreign,
}

const fn mark(
    offset: usize,
    bytes: &'static [u8],
    what: &'static str,
    remedy: &'static str,
) -> Mark {
    Mark { offset, bytes, found: Foreign { what, remedy } }
}

const MARKS: [Mark; 17] = [
    mark(0, b"\xff\xd8\xff", "a JPEG picture", CHECK_PATH),
    mark(0, b"\x89PNG", "a PNG picture", CHECK_PATH),
    mark(0, b"GIF8", "a GIF picture", CHECK_PATH),
    mark(0, b"RIFF", "a WebP picture, a sound or a video", CHECK_PATH),
    mark(0, b"II*\0", "a TIFF picture", CHECK_PATH),
    mark(4, b"ftyp", "a video", CHECK_PATH),
    mark(0, b"%PDF", "a PDF document", CHECK_PATH),
    mark(0, b"\x7fELF", "a program", CHECK_PATH),
    mark(0, b"\x1f\x8b", "a gzip archive", UNPACK),
    mark(0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    mark(0, b"\xfd7zXZ", "an xz archive", UNPACK),
    mark(0, b"\x89HDF", "an HDF5 file (Keras weights?)", EXPORT),
    mark(0, b"\x93NUMPY", "a NumPy array", EXPORT),
    mark(0, b"GGUF", "a GGUF model", EXPORT),
    mark(4, b"TFL3", "a TensorFlow Lite model", EXPORT),
    mark(
        0,
        b"version https://git-lfs",
        "a Git LFS pointer, which stands in for the file",
        "run `git lfs pull` in its repository",
    ),
    mark(0, b"BZh", "a bzip2 archive", UNPACK),
];

impl Foreign {
    const UNKNOWN: Self = Self { what: "data of an unknown format", remedy: CHECK_PATH };
    const TEXT: Self = Self { what: "a text file", remedy: CHECK_PATH };
    const WEB_PAGE: Self = Self { what: "a web page", remedy: DOWNLOAD_AGAIN };
    const ONNX: Self = Self { what: "an ONNX model", remedy: EXPORT };
    const TORCH_SCRIPT: Self = Self { what: "a TorchScript program", remedy: EXPORT };
    const NUMPY_ARCHIVE: Self = Self { what: "a NumPy archive (.npz)", remedy: EXPORT };
    const ZIP: Self = Self { what: "a zip archive without a checkpoint inside", remedy: UNPACK };

    /// What a file is that starts so and is no weight file.
    pub(crate) fn of_start(start: &[u8]) -> Self {
        let has = |mark: &&Mark| {
            start.get(mark.offset..).is_some_and(|rest| rest.starts_with(mark.bytes))
        };
        if let Some(mark) = MARKS.iter().find(has) {
            return mark.found;
        }
        if starts_as_onnx(start) {
            return Self::ONNX;
        }
        match leading_text(start) {
            Some(text) if is_web_page(text) => Self::WEB_PAGE,
            Some(_) => Self::TEXT,
            None => Self::UNKNOWN,
        }
    }

    /// What a zip archive is that holds no checkpoint. An archive that cannot be opened is left to
    /// the checkpoint reader, which says why.
    pub(crate) fn in_zip(path: &Path) -> Option<Self> {
        let archive = ZipArchive::new(BufReader::new(File::open(path).ok()?)).ok()?;
        let names: Vec<_> = archive.file_names().filter_map(Result::ok).collect();
        let any_ends_with = |end: &str| names.iter().any(|name| name.ends_with(end));
        if any_ends_with("constants.pkl") {
            return Some(Self::TORCH_SCRIPT);
        }
        if any_ends_with("data.pkl") {
            return None;
        }
        Some(if any_ends_with(".npy") { Self::NUMPY_ARCHIVE } else { Self::ZIP })
    }
}

/// Field 1 of ONNX's `ModelProto` is a small number, the format's version; field 2 the producer's
/// name, field 7 the graph.
fn starts_as_onnx(start: &[u8]) -> bool {
    matches!(start, [0x08, version, 0x12 | 0x3a, ..] if *version < 0x20)
}

/// The start of the file, if it is text; the cut may have gone through a letter.
fn leading_text(start: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => {
            std::str::from_utf8(&start[..cut.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_control = |c: char| c.is_control() && !c.is_whitespace();
    (!text.contains(is_control)).then_some(text)
}

fn is_web_page(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<?xml"].iter().any(|tag| text.starts_with(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: &[u8]) -> &'static str {
        Foreign::of_start(start).what
    }

    #[test]
    fn first_bytes_tell_the_kind() {
        assert_eq!(found(b"\xff\xd8\xff\xe0\0\x10JFIF"), "a JPEG picture");
        assert_eq!(found(b"\0\0\0\x20ftypisom"), "a video");
        assert_eq!(found(b"\n <!DOCTYPE HTML><html>"), "a web page");
        assert_eq!(found(b"\x08\x08\x12\x07pytorch"), "an ONNX model");
        assert_eq!(found(b"lr: 0.02\n"), "a text file");
        assert_eq!(found(b"\x01\x02\x03"), "data of an unknown format");
    }

    #[test]
    fn a_letter_cut_in_two_is_still_text() {
        assert_eq!(found(&"größe".as_bytes()[..3]), "a text file");
        assert_eq!(found(b"gr\xff"), "data of an unknown format");
    }
}
