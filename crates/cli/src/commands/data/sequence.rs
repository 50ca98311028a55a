//! `kestrel data synth sequence`: a clip whose objects are known in every frame.

use super::synth::{Drawn, Truth, micrograph_config, open_folder};
use crate::Outcome;
use crate::commands::video::find_ffmpeg;
use crate::output::video::write_mot_object;
use crate::output::{Destination, write_text};
use anyhow::Result;
use kestrel_args::SequenceArgs;
use kestrel_core::RgbImage;
use kestrel_data::{MicrographFrame, micrograph_sequence};
use kestrel_video::{ClipFormat, Container, Encoder, Frame};
use std::path::Path;

/// The clip, and the tracks as MOTChallenge text, beside the frames.
const CLIP_FILE: &str = "sequence.mp4";
const TRACKS_FILE: &str = "truth.mot.txt";

/// What the names of frames begin with.
const FRAME: &str = "frame";

/// Draws the frames and writes them, the clip and the truth.
pub(crate) fn run(arguments: &SequenceArgs) -> Result<Outcome> {
    let folder = &arguments.drawn.output;
    let mut config = micrograph_config(arguments.side, arguments.nuclei);
    config.motion.division_chance = arguments.divisions;
    config.validate()?;
    open_folder(folder, FRAME, arguments.frames.get())?;
    let mut clip = match arguments.no_video {
        true => None,
        false => Some(open_clip(arguments, folder)?),
    };
    let mut truth = Truth::new(["nucleus"]);
    let mut tracks = Vec::new();
    let frames = micrograph_sequence(&config, arguments.drawn.seed, arguments.frames.get())?;
    for (index, MicrographFrame { image, nuclei }) in frames.enumerate() {
        let nuclei: Vec<Drawn> = nuclei.into_iter().map(Drawn::tracked).collect();
        truth.add(folder, FRAME, &image, &nuclei)?;
        write_tracks(&mut tracks, index, &nuclei)?;
        if let Some(clip) = &mut clip {
            write_frame(clip, index, image)?;
        }
    }
    if let Some(clip) = clip {
        clip.finish()?;
    }
    let tracks = String::from_utf8_lossy(&tracks);
    write_text(&Destination::Path(folder.join(TRACKS_FILE)), &tracks)?;
    truth.mark_as_video(CLIP_FILE);
    truth.finish(folder, ["nucleus", "nuclei"])
}

fn open_clip(arguments: &SequenceArgs, folder: &Path) -> Result<Encoder> {
    let format = ClipFormat {
        size: micrograph_config(arguments.side, arguments.nuclei).size,
        time_base: arguments.fps.time_base(),
        frame_rate: Some(arguments.fps),
        pixel_aspect: [1, 1],
        audio: None,
    };
    let path = folder.join(CLIP_FILE);
    Ok(Encoder::open(&find_ffmpeg()?, &path, Container::Mp4, &format)?)
}

fn write_frame(clip: &mut Encoder, index: usize, picture: RgbImage) -> Result<()> {
    let frame = Frame { index, ticks: index as i64, picture, audio: Vec::new() };
    Ok(clip.write(&frame)?)
}

fn write_tracks(tracks: &mut Vec<u8>, index: usize, nuclei: &[Drawn]) -> Result<()> {
    for Drawn { mask, track, .. } in nuclei {
        if let (Some(track), Some(bounds)) = (track, mask.bounds()) {
            write_mot_object(tracks, index + 1, &track.id.to_string(), &bounds, 1.0)?;
        }
    }
    Ok(())
}
