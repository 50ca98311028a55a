//! Time as containers count it: whole ticks of a rational length.

use std::fmt;

/// The length of a tick in seconds, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBase {
    numerator: u64,
    denominator: u64,
}

impl TimeBase {
    /// `numerator / denominator` seconds; `None` where that is no length, or its parts do not fit 32
    /// bits.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if numerator == 0 || denominator == 0 {
            return None;
        }
        let divisor = common_divisor(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        if numerator > u32::MAX as u64 || denominator > u32::MAX as u64 {
            return None;
        }
        Some(Self { numerator, denominator })
    }

    /// The upper part of the fraction.
    pub const fn numerator(self) -> u64 {
        self.numerator
    }

    /// The lower part of the fraction.
    pub const fn denominator(self) -> u64 {
        self.denominator
    }

    /// How long so many ticks are.
    pub fn secs(self, ticks: i64) -> f64 {
        // In this order 3 ticks of 1/10 are 0.3.
        (ticks as f64 * self.numerator as f64) / self.denominator as f64
    }

    /// Ticks of this base as ticks of another, rounded down.
    pub(crate) fn ticks_in(self, ticks: i64, other: Self) -> i64 {
        let above = i128::from(ticks) * i128::from(self.numerator) * i128::from(other.denominator);
        let below = i128::from(self.denominator) * i128::from(other.numerator);
        above.div_euclid(below) as i64
    }
}

/// Euclid's: containers want fractions in lowest terms.
const fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Frames in a second, as a fraction: 25, or 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate(TimeBase);

impl FrameRate {
    /// `frames` in `secs` seconds; `None` where that is no rate.
    pub const fn new(frames: u64, secs: u64) -> Option<Self> {
        match TimeBase::new(secs, frames) {
            Some(base) => Some(Self(base)),
            None => None,
        }
    }

    /// The rate when only each frame of this many is taken.
    pub(crate) fn each(self, every: usize) -> Option<Self> {
        Self::new(self.0.denominator, self.0.numerator.checked_mul(every as u64)?)
    }

    /// A tick for each frame.
    pub const fn time_base(self) -> TimeBase {
        self.0
    }
}

impl std::str::FromStr for FrameRate {
    type Err = String;

    /// `25`, `29.97`, `30000/1001`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("found `{text}`, expected frames a second, such as 25 or 30000/1001");
        let parts = match text.split_once('/') {
            Some((frames, secs)) => frames.parse().ok().zip(secs.parse().ok()),
            None => {
                let rate: f64 = text.parse().map_err(|_| expected())?;
                // Thousandths are what people write.
                (rate.is_finite() && rate > 0.0).then(|| ((rate * 1000.0).round() as u64, 1000))
            }
        };
        parts.and_then(|(frames, secs)| Self::new(frames, secs)).ok_or_else(expected)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.denominator, self.0.numerator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_has_a_length() {
        assert!(TimeBase::new(0, 1).is_none() && TimeBase::new(1, 0).is_none());
        assert_eq!(TimeBase::new(1, 10).unwrap().secs(3), 0.3);
        assert_eq!(TimeBase::new(1000, 10_000), TimeBase::new(1, 10));
    }

    #[test]
    fn ticks_change_their_length() {
        let ntsc = TimeBase::new(1001, 30_000).unwrap();
        let fine = TimeBase::new(1, 90_000).unwrap();
        assert_eq!(ntsc.ticks_in(2, fine), 6006);
        assert_eq!(fine.ticks_in(6005, ntsc), 1);
        assert_eq!(fine.ticks_in(-1, ntsc), -1);
    }

    #[test]
    fn rates_are_whole_decimal_or_fractions() {
        let rate = |text: &str| text.parse::<FrameRate>().map(|rate| rate.to_string());
        assert_eq!(rate("25").unwrap(), "25/1");
        assert_eq!(rate("30000/1001").unwrap(), "30000/1001");
        for wrong in ["", "0", "-1", "nan", "25/0", "fast"] {
            assert!(rate(wrong).unwrap_err().contains("expected frames a second"), "{wrong}");
        }
    }
}
