//! MOTChallenge text: `frame,id,left,top,width,height,confidence,...`, one line a box.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// A box of a track in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackBox {
    /// The track.
    pub id: i64,
    /// `x y width height` in pixels.
    pub bbox: [f64; 4],
}

/// The tracks of one clip, frame by frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackSequence {
    frames: BTreeMap<i64, Vec<TrackBox>>,
}

/// Which side a file is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackRole {
    /// What is true. Boxes of confidence 0 are marked to be left out.
    Truth,
    /// What was found.
    Found,
}

/// Tracks that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// The system did not hand the file over.
    #[error("{}: cannot read the tracks: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is no box of a track.
    #[error(
        "{}: line {line}: {reason}; expected frame,id,left,top,width,height,confidence as in \
         MOTChallenge",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was found.
        reason: String,
    },
}

impl TrackSequence {
    /// Adds a box.
    ///
    /// # Errors
    /// When the track has one in this frame, or a side is negative or no number.
    pub fn add(&mut self, frame: i64, track_box: TrackBox) -> Result<(), String> {
        let TrackBox { id, bbox } = track_box;
        let [_, _, width, height] = bbox;
        if !bbox.iter().all(|number| number.is_finite()) || width < 0.0 || height < 0.0 {
            return Err(format!(
                "found the box {bbox:?}, expected finite numbers and sides from 0"
            ));
        }
        let boxes = self.frames.entry(frame).or_default();
        if boxes.iter().any(|other| other.id == id) {
            return Err(format!("track {id} has a second box in frame {frame}"));
        }
        boxes.push(track_box);
        Ok(())
    }

    /// The frames that have boxes.
    pub fn frames(&self) -> impl Iterator<Item = (i64, &[TrackBox])> {
        self.frames.iter().map(|(frame, boxes)| (*frame, boxes.as_slice()))
    }

    /// The boxes of a frame.
    pub(super) fn boxes(&self, frame: i64) -> &[TrackBox] {
        self.frames.get(&frame).map_or(&[], Vec::as_slice)
    }

    /// The numbers of all tracks, rising.
    pub(super) fn ids(&self) -> BTreeSet<i64> {
        self.frames.values().flatten().map(|track_box| track_box.id).collect()
    }

    /// Reads a file; fields are separated by commas or white space.
    ///
    /// # Errors
    /// When the file cannot be read or a line is no box of a track.
    pub fn read(path: &Path, role: TrackRole) -> Result<Self, TrackError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TrackError::Io { path: path.to_owned(), source })?;
        let mut sequence = Self::default();
        for (index, line) in text.lines().enumerate() {
            let path = || path.to_owned();
            sequence.read_line(line, role).map_err(|reason| TrackError::Line {
                path: path(),
                line: index + 1,
                reason,
            })?;
        }
        Ok(sequence)
    }

    fn read_line(&mut self, line: &str, role: TrackRole) -> Result<(), String> {
        let fields: Vec<&str> = line
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|field| !field.is_empty())
            .collect();
        if fields.is_empty() {
            return Ok(());
        }
        let numbers: Vec<f64> = fields
            .iter()
            .map(|field| field.parse().map_err(|_| format!("found `{field}`, expected a number")))
            .collect::<Result<_, _>>()?;
        let &[frame, id, x, y, width, height, ref rest @ ..] = numbers.as_slice() else {
            return Err(format!("found {} fields", fields.len()));
        };
        let [frame, id] = [whole("frame", frame)?, whole("id", id)?];
        if role == TrackRole::Found && id < 0 {
            return Err(format!("found the id {id}: detections that are not followed"));
        }
        if role == TrackRole::Truth && rest.first() == Some(&0.0) {
            return Ok(());
        }
        self.add(frame, TrackBox { id, bbox: [x, y, width, height] })
    }
}

/// Some tools write `1.0`.
fn whole(name: &str, number: f64) -> Result<i64, String> {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => Ok(number as i64),
        false => Err(format!("found the {name} {number}, expected a whole number")),
    }
}
