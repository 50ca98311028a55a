//! `--save-images`: each picture with what was found drawn on it.

use crate::commands::originals::Originals;
use crate::place::make_folder;
use anyhow::{Context, Result};
use kestrel_core::{Categories, Detections, RgbImage};
use kestrel_data::write_picture;
use kestrel_draw::{DrawStyle, draw_detections};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A folder and a name in it for every picture of the run.
pub(crate) struct DrawnPictures {
    paths: Vec<PathBuf>,
}

impl DrawnPictures {
    /// Chooses the names, none of them that of an original, and makes the folder.
    pub(crate) fn open(folder: &Path, images: &[PathBuf], originals: &Originals) -> Result<Self> {
        let mut taken = BTreeSet::new();
        let name = |image: &PathBuf| folder.join(free_name(image, &mut taken));
        let paths: Vec<PathBuf> = images.iter().map(name).collect();
        paths.iter().try_for_each(|path| originals.spare(path, "--save-images"))?;
        make_folder(folder).context("--save-images")?;
        Ok(Self { paths })
    }

    /// Draws on the picture at `place` and writes it.
    pub(crate) fn write(
        &self,
        place: usize,
        mut picture: RgbImage,
        detections: &Detections,
        categories: &Categories,
    ) -> Result<()> {
        draw_detections(&mut picture, detections, categories, &DrawStyle::default());
        write_picture(&self.paths[place], &picture).context("--save-images")
    }
}

/// The picture's own name; JPEG stays JPEG, everything else becomes PNG; a second picture of that
/// name gets a number.
fn free_name(image: &Path, taken: &mut BTreeSet<String>) -> String {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    let extension = image.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let extension = if matches!(extension.as_str(), "jpg" | "jpeg") { "jpg" } else { "png" };
    let numbered = |number: usize| match number {
        1 => format!("{stem}.{extension}"),
        _ => format!("{stem}-{number}.{extension}"),
    };
    let mut number = 1;
    while !taken.insert(numbered(number)) {
        number += 1;
    }
    numbered(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pictures_share_a_name() {
        let mut taken = BTreeSet::new();
        let mut name = |path: &str| free_name(Path::new(path), &mut taken);
        assert_eq!(name("a/1.jpg"), "1.jpg");
        assert_eq!(name("b/1.JPEG"), "1-2.jpg");
        assert_eq!(name("b/1.tif"), "1.png");
        assert_eq!(name("c/1.png"), "1-2.png");
    }
}
