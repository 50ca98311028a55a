//! Augmentation: pictures, boxes and masks changed together, at random.
//!
//! An [`Augmenter`] is a list of [`Augmentation`]s, done one after the other. Each is a file with its
//! own config, which says where it comes from and how it differs from torchvision.
//!
//! After a move the box of an object with a mask is the bounds of its moved mask; the box of one
//! without is the bounds of its moved corners, cut at the border. Objects of which too little is left
//! are dropped ([`KeepRule`]); a picture that loses all its objects is still a sample.
//!
//! The same [`Chance`] gives the same bytes, on every machine and whatever else runs.

mod axis;
mod blur;
mod chance;
mod colour;
mod copy_paste;
mod error;
mod flip;
mod noise;
mod objects;
mod photometric;
mod quarter_turn;
mod random_crop;
mod resample;
mod resized_crop;
mod rotate;
mod scale_jitter;
mod short_side;
mod spans;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod window;

pub use blur::Blur;
pub use chance::Chance;
pub use copy_paste::CopyPaste;
pub use error::AugmentError;
pub use flip::Flip;
pub use noise::Noise;
pub use objects::KeepRule;
pub use photometric::{Photometric, Span};
pub use quarter_turn::Rotate90;
pub use random_crop::RandomCrop;
pub use resized_crop::RandomResizedCrop;
pub use rotate::Rotate;
pub use scale_jitter::ScaleJitter;
pub use short_side::ShortSide;
pub(crate) use window::Window;

use crate::Sample;
use error::Check;
use serde::{Deserialize, Serialize};

/// The mean of ImageNet's pixels, in levels: what padding becomes 0 with, once normalised.
const MEAN_COLOUR: [u8; 3] = [124, 116, 104];

/// One change, made at random. In YAML: `- horizontal_flip: {probability: 0.5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Left becomes right.
    HorizontalFlip(Flip),
    /// Top becomes bottom.
    VerticalFlip(Flip),
    /// Large scale jitter: a random size, then cut or padded to a fixed one.
    ScaleJitter(ScaleJitter),
    /// A random part that shows an object.
    RandomCrop(RandomCrop),
    /// A random part at one size, as classifiers are trained with.
    RandomResizedCrop(RandomResizedCrop),
    /// The short side has one of several lengths.
    ShortSide(ShortSide),
    /// Brightness, contrast, saturation, hue.
    Photometric(Photometric),
    /// A turn by 90, 180 or 270 degrees.
    Rotate90(Rotate90),
    /// A turn by a small angle.
    Rotate(Rotate),
    /// Gaussian blur.
    Blur(Blur),
    /// Noise of a camera.
    Noise(Noise),
    /// Objects of another picture laid over this one.
    CopyPaste(CopyPaste),
}

impl Augmentation {
    /// Its name in a config.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HorizontalFlip(_) => "horizontal_flip",
            Self::VerticalFlip(_) => "vertical_flip",
            Self::ScaleJitter(_) => "scale_jitter",
            Self::RandomCrop(_) => "random_crop",
            Self::RandomResizedCrop(_) => "random_resized_crop",
            Self::ShortSide(_) => "short_side",
            Self::Photometric(_) => "photometric",
            Self::Rotate90(_) => "rotate90",
            Self::Rotate(_) => "rotate",
            Self::Blur(_) => "blur",
            Self::Noise(_) => "noise",
            Self::CopyPaste(_) => "copy_paste",
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first setting that makes no sense, and what would.
    pub fn validate(&self) -> Result<(), AugmentError> {
        let check = Check(self.name());
        match self {
            Self::HorizontalFlip(flip) | Self::VerticalFlip(flip) => flip.validate(check),
            Self::ScaleJitter(jitter) => jitter.validate(check),
            Self::RandomCrop(crop) => crop.validate(check),
            Self::RandomResizedCrop(crop) => crop.validate(check),
            Self::ShortSide(sides) => sides.validate(check),
            Self::Photometric(photometric) => photometric.validate(check),
            Self::Rotate90(turn) => turn.validate(check),
            Self::Rotate(rotate) => rotate.validate(check),
            Self::Blur(blur) => blur.validate(check),
            Self::Noise(noise) => noise.validate(check),
            Self::CopyPaste(paste) => paste.validate(check),
        }
    }
}

/// Where copy-paste takes other samples from; none is an answer.
pub type Donors<'a> = dyn FnMut(&mut Chance) -> Option<Sample> + 'a;

/// Augmentations whose settings are known to make sense, done one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augmenter {
    stages: Vec<Augmentation>,
}

impl Augmenter {
    /// A list of augmentations; an empty one leaves samples as they are.
    ///
    /// # Errors
    /// The first setting that makes no sense, and what would.
    pub fn new(stages: &[Augmentation]) -> Result<Self, AugmentError> {
        stages.iter().try_for_each(Augmentation::validate)?;
        Ok(Self { stages: stages.to_vec() })
    }

    /// A changed sample. `donors` is asked for another one where copy-paste wants it; the donor goes
    /// through the stages before the pasting, as this sample did.
    ///
    /// A picture without pixels comes back as it is.
    pub fn apply(&self, sample: Sample, chance: &mut Chance, donors: &mut Donors<'_>) -> Sample {
        through(&self.stages, sample, chance, donors)
    }
}

fn through(
    stages: &[Augmentation],
    sample: Sample,
    chance: &mut Chance,
    donors: &mut Donors<'_>,
) -> Sample {
    if sample.image.size().area() == 0 {
        return sample;
    }
    stages.iter().enumerate().fold(sample, |sample, (place, stage)| match stage {
        Augmentation::HorizontalFlip(flip) => flip.left_to_right(sample, chance),
        Augmentation::VerticalFlip(flip) => flip.top_to_bottom(sample, chance),
        Augmentation::ScaleJitter(jitter) => jitter.apply(sample, chance),
        Augmentation::RandomCrop(crop) => crop.apply(sample, chance),
        Augmentation::RandomResizedCrop(crop) => crop.apply(sample, chance),
        Augmentation::ShortSide(sides) => sides.apply(sample, chance),
        Augmentation::Photometric(photometric) => photometric.apply(sample, chance),
        Augmentation::Rotate90(turn) => turn.apply(sample, chance),
        Augmentation::Rotate(rotate) => rotate.apply(sample, chance),
        Augmentation::Blur(blur) => blur.apply(sample, chance),
        Augmentation::Noise(noise) => noise.apply(sample, chance),
        Augmentation::CopyPaste(paste) => paste.apply(sample, chance, |chance| {
            let donor = donors(chance)?;
            // A donor is given no donors of its own.
            Some(through(&stages[..place], donor, chance, &mut |_| None))
        }),
    })
}
