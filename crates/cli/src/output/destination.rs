//! Where results go: standard output, or a file that is there once it is complete.

use crate::place::named;
use anyhow::Result;
use kestrel_core::WholeFile;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, IntoInnerError, Write};
use std::path::{Path, PathBuf};

/// A file, a folder or standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `-` on the command line.
    StandardOutput,
    /// A file, or a folder for formats of many files.
    Path(PathBuf),
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::StandardOutput } else { Self::Path(path) }
    }
}

/// Writes what waits and gives the file its name.
pub(super) fn commit(file: BufWriter<WholeFile>) -> io::Result<()> {
    file.into_inner().map_err(IntoInnerError::into_error)?.commit()
}

/// One opened destination of a format of one file.
pub(super) struct Output {
    place: String,
    writer: OutputWriter,
}

enum OutputWriter {
    /// Seen by its reader image by image.
    Stream(BufWriter<Box<dyn Write>>),
    Whole(BufWriter<WholeFile>),
}

impl Output {
    pub fn open(destination: &Destination) -> Result<Self> {
        match destination {
            Destination::StandardOutput => {
                Ok(Self::stream("standard output".into(), Box::new(io::stdout())))
            }
            Destination::Path(path) => Self::open_path(path),
        }
    }

    fn open_path(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => named(&place, Err(ErrorKind::IsADirectory.into())),
            // A pipe or a device such as /dev/null must not be replaced by a file.
            Ok(found) if !found.is_file() => {
                let file = named(&place, File::options().write(true).open(path))?;
                Ok(Self::stream(place, Box::new(file)))
            }
            _ => {
                let whole = BufWriter::new(named(&place, WholeFile::create(path))?);
                Ok(Self { place, writer: OutputWriter::Whole(whole) })
            }
        }
    }

    fn stream(place: String, inner: Box<dyn Write>) -> Self {
        Self { place, writer: OutputWriter::Stream(BufWriter::new(inner)) }
    }

    /// Lets `text` write.
    pub fn write(&mut self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let outcome = match &mut self.writer {
            OutputWriter::Stream(writer) => text(writer).and_then(|()| writer.flush()),
            OutputWriter::Whole(file) => text(file),
        };
        named(&self.place, outcome)
    }

    pub fn finish(self) -> Result<()> {
        match self.writer {
            OutputWriter::Stream(_) => Ok(()),
            OutputWriter::Whole(file) => named(&self.place, commit(file)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_output() {
        assert_eq!(Destination::from(PathBuf::from("-")), Destination::StandardOutput);
        assert_eq!(Destination::from(PathBuf::from("./-")), Destination::Path("./-".into()));
    }

    fn refusal(path: &Path) -> String {
        Output::open(&Destination::Path(path.to_owned())).err().unwrap().to_string()
    }

    #[test]
    fn a_refusal_names_place_cause_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let missing = refusal(&folder.path().join("no/such/folder.json"));
        let start = format!("cannot write to {}/no/such/folder.json: no", folder.path().display());
        assert!(missing.starts_with(&start) && missing.contains("make the folder"), "{missing}");
        let is_folder = refusal(folder.path());
        assert!(is_folder.contains("is a directory"), "{is_folder}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error_and_stays_a_device() {
        let full = Destination::Path("/dev/full".into());
        let mut output = Output::open(&full).unwrap();
        let error = output.write(|out| out.write_all(b"x")).unwrap_err();
        assert!(error.to_string().contains("to /dev/full") && error.to_string().contains("room"));
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut output = Output::open(&Destination::Path(link.clone())).unwrap();
        output.write(|out| out.write_all(b"new")).unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "new");
        assert!(fs::symlink_metadata(link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        Output::open(&Destination::Path(ours.clone())).unwrap().finish().unwrap();
        File::create(&plain).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
