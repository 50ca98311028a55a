//! A file that has its name only once it is complete.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// A file that is written under a hidden name and takes its own with [`WholeFile::commit`]: a reader
/// sees what was there before, or all of it. Dropped before that, it leaves nothing.
///
/// It goes through links to the file they lead to, also to one that is not there yet. Whoever may read
/// a plain new file may read it. Each write is the system's: many small ones want a buffer before them.
#[derive(Debug)]
pub struct WholeFile {
    target: PathBuf,
    hidden: NamedTempFile,
}

impl WholeFile {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// When its folder takes no files, or `path` is a folder, a device or a pipe.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::create_ending_in(path, "")
    }

    /// [`WholeFile::create`] with the extension of `path` in the hidden name too: where the process is
    /// killed, what it leaves can be opened.
    ///
    /// # Errors
    /// As in [`WholeFile::create`].
    pub fn create_with_extension(path: &Path) -> io::Result<Self> {
        let extension = path.extension().map(|extension| format!(".{}", extension.display()));
        Self::create_ending_in(path, &extension.unwrap_or_default())
    }

    fn create_ending_in(path: &Path, suffix: &str) -> io::Result<Self> {
        let target = target_of(path)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".kestrel-").suffix(suffix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is its owner's alone; this is what the umask takes from.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // Beside the target, since a file cannot be renamed from one disk to another. The full message
        // would name the hidden file, which nobody has heard of.
        let hidden = builder.tempfile_in(folder_of(&target)).map_err(|error| error.kind())?;
        Ok(Self { target, hidden })
    }

    /// The file that is being written.
    pub fn as_file(&self) -> &File {
        self.hidden.as_file()
    }

    /// Where it lies until then, for another program that writes it.
    pub fn hidden_path(&self) -> &Path {
        self.hidden.path()
    }

    /// Gives the file its name, in place of one that has it.
    ///
    /// # Errors
    /// When the name cannot be given; then nothing is left.
    pub fn commit(self) -> io::Result<()> {
        self.hidden.persist(&self.target).map(drop).map_err(|error| error.error)
    }
}

impl Write for WholeFile {
    // To the file itself: the temporary file's own errors name it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_file().flush()
    }
}

/// Writes `bytes` as the file `path`, whole or not at all: a [`WholeFile`] in one call.
///
/// # Errors
/// When it cannot be written; then `path` is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// The file that a write to `path` means, whether it is there or not.
fn target_of(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        // A device would be replaced by a file.
        Ok(found) if !found.is_file() => return Err(io::Error::other("not an ordinary file")),
        _ => {}
    }
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        // What cannot be read as a link is none, or not there yet.
        let Ok(next) = fs::read_link(&target) else { return Ok(target) };
        target = folder_of(&target).join(next);
    }
    Err(io::Error::other("a link that leads to itself"))
}

/// The folder a file lies in; for a name alone it is the current one.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn num_files(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn the_name_comes_with_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for text in ["first", ""] {
            let before = fs::read(&path).ok();
            let mut file = WholeFile::create(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(fs::read(&path).ok(), before);
            file.commit().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(num_files(folder.path()), 1);
    }

    #[test]
    fn dropped_it_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        write_whole(&old, b"old").unwrap();
        for path in [&old, &new] {
            WholeFile::create(path).unwrap().write_all(b"half").unwrap();
        }
        assert_eq!(fs::read_to_string(&old).unwrap(), "old");
        assert_eq!(num_files(folder.path()), 1);
    }

    #[test]
    fn a_name_alone_is_in_the_folder_one_is_in() {
        // Nothing is committed: the folder is the sources'.
        let file = WholeFile::create(Path::new("name")).unwrap();
        let folder = file.hidden_path().parent().unwrap().canonicalize().unwrap();
        assert_eq!(folder, std::env::current_dir().unwrap().canonicalize().unwrap());
    }

    #[test]
    fn another_program_finds_the_extension_in_the_hidden_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let file = WholeFile::create_with_extension(&path).unwrap();
        assert_eq!(file.hidden_path().extension(), path.extension());
        fs::write(file.hidden_path(), "theirs").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        let none = WholeFile::create_with_extension(&folder.path().join("clip")).unwrap();
        assert_eq!(none.hidden_path().extension(), None);
    }

    #[test]
    fn no_error_names_the_hidden_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("name");
        let missing = WholeFile::create(&path.join("file")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let file = WholeFile::create(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let late = file.commit().unwrap_err();
        let early = WholeFile::create(&path).unwrap_err();
        assert_eq!(early.kind(), ErrorKind::IsADirectory);
        for error in [missing, late, early] {
            assert!(!error.to_string().contains(".kestrel-"), "{error}");
        }
        assert_eq!(num_files(folder.path()), 1, "the folder and nothing else");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_stays_one() {
        let error = write_whole(Path::new("/dev/null"), b"").unwrap_err();
        assert_eq!(error.to_string(), "not an ordinary file");
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt, symlink};

        #[test]
        fn a_link_stays_one_and_its_file_is_written() {
            let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let (link, file) = (here.path().join("link"), there.path().join("file"));
            // Over two links, one of them relative.
            symlink("second", &link).unwrap();
            symlink(&file, here.path().join("second")).unwrap();
            for text in ["where nothing was", "in place of that"] {
                let mut whole = WholeFile::create(&link).unwrap();
                // Beside the file, since the link may lead to another disk.
                let folder = whole.hidden_path().parent().unwrap().canonicalize().unwrap();
                assert_eq!(folder, there.path().canonicalize().unwrap());
                whole.write_all(text.as_bytes()).unwrap();
                whole.commit().unwrap();
                assert_eq!(fs::read_to_string(&file).unwrap(), text);
            }
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!((num_files(here.path()), num_files(there.path())), (2, 1));
        }

        #[test]
        fn a_link_through_a_linked_folder_counts_from_where_it_lies() {
            let root = tempfile::tempdir().unwrap();
            let path = |name: &str| root.path().join(name);
            fs::create_dir_all(path("deep/er")).unwrap();
            symlink("deep/er", path("short")).unwrap();
            symlink("../file", path("deep/er/link")).unwrap();
            write_whole(&path("short/link"), b"text").unwrap();
            assert_eq!(fs::read_to_string(path("deep/file")).unwrap(), "text");
        }

        #[test]
        fn a_link_that_leads_nowhere_is_an_error() {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            symlink("none/file", path("lost")).unwrap();
            assert_eq!(write_whole(&path("lost"), b"").unwrap_err().kind(), ErrorKind::NotFound);
            symlink("b", path("a")).unwrap();
            symlink("a", path("b")).unwrap();
            let error = write_whole(&path("a"), b"").unwrap_err().to_string();
            assert!(error.contains("leads to itself"), "{error}");
            symlink(".", path("folder")).unwrap();
            let error = write_whole(&path("folder"), b"").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::IsADirectory);
            assert_eq!(num_files(folder.path()), 4, "the links and nothing else");
        }

        #[test]
        fn others_may_read_it_as_any_new_file() {
            let folder = tempfile::tempdir().unwrap();
            let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
            write_whole(&ours, b"").unwrap();
            File::create(&plain).unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode(&ours), mode(&plain));
        }
    }
}
