//! The check of packets: CRC-32 with polynomial 0x04C11DB7, from the highest bit, from zero.

const POLYNOMIAL: u32 = 0x04C1_1DB7;

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            rest = (rest << 1) ^ if rest >> 31 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

pub fn crc(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |rest, byte| (rest << 8) ^ TABLE[(rest >> 24) as usize ^ usize::from(*byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogue's check value of this CRC is for another start (all ones) and end; from the
    /// definition, one set bit leaves the polynomial.
    #[test]
    fn one_bit_leaves_the_polynomial() {
        assert_eq!(crc(&[1]), POLYNOMIAL);
        assert_eq!(crc(&[]), 0);
        assert_eq!(crc(&[0, 0, 1]), POLYNOMIAL);
    }

    /// A message followed by its own check has no rest.
    #[test]
    fn a_checked_message_has_no_rest() {
        let mut message = b"nut/multimedia".to_vec();
        let check = crc(&message).to_be_bytes();
        message.extend(check);
        assert_eq!(crc(&message), 0);
    }
}
