//! The few fields of TensorFlow's `Event` that a number needs, and the frame around each message.
//!
//! Source: the encoding of protocol buffers (wire types 0 varint, 1 eight bytes, 2 with length,
//! 5 four bytes), and TFRecord: length, its checksum, the message, its checksum.

/// The version of the format, which the first event of a file names.
const FILE_VERSION: &str = "brain.Event:2";

/// What keeps a checksum of data that holds checksums from being predictable.
const MASK_DELTA: u32 = 0xa282_ead8;

/// The first event of a file.
pub(super) fn first_event(unix_secs: f64) -> Vec<u8> {
    let mut event = Message::default();
    event.double(1, unix_secs);
    event.bytes(3, FILE_VERSION.as_bytes());
    event.0
}

/// An event with values by name.
pub(super) fn event(unix_secs: f64, step: u64, values: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Message::default();
    for (name, value) in values {
        let mut entry = Message::default();
        entry.bytes(1, name.as_bytes());
        entry.float(2, *value as f32);
        summary.bytes(1, &entry.0);
    }
    let mut event = Message::default();
    event.double(1, unix_secs);
    event.varint(2, step);
    event.bytes(5, &summary.0);
    event.0
}

/// The message as a record of a file.
pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let [of_length, of_message] = [&length[..], message].map(|bytes| masked(crc32c::crc32c(bytes)));
    [&length[..], &of_length.to_le_bytes(), message, &of_message.to_le_bytes()].concat()
}

fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(MASK_DELTA)
}

/// A message of protocol buffers in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.plain_varint(value);
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.plain_varint(value.len() as u64);
        self.0.extend(value);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.plain_varint(field << 3 | wire_type);
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn plain_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tensorboard` 2.21 wrote for the same values: `EventFileWriter` with `Event(wall_time=
    /// 1.5, step=300, summary=Summary(value=[Summary.Value(tag="loss/loss", simple_value=0.25)]))`.
    const RECORD: &str = "200000000000000029eda95009000000000000f83f10ac022a120a100a096c6f73732f6c6f7373150000803ee9d02e8d";

    #[test]
    fn a_record_is_tensorboard_s() {
        let written = frame(&event(1.5, 300, &[("loss/loss".to_owned(), 0.25)]));
        let hex: String = written.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, RECORD);
    }

    #[test]
    fn a_record_of_nothing_is_a_record() {
        // The checksum of no bytes is 0.
        assert_eq!(frame(b"")[12..], masked(0).to_le_bytes());
    }
}
