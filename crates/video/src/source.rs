//! Where frames come from, as the user names it.

use kestrel_data::{InputError, find_images};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A clip, by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Pictures in their order, one a frame.
    Pictures(Vec<PathBuf>),
    /// Numbered pictures, such as `frame-%04d.png`.
    Numbered(String),
    /// A camera, such as `/dev/video0`.
    Device(PathBuf),
    /// A network stream.
    Stream(String),
    /// `-`.
    StandardInput,
}

/// A name that leads to no frames.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such thing.
    #[error(
        "{name}: found no such file, expected a clip, a folder or pattern of pictures, a device such as \
         /dev/video0, a stream such as rtsp://..., or - for standard input; check the spelling"
    )]
    Missing {
        /// As it was given.
        name: String,
    },
    /// A folder or pattern without pictures.
    #[error(transparent)]
    Pictures(#[from] InputError),
}

impl Source {
    /// What a name means: what exists comes before what it looks like.
    ///
    /// # Errors
    /// When it is neither a file nor looks like anything else.
    pub fn find(name: &str) -> Result<Self, SourceError> {
        let path = Path::new(name);
        let pictures = || Ok(Self::Pictures(find_images(&[name.to_owned()])?));
        if name == "-" {
            return Ok(Self::StandardInput);
        }
        if path.is_dir() {
            return pictures();
        }
        if path.starts_with("/dev") && path.exists() {
            return Ok(Self::Device(path.to_owned()));
        }
        if path.exists() {
            return Ok(Self::File(path.to_owned()));
        }
        if name.contains("://") {
            return Ok(Self::Stream(name.to_owned()));
        }
        if is_numbered(name) {
            return Ok(Self::Numbered(name.to_owned()));
        }
        if name.contains(['*', '?', '[']) {
            return pictures();
        }
        Err(SourceError::Missing { name: name.to_owned() })
    }

    /// The last part of its name, for files named after it.
    pub fn stem(&self) -> String {
        let of_path = |path: &Path| {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            stem.filter(|stem| !stem.is_empty())
        };
        let stem = match self {
            Self::File(path) | Self::Device(path) => of_path(path),
            // A sequence is called by the folder it lies in.
            Self::Pictures(pictures) => pictures.first().and_then(|first| of_path(first.parent()?)),
            Self::Numbered(_) | Self::Stream(_) | Self::StandardInput => None,
        };
        stem.unwrap_or_else(|| "video".to_owned())
    }

    /// Files this reads, which must not be written to.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::File(path) => std::slice::from_ref(path),
            Self::Pictures(pictures) => pictures,
            _ => &[],
        }
    }

    /// Whether it consists of pictures, which have no time of their own.
    pub fn is_pictures(&self) -> bool {
        matches!(self, Self::Pictures(_) | Self::Numbered(_))
    }

    /// Whether it goes on until somebody stops it.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Stream(_))
    }

    /// What ffmpeg is told to read.
    pub(crate) fn ffmpeg_input(&self) -> OsString {
        match self {
            // A name with a colon would be taken for a protocol.
            Self::File(path) | Self::Device(path) => {
                let mut name = OsString::from("file:");
                name.push(path);
                if matches!(self, Self::Device(_)) { path.into() } else { name }
            }
            Self::Numbered(name) | Self::Stream(name) => name.into(),
            Self::Pictures(_) => OsString::new(),
            Self::StandardInput => "pipe:0".into(),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) | Self::Device(path) => write!(f, "{}", path.display()),
            Self::Pictures(pictures) => {
                let folder = pictures.first().and_then(|first| first.parent());
                write!(f, "{}", folder.unwrap_or(Path::new("pictures")).display())
            }
            Self::Numbered(name) | Self::Stream(name) => f.write_str(name),
            Self::StandardInput => f.write_str("standard input"),
        }
    }
}

/// Whether a name has a place for a number, as C's `printf` writes it.
fn is_numbered(name: &str) -> bool {
    let Some((_, rest)) = name.split_once('%') else { return false };
    rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('d')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("a:b.mp4"), "x").unwrap();
        std::fs::write(path("frame-0001.png"), "x").unwrap();
        let found = Source::find(&path("a:b.mp4")).unwrap();
        assert_eq!(found, Source::File(path("a:b.mp4").into()));
        assert_eq!(found.ffmpeg_input(), OsString::from(format!("file:{}", path("a:b.mp4"))));
        assert_eq!(found.stem(), "a:b");
        let pictures = vec![PathBuf::from(path("frame-0001.png"))];
        assert_eq!(Source::find(&path("")).unwrap(), Source::Pictures(pictures.clone()));
        assert_eq!(Source::find(&path("*.png")).unwrap(), Source::Pictures(pictures));
        assert!(matches!(Source::find(&path("frame-%04d.png")).unwrap(), Source::Numbered(_)));
        assert_eq!(Source::find("-").unwrap(), Source::StandardInput);
        assert!(Source::find("rtsp://camera/1").unwrap().is_live());
    }

    #[test]
    fn a_name_for_nothing_is_refused() {
        let error = Source::find("gone.mp4").unwrap_err().to_string();
        assert!(error.starts_with("gone.mp4: found no such file"), "{error}");
        assert!(Source::find("gone/*.png").is_err());
    }
}
