//! What the user named on the command line -> the picture files to read.

use glob::{MatchOptions, glob_with};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Extensions that make a file a picture when a folder or a pattern is searched; in lower case.
pub const PICTURE_EXTENSIONS: &[&str] = &[
    "apng", "bmp", "gif", "ico", "jfif", "jpe", "jpeg", "jpg", "mpo", "pam", "pbm", "pgm", "png",
    "pnm", "ppm", "qoi", "tga", "tif", "tiff", "webp",
];

/// Extensions of pictures that are met often and not read, in lower case. They are found too, so that
/// a run says that they are missing from its results.
const UNREAD_EXTENSIONS: &[&str] = &[
    "arw", "avif", "cr2", "cr3", "dng", "heic", "heif", "hif", "j2k", "jp2", "jpf", "jxl", "nef",
    "orf", "pef", "raf", "rw2", "srw",
];

/// As a shell reads patterns: `*` stays within one folder and does not find hidden files.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Why an input gave no files.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing was named.
    #[error("no input: expected a picture file, a folder, or a pattern such as \"photos/*.jpg\"")]
    NoInput,
    /// A name that is neither there nor a pattern.
    #[error(
        "{input}: found no such file or folder, expected a picture file, a folder, or a pattern \
         such as \"photos/*.jpg\"; check the spelling and the working folder"
    )]
    NotFound {
        /// The input as given.
        input: String,
    },
    /// A folder or a pattern without pictures.
    #[error(
        "{input}: found no picture, expected files that end in {}; name a file in full to read it \
         whatever its extension",
        PICTURE_EXTENSIONS.join(", ")
    )]
    NoPicture {
        /// The input as given.
        input: String,
    },
    /// A pattern that cannot be read.
    #[error("{input}: found a broken pattern: {source}; write a literal \"[\" as \"[[]\"")]
    Pattern {
        /// The input as given.
        input: String,
        /// Where the pattern breaks.
        source: glob::PatternError,
    },
    /// A folder the system does not list.
    #[error("{}: cannot list the folder: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The files that `inputs` name, each once, in the order of the inputs; within a folder or a
/// pattern, by path.
///
/// An input is a file (taken whatever its extension), a folder (searched to its depths for files
/// with one of [`PICTURE_EXTENSIONS`], hidden ones skipped), or a pattern with `*`, `?`, `[...]` or
/// `**` (the picture files it matches). A path that exists is never read as a pattern.
///
/// Pictures of a format that is not read (HEIC, AVIF, a camera's raw file) are found in folders and by
/// patterns too, unless one of the same name that is read lies beside them. Decoding says what they are.
///
/// # Errors
/// When there is no input, or one of them gives no file.
pub fn find_images(inputs: &[String]) -> Result<Vec<PathBuf>, InputError> {
    if inputs.is_empty() {
        return Err(InputError::NoInput);
    }
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for input in inputs {
        let files = find(input)?;
        found.extend(files.into_iter().filter(|file| seen.insert(comparable(file))));
    }
    Ok(found)
}

/// `./a.png` and `a.png` are one file.
fn comparable(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn find(input: &str) -> Result<Vec<PathBuf>, InputError> {
    let path = Path::new(input);
    let files = if path.is_dir() {
        files_below(path, is_photo)?
    } else if path.exists() {
        return Ok(vec![path.to_owned()]);
    } else if input.contains(['*', '?', '[']) {
        matched(input)?
    } else {
        return Err(InputError::NotFound { input: input.into() });
    };
    if files.is_empty() {
        return Err(InputError::NoPicture { input: input.into() });
    }
    Ok(without_twins(files))
}

/// Without pictures that are not read beside one of the same name that is: cameras write both.
fn without_twins(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let read = files.iter().filter(|file| is_picture(file));
    let names: HashSet<PathBuf> = read.map(|file| file.with_extension("")).collect();
    files.retain(|file| is_picture(file) || !names.contains(&file.with_extension("")));
    files
}

fn matched(pattern: &str) -> Result<Vec<PathBuf>, InputError> {
    let paths = glob_with(pattern, LIKE_A_SHELL)
        .map_err(|source| InputError::Pattern { input: pattern.into(), source })?;
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| InputError::Folder {
        path: error.path().to_owned(),
        source: error.into(),
    })?;
    Ok(paths.into_iter().filter(|path| path.is_file() && is_photo(path)).collect())
}

/// The pictures of a folder and of those in it, by path; hidden ones are left out.
pub(crate) fn pictures_below(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    files_below(folder, is_picture)
}

fn files_below(folder: &Path, is_wanted: fn(&Path) -> bool) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    let mut entered = HashSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let unlisted = |source| InputError::Folder { path: folder.clone(), source };
        // A link may lead back to where it stands.
        if !entered.insert(folder.canonicalize().map_err(unlisted)?) {
            continue;
        }
        let mut paths = shown(&folder).map_err(unlisted)?;
        // Which of two links to a folder is entered must not depend on the disk's order.
        paths.sort();
        let (folders, others): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
        waiting.extend(folders);
        files.extend(others.into_iter().filter(|path| is_wanted(path)));
    }
    files.sort();
    Ok(files)
}

/// What a folder holds, but for hidden files.
fn shown(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let entries = fs::read_dir(folder)?
        .filter(|entry| entry.as_ref().map_or(true, |entry| !is_hidden(entry)));
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn is_picture(path: &Path) -> bool {
    has_extension(path, PICTURE_EXTENSIONS)
}

/// Whether it is a picture, be it of a format that is not read.
fn is_photo(path: &Path) -> bool {
    is_picture(path) || has_extension(path, UNREAD_EXTENSIONS)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|found| extensions.contains(&found.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const FILES: &[&str] = &[
        "b.JPG",
        "a.png",
        "notes.txt",
        ".hidden.png",
        "deep/c.webp",
        "deep/er/d.tif",
        ".cache/e.png",
        "odd [1].png",
        "empty/readme.md",
    ];

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in FILES {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    /// What inputs within `folder` find, as paths within it.
    fn found(folder: &TempDir, inputs: &[&str]) -> Result<Vec<String>, InputError> {
        let root = folder.path().to_str().unwrap();
        let inputs: Vec<String> = inputs.iter().map(|input| format!("{root}/{input}")).collect();
        let within =
            |path: PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        Ok(find_images(&inputs)?.into_iter().map(within).collect())
    }

    #[test]
    fn a_folder_gives_its_pictures_by_path() {
        let expected = ["a.png", "b.JPG", "deep/c.webp", "deep/er/d.tif", "odd [1].png"];
        assert_eq!(found(&folder(), &[""]).unwrap(), expected);
    }

    #[test]
    fn a_file_is_taken_whatever_its_extension() {
        assert_eq!(found(&folder(), &["notes.txt"]).unwrap(), ["notes.txt"]);
        assert_eq!(found(&folder(), &[".hidden.png"]).unwrap(), [".hidden.png"]);
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        let folder = folder();
        assert_eq!(found(&folder, &["*.png"]).unwrap(), ["a.png", "odd [1].png"]);
        assert_eq!(found(&folder, &["*"]).unwrap(), ["a.png", "b.JPG", "odd [1].png"]);
        assert_eq!(found(&folder, &["deep/**/*.tif"]).unwrap(), ["deep/er/d.tif"]);
        assert_eq!(found(&folder, &["[ab].*"]).unwrap(), ["a.png", "b.JPG"]);
    }

    /// Data sets are read by the other list: what is no picture there stays none.
    #[test]
    fn pictures_that_are_not_read_are_found_unless_they_are_there_twice() {
        let folder = folder();
        for name in ["c.HEIC", "a.heic", "deep/c.cr2", "deep/x.jxl"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let expected = ["a.png", "b.JPG", "c.HEIC"];
        assert_eq!(found(&folder, &["[abc].*"]).unwrap(), expected);
        assert_eq!(found(&folder, &["a.h*"]).unwrap(), ["a.heic"], "the other was not asked for");
        let below = ["deep/c.webp", "deep/er/d.tif", "deep/x.jxl"];
        assert_eq!(found(&folder, &["deep"]).unwrap(), below);
        assert_eq!(pictures_below(folder.path()).unwrap().len(), 5);
    }

    #[test]
    fn a_path_that_exists_is_no_pattern() {
        assert_eq!(found(&folder(), &["odd [1].png"]).unwrap(), ["odd [1].png"]);
    }

    #[test]
    fn files_come_once_in_the_order_asked() {
        let inputs = ["deep", "./a.png", "*.png", "deep/er"];
        let expected = ["deep/c.webp", "deep/er/d.tif", "a.png", "odd [1].png"];
        assert_eq!(found(&folder(), &inputs).unwrap(), expected);
    }

    #[test]
    fn an_input_without_pictures_is_named() {
        let folder = folder();
        assert!(matches!(find_images(&[]), Err(InputError::NoInput)));
        for input in ["empty", "*.gif", "**/*.md"] {
            let error = found(&folder, &["a.png", input]).unwrap_err();
            assert!(matches!(error, InputError::NoPicture { .. }), "{error}");
            assert!(error.to_string().contains(input), "{error}");
        }
        let error = found(&folder, &["gone.png"]).unwrap_err();
        assert!(matches!(error, InputError::NotFound { .. }), "{error}");
        let error = found(&folder, &["a***b"]).unwrap_err();
        assert!(matches!(error, InputError::Pattern { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_back_is_followed_once() {
        let folder = folder();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("deep/er/loop")).unwrap();
        assert_eq!(found(&folder, &["deep/er"]).unwrap().len(), 5, "each file once");
    }
}
