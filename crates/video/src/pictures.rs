//! Pictures as frames of a clip, read as `kestrel detect` reads them.

use crate::error::VideoError;
use crate::frame::{ClipFormat, Frame, Item};
use crate::{DecodeOptions, DecoderStop, FrameRate};
use kestrel_core::{ImageSize, RgbImage};
use kestrel_data::{DecodeLimits, decode};
use kestrel_draw::shrunk;
use std::path::PathBuf;
use std::time::Duration;

/// What people expect of a sequence that does not say.
const DEFAULT_RATE: FrameRate = match FrameRate::new(25, 1) {
    Some(rate) => rate,
    None => unreachable!(),
};

/// A sequence of pictures.
#[derive(Debug)]
pub(crate) struct PictureSequence {
    paths: std::vec::IntoIter<(usize, PathBuf)>,
    first: Option<Frame>,
    format: ClipFormat,
    max_side: Option<usize>,
    next_index: usize,
    expected_frames: usize,
    stop: DecoderStop,
}

impl PictureSequence {
    /// Reads the first picture, which decides the size; `name` is what the sequence is called.
    pub fn open(
        name: String,
        pictures: &[PathBuf],
        options: &DecodeOptions,
        stop: &DecoderStop,
    ) -> Result<Self, VideoError> {
        let rate = options.frame_rate.unwrap_or(DEFAULT_RATE);
        let time_base = rate.time_base();
        let is_wanted = |number: usize| {
            let time = Duration::from_secs_f64(time_base.secs(number as i64));
            options.start.is_none_or(|start| time >= start)
                && options.end.is_none_or(|end| time < end)
        };
        let wanted = pictures.iter().cloned().enumerate().filter(|(number, _)| is_wanted(*number));
        let paths: Vec<_> = wanted.step_by(options.every.get()).collect();
        let (expected_frames, first_number) = (paths.len(), paths.first().map(|first| first.0));
        // Times count from the first picture that is wanted, as with a clip.
        let offset = first_number.unwrap_or_default();
        let paths: Vec<_> =
            paths.into_iter().map(|(number, path)| (number - offset, path)).collect();
        let mut sequence = Self {
            paths: paths.into_iter(),
            first: None,
            format: ClipFormat {
                size: ImageSize::new(0, 0),
                time_base,
                frame_rate: rate.each(options.every.get()),
                pixel_aspect: [0, 0],
                audio: None,
            },
            max_side: options.max_side.map(usize::from),
            next_index: 0,
            expected_frames,
            stop: stop.clone(),
        };
        sequence.first = sequence.read()?;
        let Some(first) = &sequence.first else {
            let part = options.part().unwrap_or_default();
            let length = Duration::from_secs_f64(time_base.secs(pictures.len() as i64));
            return Err(VideoError::NothingInPart { input: name, part, length: Some(length) });
        };
        sequence.format.size = first.picture.size();
        Ok(sequence)
    }

    pub fn format(&self) -> &ClipFormat {
        &self.format
    }

    pub fn expected_frames(&self) -> Option<usize> {
        Some(self.expected_frames)
    }

    fn read(&mut self) -> Result<Option<Frame>, VideoError> {
        let Some((ticks, path)) = self.paths.next() else { return Ok(None) };
        let picture = self.shrunk(decode(&path, &DecodeLimits::default())?);
        let (found, expected) = (picture.size(), self.format.size);
        let index = self.next_index;
        if index > 0 && found != expected {
            return Err(VideoError::PictureSize { path, found, expected });
        }
        self.next_index += 1;
        Ok(Some(Frame { index, ticks: ticks as i64, picture, audio: Vec::new() }))
    }

    fn shrunk(&self, picture: RgbImage) -> RgbImage {
        match self.max_side {
            Some(side) if picture.size().height.max(picture.size().width) > side => {
                shrunk(&picture, side)
            }
            _ => picture,
        }
    }
}

impl Iterator for PictureSequence {
    type Item = Result<Item, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stop.happened() {
            return None;
        }
        let frame = self.first.take().map_or_else(|| self.read(), |frame| Ok(Some(frame)));
        if frame.is_err() {
            self.paths = Vec::new().into_iter();
        }
        frame.transpose().map(|frame| frame.map(Item::Frame))
    }
}
