//! Pictures in and out: finding and decoding files, writing them, and drawing test data.
//!
//! * [`find_images`] turns what a user names into picture files;
//! * [`decode`] reads one as a viewer would show it, within [`DecodeLimits`];
//! * [`write_picture`] writes one, whole or not at all;
//! * [`micrograph`] and [`micrograph_sequence`] draw fluorescence micrographs with known masks.
//!
//! Nothing here knows of tensors.

mod decode;
mod encode;
mod inputs;
mod synth;

pub use decode::{DecodeError, DecodeLimits, decode, decode_bytes};
pub use encode::{EncodeError, write_picture};
pub use inputs::{InputError, PICTURE_EXTENSIONS, find_images};
pub use synth::{
    Micrograph, MicrographConfig, MicrographError, MicrographFrame, MicrographSequence,
    MotionConfig, TrackedNucleus, micrograph, micrograph_sequence,
};
