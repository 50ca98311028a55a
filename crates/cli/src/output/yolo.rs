//! YOLO text files: in a folder, `STEM.txt` for each image with one line a detection,
//! `class cx cy w h score`, the box by its centre and size as parts of the image's width and
//! height; and `classes.txt`, the names in order of the classes.
//!
//! Classes count from 0 without the background: label minus one. Masks are not written, since the
//! format knows polygons only. An image without detections has an empty file. YOLO knows an image
//! by its stem alone, so two images of one stem are refused.

use super::ImageResult;
use super::destination::commit;
use crate::place::{at_place, make_folder};
use anyhow::{Result, bail};
use kestrel_core::{BBox, Categories, Detection, ImageSize, Label, WholeFile};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The file of class names, without its ending.
const CLASSES: &str = "classes";

/// A folder that is being filled. Each file in it is complete or absent.
pub(super) struct Folder {
    folder: PathBuf,
    has_classes: bool,
    written: Stems,
}

impl Folder {
    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// When two of `images` would share a file, or the folder cannot be made.
    pub fn open(folder: &Path, images: &[PathBuf]) -> Result<Self> {
        let mut planned = Stems::default();
        images.iter().try_for_each(|image| planned.claim(image).map(drop))?;
        make_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), has_classes: false, written: Stems::default() })
    }

    /// Writes the file of one image, and with the first the class names.
    ///
    /// # Errors
    /// When it cannot be written or an image of the same stem was.
    pub fn write_image(&mut self, result: &ImageResult<'_>) -> Result<()> {
        if !self.has_classes {
            self.write_file(OsStr::new(CLASSES), |out| write_classes(out, result.categories))?;
            self.has_classes = true;
        }
        let stem = self.written.claim(result.path)?;
        let size = result.detections.image_size;
        self.write_file(&stem, |out| {
            let mut detections = result.detections.objects.iter();
            detections.try_for_each(|detection| write_line(out, detection, size))
        })
    }

    fn write_file(
        &self,
        stem: &OsStr,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let mut name = stem.to_owned();
        name.push(".txt");
        let path = self.folder.join(name);
        let write = || {
            let mut file = BufWriter::new(WholeFile::create(&path)?);
            text(&mut file)?;
            commit(file)
        };
        at_place(&path, write())
    }
}

/// The stems that are taken, and by which image.
#[derive(Default)]
struct Stems {
    taken: HashMap<OsString, PathBuf>,
}

impl Stems {
    fn claim(&mut self, image: &Path) -> Result<OsString> {
        let stem = image.file_stem().unwrap_or(OsStr::new("image")).to_owned();
        let remedy = "rename it, or detect it into another folder";
        let shown = Path::new(&stem).display();
        if stem == CLASSES {
            bail!("{}: YOLO keeps {shown}.txt for the class names; {remedy}", image.display());
        }
        if let Some(other) = self.taken.insert(stem.clone(), image.to_owned()) {
            let (image, other) = (image.display(), other.display());
            bail!("{image}: its YOLO file {shown}.txt is already that of {other}; {remedy}");
        }
        Ok(stem)
    }
}

fn write_line(out: &mut dyn Write, detection: &Detection, size: ImageSize) -> io::Result<()> {
    let Label(label) = detection.label;
    let BBox { x1, y1, x2, y2 } = detection.bbox;
    // Never zero: an image of no pixels has no detections.
    let (width, height) = (size.width as f32, size.height as f32);
    let (cx, cy) = ((x1 + x2) / 2.0 / width, (y1 + y2) / 2.0 / height);
    let (w, h) = ((x2 - x1) / width, (y2 - y1) / height);
    let (class, score) = (label.saturating_sub(1), detection.score);
    writeln!(out, "{class} {cx} {cy} {w} {h} {score}")
}

fn write_classes(out: &mut dyn Write, categories: &Categories) -> io::Result<()> {
    let mut names = categories.names().iter().skip(1);
    names.try_for_each(|name| writeln!(out, "{}", name.replace(['\n', '\r'], " ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::output::samples;
    use std::fs;

    #[test]
    fn a_file_for_every_image_and_one_for_the_names() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("new/labels");
        let mut folder = Folder::open(&path, &[]).unwrap();
        samples::with_results(|results| {
            results.iter().for_each(|result| folder.write_image(result).unwrap());
        });
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!(read("Käfer 1.txt"), "0 0.25 0.3125 0.25 0.375 0.9\n1 0.5 0.5 1 1 0.25\n");
        assert_eq!(read("empty.txt"), "");
        assert_eq!(read("classes.txt"), "cat, big\n\"dog\"\n");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 3);
    }

    #[test]
    fn images_of_one_stem_are_refused_before_the_run() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("labels");
        for pair in [["a/1.jpg", "b/1.jpg"], ["1.jpg", "1.png"]] {
            let error = Folder::open(&path, &pair.map(PathBuf::from)).err().unwrap().to_string();
            let expected =
                format!("{}: its YOLO file 1.txt is already that of {}", pair[1], pair[0]);
            assert!(error.starts_with(&expected), "{error}");
        }
        let error = Folder::open(&path, &["x/classes.jpg".into()]).err().unwrap().to_string();
        assert!(error.contains("classes.txt for the class names"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_repeated_stem_does_not_overwrite() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(root.path(), &[]).unwrap();
        samples::with_results(|[found, empty]| {
            folder.write_image(found).unwrap();
            let same = ImageResult { path: Path::new("other/Käfer 1.png"), ..*empty };
            assert!(folder.write_image(&same).is_err());
        });
        assert!(!fs::read_to_string(root.path().join("Käfer 1.txt")).unwrap().is_empty());
    }

    #[test]
    fn dots_in_a_stem_stay() {
        let mut stems = Stems::default();
        assert_eq!(stems.claim(Path::new("a/tile.0.1.png")).unwrap(), "tile.0.1");
        assert_eq!(stems.claim(Path::new("a/tile.0.2.png")).unwrap(), "tile.0.2");
    }
}
