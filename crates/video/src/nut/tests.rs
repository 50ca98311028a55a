//! What is written is read. That ffmpeg agrees is shown by the tests that start it.

use super::*;
use proptest::prelude::*;

fn streams() -> Vec<Stream> {
    let size = ImageSize::new(3, 5);
    vec![
        Stream {
            tag: *b"RGB\x18",
            time_base: TimeBase::new(1001, 30_000).unwrap(),
            kind: StreamKind::Video {
                size,
                frame_rate: FrameRate::new(30_000, 1001),
                pixel_aspect: [4, 3],
            },
        },
        Stream {
            tag: PCM16,
            time_base: TimeBase::new(1, 48_000).unwrap(),
            kind: StreamKind::Audio { samples_per_sec: 48_000, channels: 2 },
        },
    ]
}

fn written(packets: &[Packet]) -> Vec<u8> {
    let mut writer = Writer::open(Vec::new(), &streams()).unwrap();
    for Packet { stream, ticks, data } in packets {
        writer.write(*stream, *ticks, data).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<Packet>, NutError> {
    let mut reader = Reader::open(bytes)?;
    assert_eq!(reader.streams().cloned().collect::<Vec<_>>(), streams());
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        packets.push(packet);
    }
    Ok(packets)
}

fn any_packet() -> impl Strategy<Value = Packet> {
    (0usize..2, 0i64..1 << 40, prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(stream, ticks, data)| Packet { stream, ticks, data })
}

proptest! {
    #[test]
    fn what_is_written_is_read(packets in prop::collection::vec(any_packet(), 0..8)) {
        prop_assert_eq!(read(&written(&packets)).unwrap(), packets);
    }

    #[test]
    fn broken_streams_are_errors(
        place in 0usize..400, byte: u8, packets in prop::collection::vec(any_packet(), 1..3)
    ) {
        let mut bytes = written(&packets);
        let place = place % bytes.len();
        bytes[place] = byte;
        // Whatever comes of it, it is no panic.
        let mut reader = match Reader::open(bytes.as_slice()) {
            Ok(reader) => reader,
            Err(_) => return Ok(()),
        };
        while let Ok(Some(_)) = reader.next_packet() {}
    }
}

#[test]
fn an_end_inside_a_frame_is_an_error() {
    let bytes = written(&[Packet { stream: 0, ticks: 7, data: vec![1; 45] }]);
    assert!(read(&bytes[..bytes.len() - 1]).is_err());
    assert!(Reader::open(&bytes[..30]).is_err());
    assert!(Reader::open(b"moov".as_slice()).is_err());
}
