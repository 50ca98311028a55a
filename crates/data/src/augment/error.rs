//! Settings no augmentation can work with.

use std::ops::RangeInclusive;

/// A setting of an augmentation that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AugmentError {
    /// A number outside its range, or no number at all.
    #[error("augmentation {augmentation}: {field}: found {found}, expected {low} to {high}")]
    Range {
        /// Name of the augmentation, as in a config.
        augmentation: &'static str,
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        found: f64,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// A list to draw from that holds nothing.
    #[error("augmentation {augmentation}: {field}: found an empty list, expected a value or more")]
    Empty {
        /// Name of the augmentation, as in a config.
        augmentation: &'static str,
        /// Name of the setting.
        field: &'static str,
    },
}

/// Checks the settings of the augmentation of this name.
#[derive(Clone, Copy)]
pub(super) struct Check(pub &'static str);

impl Check {
    /// Written so that NaN is refused too.
    pub fn range(
        self,
        field: &'static str,
        found: f64,
        allowed: RangeInclusive<f64>,
    ) -> Result<(), AugmentError> {
        if allowed.contains(&found) {
            return Ok(());
        }
        let (low, high) = allowed.into_inner();
        Err(AugmentError::Range { augmentation: self.0, field, found, low, high })
    }

    pub fn probability(self, found: f64) -> Result<(), AugmentError> {
        self.range("probability", found, 0.0..=1.0)
    }

    pub fn side(self, field: &'static str, found_px: usize) -> Result<(), AugmentError> {
        self.range(field, found_px as f64, 1.0..=MAX_SIDE_PX)
    }

    pub fn not_empty<T>(self, field: &'static str, list: &[T]) -> Result<(), AugmentError> {
        if list.is_empty() {
            return Err(AugmentError::Empty { augmentation: self.0, field });
        }
        Ok(())
    }
}

/// Longest side an augmentation may make: a picture of 192 MiB.
const MAX_SIDE_PX: f64 = 8192.0;
