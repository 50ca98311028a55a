//! Names for pictures in a new place, and the pictures themselves.

use super::{ImageFiles, LossKind, WriteError, WriteSummary, make};
use crate::formats::locate::stem;
use crate::{Dataset, ImageRecord};
use kestrel_core::write_whole;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// What becomes of folders in the names of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// They stay.
    Nested,
    /// The name alone stays: readers of the format look into one folder.
    Flat,
}

/// Gives pictures names that no other one in their folder has.
pub struct Pictures {
    files: ImageFiles,
    naming: Naming,
    /// Names given, less their extension since labels share it, in lower case since on some disks
    /// that is the same name.
    taken: BTreeSet<PathBuf>,
    /// The number the next picture of a name is tried with.
    next: BTreeMap<PathBuf, u64>,
}

impl Pictures {
    pub fn new(files: ImageFiles, naming: Naming) -> Self {
        Self { files, naming, taken: BTreeSet::new(), next: BTreeMap::new() }
    }

    /// Whether the pictures stay where they are.
    pub fn stay(&self) -> bool {
        self.files == ImageFiles::Leave
    }

    /// The data set as annotations in `folder` name its pictures: by the way to them where they stay.
    pub fn named_from<'d>(&self, folder: &Path, dataset: &'d Dataset) -> Cow<'d, Dataset> {
        match self.stay() {
            true => Cow::Owned(dataset.clone().named_from(folder)),
            false => Cow::Borrowed(dataset),
        }
    }

    /// Puts the picture of `record` below `folder`, at its name there, and gives that name. Parts of a
    /// name that lead out of the folder are left out. A picture that stays is only given the name.
    pub fn place(
        &mut self,
        record: &ImageRecord,
        folder: &Path,
        summary: &mut WriteSummary,
    ) -> Result<String, WriteError> {
        let name = self.free_name(folder, &within(record, self.naming));
        if self.stay() {
            return Ok(name);
        }
        summary.lose(LossKind::PictureNames, usize::from(name != record.name));
        if !record.path.is_file() {
            summary.lose(LossKind::MissingPictures, 1);
            return Ok(name);
        }
        let to = folder.join(&name);
        make(to.parent().unwrap_or(folder))?;
        let done = match self.files {
            ImageFiles::Copy => fs::read(&record.path).and_then(|bytes| write_whole(&to, &bytes)),
            ImageFiles::Link => record.path.canonicalize().and_then(|from| link(&from, &to)),
            ImageFiles::Leave => Ok(()),
        };
        done.map_err(|source| WriteError::io(&to, source))?;
        Ok(name)
    }

    /// `name`, or else `name_2`, `name_3` and on.
    fn free_name(&mut self, folder: &Path, name: &str) -> String {
        let path = Path::new(name);
        let next = self.next.entry(folder.join(name.to_lowercase())).or_insert(1);
        let candidates = (*next..).inspect(|number| *next = number + 1).map(|number| {
            match (number, path.extension()) {
                (1, _) => name.to_owned(),
                (_, None) => format!("{name}_{number}"),
                (_, Some(extension)) => {
                    let file = format!("{}_{number}.{}", stem(path), extension.to_string_lossy());
                    path.with_file_name(file).to_string_lossy().replace('\\', "/")
                }
            }
        });
        let mut free = candidates.filter(|candidate| {
            let key = candidate.to_lowercase();
            self.taken.insert(folder.join(key).with_extension(""))
        });
        free.next().unwrap_or_else(|| name.to_owned())
    }
}

/// The name of a record as a path that stays within its folder, with the extension its file has.
fn within(record: &ImageRecord, naming: Naming) -> String {
    let parts: Vec<Component> = Path::new(&record.name).components().collect();
    let is_normal = |part: &&Component| matches!(part, Component::Normal(_));
    let stays =
        naming == Naming::Nested && !parts.is_empty() && parts.iter().all(|part| is_normal(&part));
    let last = parts.iter().rev().find(is_normal);
    let mut name = match last {
        Some(_) if stays => record.name.clone(),
        Some(last) => last.as_os_str().to_string_lossy().into_owned(),
        None => record.id.to_string(),
    };
    if let (None, Some(extension)) = (Path::new(&name).extension(), record.path.extension()) {
        name = format!("{name}.{}", extension.to_string_lossy());
    }
    name
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)
}
