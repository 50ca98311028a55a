//! Numbers of variable length: seven bits a byte, the highest first, the eighth bit set on all but the
//! last byte.

use super::NutError;
use std::io::Read;

/// Longest form of a 64-bit number.
const MAX_BYTES: usize = 10;

pub fn write_number(out: &mut Vec<u8>, value: u64) {
    let num_bytes = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for place in (1..num_bytes).rev() {
        out.push(0x80 | (value >> (7 * place)) as u8);
    }
    out.push((value & 0x7F) as u8);
}

pub fn read_number(from: &mut impl Read) -> Result<u64, NutError> {
    let mut value = 0u64;
    for _ in 0..MAX_BYTES {
        let byte = read_byte(from)?;
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(NutError::Invalid { found: "an endless number".into(), expected: "at most 64 bits" })
}

/// The signed number at this place of 0, 1, -1, 2, -2, ...
pub fn signed_at(place: u64) -> i64 {
    let size = (place / 2 + place % 2) as i64;
    if place % 2 == 1 { size } else { -size }
}

pub fn read_byte(from: &mut impl Read) -> Result<u8, NutError> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_number(&mut bytes, value);
        bytes
    }

    #[test]
    fn seven_bits_a_byte() {
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [0x7F]);
        assert_eq!(written(128), [0x81, 0]);
        assert_eq!(written(51_200), [0x83, 0x90, 0x00]);
    }

    #[test]
    fn signs_take_turns() {
        assert_eq!([0, 1, 2, 3, 4].map(signed_at), [0, 1, -1, 2, -2]);
    }

    #[test]
    fn a_number_ends() {
        assert!(read_number(&mut [0xFF; 20].as_slice()).is_err());
        assert!(read_number(&mut [0xFF].as_slice()).is_err());
    }

    proptest! {
        #[test]
        fn numbers_survive(value: u64) {
            prop_assert_eq!(read_number(&mut written(value).as_slice()).unwrap(), value);
        }
    }
}
